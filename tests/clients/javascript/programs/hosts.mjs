// Whose token each credential gets without being told more than the environment says, and how long that takes.
import { DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from "@azure/identity";

const scope = "https://vault.azure.net/.default";
const ways = {
  "managed identity": () => new ManagedIdentityCredential(),
  "managed identity, client ID": () => new ManagedIdentityCredential({ clientId: process.env.CLIENT_ID }),
  workload: () => new WorkloadIdentityCredential(),
  default: () => new DefaultAzureCredential(),
};
const found = {};
for (const way of JSON.parse(process.env.WAYS)) {
  const before = performance.now();
  let got;
  try {
    const { token } = await ways[way]().getToken(scope);
    got = JSON.parse(Buffer.from(token.split(".")[1], "base64url")).oid;
  } catch (error) {
    got = `${error.name}: ${error.message}`;
  }
  found[way] = [got, (performance.now() - before) / 1000];
}
console.log(JSON.stringify(found));
