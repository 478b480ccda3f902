// Bulk load through tedious.
import assert from "node:assert/strict";

import { Connection, Request, TYPES } from "tedious";

import { authentication, encrypt, where } from "./sql_connections.mjs";

const { server, port, database } = where;
const connection = new Connection({ server, authentication, options: { port, database, encrypt, requestTimeout: 60000 } });
const ROWS = 20000;

const ask = (text) => new Promise((resolve, reject) => {
  const rows = [];
  const request = new Request(text, (error) => (error ? reject(error) : resolve(rows)));
  request.on("row", (columns) => rows.push(columns.map((column) => column.value)));
  connection.execSqlBatch(request);
});
const load = (options, columns, rows) => new Promise((resolve, reject) => {
  const bulk = connection.newBulkLoad("loaded", options, (error, count) => (error ? reject(error) : resolve(count)));
  for (const column of columns) bulk.addColumn(...column);
  connection.execBulkLoad(bulk, rows);
});

await new Promise((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
await ask("CREATE TABLE loaded (id INT IDENTITY PRIMARY KEY, n INT NOT NULL, name NVARCHAR(20) NULL, price DECIMAL(10, 2) NULL,"
  + " made DATETIME2 NULL, b VARBINARY(10) DEFAULT 0x01)");
const made = new Date(Date.UTC(2024, 1, 29, 1, 2, 3));
const columns = [
  ["n", TYPES.Int, { nullable: false }], ["name", TYPES.NVarChar, { length: 20, nullable: true }],
  ["price", TYPES.Decimal, { precision: 10, scale: 2, nullable: true }], ["made", TYPES.DateTime2, { nullable: true }],
  ["b", TYPES.VarBinary, { length: 10, nullable: true }],
];
const rows = Array.from({ length: ROWS }, (_, n) => [n, "Käse 茶", 1.25, made, null]);
assert.equal(await load({}, columns, rows), ROWS);
assert.deepEqual(
  await ask("SELECT COUNT(*) AS c, SUM(n) AS s, MAX(name) AS m, MIN(price) AS p, MAX(made) AS d FROM loaded WHERE b = 0x01"),
  [[ROWS, (ROWS * (ROWS - 1)) / 2, "Käse 茶", 1.25, made]],
);
assert.equal(await load({ keepNulls: true }, columns, [[-1, "kept", null, null, null]]), 1);
assert.deepEqual(await ask("SELECT b FROM loaded WHERE n = -1"), [[null]]);
// what fails leaves nothing behind, and the connection goes on
await assert.rejects(
  load({}, [["n", TYPES.Int, { nullable: false }], ["name", TYPES.NVarChar, { length: 50, nullable: true }]], [[-2, "a".repeat(30)]]),
  (error) => error.number === 2628,
);
assert.deepEqual(await ask("SELECT COUNT(*) AS c FROM loaded WHERE n = -2"), [[0]]);
connection.close();
console.log("ok");
