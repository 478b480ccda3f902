// Whose token each credential gets without being told more than the environment says, and how long that takes.
// The ways to ask are told as "CLIENT KIND". A person is asked on standard output: where to go, and the code to enter.
import {
  DefaultAzureCredential,
  DeviceCodeCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import { ConfidentialClientApplication, ManagedIdentityApplication, PublicClientApplication } from "@azure/msal-node";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

// each way asks for another one: the tokens of managed identities are kept for the whole process
const resources = ["vault.azure.net", "storage.azure.com", "management.azure.com", "graph.microsoft.com"].map((host) => `https://${host}`);
// the public client that every SDK signs people in as, unless it is told of another
const developers = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const env = process.env;
const authority = `${env.AZURE_AUTHORITY_HOST}/${env.AZURE_TENANT_ID}`;
const ask = (to) => console.log(to.verificationUri, to.userCode);

const credentials = {
  "managed identity": () => new ManagedIdentityCredential(),
  "client ID": () => new ManagedIdentityCredential({ clientId: env.CLIENT_ID }),
  "workload identity": () => new WorkloadIdentityCredential(),
  environment: () => new EnvironmentCredential(),
  default: () => new DefaultAzureCredential(),
  "device code": () => new DeviceCodeCredential({ userPromptCallback: ask }),
};

// it takes nothing from the environment by itself: the program does
function confidential(proof) {
  return new ConfidentialClientApplication({ auth: { clientId: env.AZURE_CLIENT_ID, authority, ...proof } });
}

function certificate() {
  const pem = readFileSync(env.AZURE_CLIENT_CERTIFICATE_PATH, "utf8");
  const thumbprintSha256 = createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");
  return { clientCertificate: { privateKey: pem.slice(0, pem.indexOf("-----BEGIN CERTIFICATE")), thumbprintSha256 } };
}

const managed = (resource, id) => new ManagedIdentityApplication(id).acquireToken({ resource });
const msal = {
  "managed identity": (resource) => managed(resource, {}),
  "client ID": (resource) => managed(resource, { managedIdentityIdParams: { userAssignedClientId: env.CLIENT_ID } }),
  "workload identity": (_, scopes) => {
    const clientAssertion = readFileSync(env.AZURE_FEDERATED_TOKEN_FILE, "utf8");
    return confidential({ clientAssertion }).acquireTokenByClientCredential({ scopes });
  },
  environment: (_, scopes) => {
    const proof = env.AZURE_CLIENT_SECRET ? { clientSecret: env.AZURE_CLIENT_SECRET } : certificate();
    return confidential(proof).acquireTokenByClientCredential({ scopes });
  },
  "device code": (_, scopes) =>
    new PublicClientApplication({ auth: { clientId: developers, authority } }).acquireTokenByDeviceCode({
      scopes,
      deviceCodeCallback: ask,
    }),
};

const clients = {
  azure: async (kind, resource) => (await credentials[kind]().getToken(`${resource}/.default`)).token,
  msal: async (kind, resource) => (await msal[kind](resource, [`${resource}/.default`])).accessToken,
};
const found = {};
for (const [number, way] of JSON.parse(env.WAYS).entries()) {
  const [, client, kind] = /^(\w+) (.*)$/.exec(way);
  const before = performance.now();
  let got;
  try {
    got = JSON.parse(Buffer.from((await clients[client](kind, resources[number])).split(".")[1], "base64url")).oid;
  } catch (error) {
    got = `${error.name}: ${error.message}`;
  }
  found[way] = [got, (performance.now() - before) / 1000];
}
console.log(JSON.stringify(found));
