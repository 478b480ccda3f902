// The life of secrets with @azure/keyvault-secrets.
import assert from "node:assert/strict";
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const url = process.env.VAULT_URL;
const client = new SecretClient(url, new DefaultAzureCredential());
const quick = { intervalInMs: 50 };

const first = await client.setSecret("db", "Grüße 🔑\n\"'", { contentType: "text/plain", tags: { team: "a" } });
const second = await client.setSecret("db", "newer");
assert.equal((await client.getSecret("db")).value, "newer");
const old = await client.getSecret("db", { version: first.properties.version });
assert.deepEqual([old.value, old.properties.contentType, old.properties.tags], ["Grüße 🔑\n\"'", "text/plain", { team: "a" }]);
assert.equal(old.properties.id, `${url}/secrets/db/${first.properties.version}`);
const versions = [];
for await (const properties of client.listPropertiesOfSecretVersions("db")) versions.push(properties.version);
assert.deepEqual(new Set(versions), new Set([first.properties.version, second.properties.version]));

const version = second.properties.version;
const expiresOn = new Date("2030-01-01T00:00:00Z");
const changed = await client.updateSecretProperties("db", version, { expiresOn, tags: { a: "b" }, enabled: false });
assert.deepEqual([changed.expiresOn, changed.tags, changed.enabled], [expiresOn, { a: "b" }, false]);
assert.deepEqual([changed.recoveryLevel, changed.recoverableDays], ["Recoverable+Purgeable", 90]);
await assert.rejects(client.getSecret("db"), { statusCode: 403, code: "Forbidden" });
await client.updateSecretProperties("db", version, { enabled: true });
assert.equal((await client.getSecret("db")).value, "newer");

const backup = await client.backupSecret("db");
await assert.rejects(client.restoreSecretBackup(backup), { statusCode: 409 });
await (await client.beginDeleteSecret("db", quick)).pollUntilDone();
await client.purgeDeletedSecret("db");
assert.equal((await client.restoreSecretBackup(backup)).version, version);
assert.equal((await client.getSecret("db")).value, "newer");

const names = ["db", ...Array.from({ length: 12 }, (_, number) => `s${String(number).padStart(2, "0")}`)];
await Promise.all(names.slice(1).map((name) => client.setSecret(name, name)));
const pages = [];
for await (const page of client.listPropertiesOfSecrets().byPage({ maxPageSize: 5 })) pages.push(page.map((p) => p.name));
assert.deepEqual(pages.flat().sort(), names);
assert.ok(pages.length > 2);

const deleting = await client.beginDeleteSecret("db", quick);
const deleted = await deleting.pollUntilDone();
assert.equal(deleted.recoveryId, `${url}/deletedsecrets/db`);
await assert.rejects(client.getSecret("db"), { statusCode: 404, code: "SecretNotFound" });
const listed = [];
for await (const secret of client.listDeletedSecrets()) listed.push(secret.name);
assert.deepEqual(listed, ["db"]);
await assert.rejects(client.setSecret("db", "again"), { statusCode: 409 });
const recovering = await client.beginRecoverDeletedSecret("db", quick);
assert.equal((await recovering.pollUntilDone()).name, "db");
assert.equal((await client.getSecret("db")).value, "newer");
await (await client.beginDeleteSecret("db", quick)).pollUntilDone();
await client.purgeDeletedSecret("db");
await assert.rejects(client.getDeletedSecret("db"), { statusCode: 404 });
console.log("ok");
