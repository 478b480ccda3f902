// A registered application reads a secret with a client secret and with a certificate, in every way. Prints what.
import { ClientCertificateCredential, ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const { AZURE_TENANT_ID: tenant, VAULT_URL: vault, SHOP_CLIENT: id, SHOP_SECRET: secret, SHOP_PEM: certificatePath } = process.env;

function inEnvironment(variables, make) {
  delete process.env.AZURE_CLIENT_SECRET;
  delete process.env.AZURE_CLIENT_CERTIFICATE_PATH;
  Object.assign(process.env, { AZURE_CLIENT_ID: id, ...variables });
  return make();
}

const bySecret = { AZURE_CLIENT_SECRET: secret };
const byCertificate = { AZURE_CLIENT_CERTIFICATE_PATH: certificatePath };
const ways = {
  secret: new ClientSecretCredential(tenant, id, secret),
  certificate: new ClientCertificateCredential(tenant, id, { certificatePath }),
  "certificate with its chain": new ClientCertificateCredential(tenant, id, { certificatePath }, { sendCertificateChain: true }),
  "environment, secret": inEnvironment(bySecret, () => new EnvironmentCredential()),
  "environment, certificate": inEnvironment(byCertificate, () => new EnvironmentCredential()),
  "default, secret": inEnvironment(bySecret, () => new DefaultAzureCredential()),
};
const found = {};
for (const [way, credential] of Object.entries(ways)) {
  found[way] = (await new SecretClient(vault, credential).getSecret("greeting")).value;
  await credential.getToken("https://storage.azure.com/.default");
}
console.log(JSON.stringify(found));
