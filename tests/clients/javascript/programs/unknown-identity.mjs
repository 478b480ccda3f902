// Asks for an identity that the app does not have. Prints what the library says, and how long it took.
import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";

const stranger = process.env.STRANGER;
const said = {};
for (const [name, credential] of [
  ["managed identity", new ManagedIdentityCredential({ clientId: stranger })],
  ["default", new DefaultAzureCredential({ managedIdentityClientId: stranger })],
]) {
  const before = Date.now();
  try {
    await credential.getToken("https://vault.azure.net/.default");
  } catch (error) {
    said[name] = [error.message, (Date.now() - before) / 1000];
  }
}
console.log(JSON.stringify(said));
