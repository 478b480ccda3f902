// Every way in which @azure/identity names a managed identity. Prints whose token each one got.
import assert from "node:assert/strict";
import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";

const scope = "https://vault.azure.net/.default";
const { CLIENT_ID: clientId, OBJECT_ID: objectId, RESOURCE_ID: resourceId } = process.env;
const ways = {
  "system-assigned": new ManagedIdentityCredential(),
  "client ID": new ManagedIdentityCredential({ clientId }),
  "object ID": new ManagedIdentityCredential({ objectId }),
  "resource ID": new ManagedIdentityCredential({ resourceId }),
  default: new DefaultAzureCredential(),
  "default, client ID": new DefaultAzureCredential({ managedIdentityClientId: clientId }),
  "default, resource ID": new DefaultAzureCredential({ managedIdentityResourceId: resourceId }),
};
const found = {};
for (const [way, credential] of Object.entries(ways)) {
  const first = await credential.getToken(scope);
  assert.equal((await credential.getToken(scope)).token, first.token);
  assert.ok(first.expiresOnTimestamp > Date.now() + 20 * 3600 * 1000);
  found[way] = JSON.parse(Buffer.from(first.token.split(".")[1], "base64url")).oid;
}
console.log(JSON.stringify(found));
