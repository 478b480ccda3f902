// Credentials of @azure/identity that exchange the token in a file. Prints what each of them reads.
import { readFile } from "node:fs/promises";
import { ClientAssertionCredential, DefaultAzureCredential, WorkloadIdentityCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const { TENANT_ID: tenantId, CLIENT_ID: clientId, TOKEN_FILE: file, AUTHORITY: authorityHost } = process.env;
Object.assign(process.env, {
  AZURE_AUTHORITY_HOST: authorityHost,
  AZURE_TENANT_ID: tenantId,
  AZURE_CLIENT_ID: clientId,
  AZURE_FEDERATED_TOKEN_FILE: file,
  AZURE_TOKEN_CREDENTIALS: "WorkloadIdentityCredential",
});
const ways = {
  "workload identity": new WorkloadIdentityCredential({ tenantId, clientId, tokenFilePath: file, authorityHost }),
  "client assertion": new ClientAssertionCredential(tenantId, clientId, () => readFile(file, "utf8"), { authorityHost }),
  default: new DefaultAzureCredential({ authorityHost }),
};
const found = {};
for (const [way, credential] of Object.entries(ways)) {
  const client = new SecretClient(process.env.VAULT_URL, credential);
  try {
    found[way] = (await client.getSecret("greeting")).value;
  } catch (error) {
    found[way] = String(error.message).match(/AADSTS\d+/)?.[0] ?? String(error);
  }
}
console.log(JSON.stringify(found));
