// What an application does with tedious, from its first table to a statement that it cancels.
import assert from "node:assert/strict";

import { Connection, ISOLATION_LEVEL, Request, TYPES } from "tedious";

import { LARGE, LONG, authentication, encrypt, where } from "./sql_connections.mjs";

const { server, port, database } = where;
const options = { port, database, encrypt, connectTimeout: 20000, requestTimeout: 60000 };
const connection = new Connection({ server, authentication, options });

const named = (method, ...given) => new Promise((resolve, reject) => {
  connection[method]((error) => (error ? reject(error) : resolve()), ...given);
});
// The rows of each result of a text; how: execSql, execSqlBatch.
const results = (text, parameters = [], how = "execSql", then = () => {}) => new Promise((resolve, reject) => {
  const found = [];
  const request = new Request(text, (error, count) => (error ? reject(error) : resolve({ found, count })));
  for (const parameter of parameters) request.addParameter(...parameter);
  request.on("columnMetadata", () => found.push([]));
  request.on("row", (columns) => found.at(-1).push(columns.map((column) => column.value)));
  connection[how](request);
  then();
});
const ask = async (...given) => (await results(...given)).found[0] ?? [];
const refused = async (text, number, words) => {
  await assert.rejects(ask(text), (error) => {
    assert.equal(error.number, number);
    assert.match(error.message, words);
    return true;
  });
};

await named("connect");
await ask("CREATE TABLE TableName (ColumnName NVARCHAR(50))");
await ask("INSERT INTO TableName VALUES (N'first')");
// the article's own
assert.deepEqual(await ask("SELECT TOP 1 ColumnName FROM TableName"), [["first"]]);

await ask("CREATE TABLE products (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50) NOT NULL UNIQUE, price DECIMAL(10, 2) NULL)");
const insert = "INSERT INTO products (name, price) VALUES (@name, @price)";
for (const [name, price] of [["Tee", 3.5], ["Käse", 12], ["茶", null]]) {
  const given = [["name", TYPES.NVarChar, name], ["price", TYPES.Decimal, price, { precision: 10, scale: 2 }]];
  assert.equal((await results(insert, given)).count, 1);
}
assert.deepEqual(await ask("SELECT id, name, price FROM products ORDER BY id"), [[1, "Tee", 3.5], [2, "Käse", 12], [3, "茶", null]]);
assert.deepEqual(await ask("SELECT name FROM products WHERE id = @id", [["id", TYPES.Int, 2]]), [["Käse"]]);

const id = "36322083-7A8B-4F5A-ACA8-3059EA7EC752";
const [values] = await ask("SELECT @a AS a, @b AS b, @c AS c, @d AS d, @e AS e, @f AS f, @g AS g, @h AS h, @i AS i", [
  ["a", TYPES.VarChar, "é"],
  ["b", TYPES.Decimal, 12.34, { precision: 10, scale: 2 }],
  ["c", TYPES.DateTime2, new Date(0)],
  ["d", TYPES.VarBinary, Buffer.from("abc")],
  ["e", TYPES.UniqueIdentifier, id],
  ["f", TYPES.BigInt, "1234567890123"],
  ["g", TYPES.Bit, true],
  ["h", TYPES.Float, 1.5],
  ["i", TYPES.NVarChar, "x".repeat(9000)],
]);
assert.deepEqual(values, ["é", 12.34, new Date(0), Buffer.from("abc"), id, "1234567890123", true, 1.5, "x".repeat(9000)]);

const { found } = await results("SELECT 1 AS a; SELECT name FROM products ORDER BY id; SELECT 2 AS b", [], "execSqlBatch");
assert.deepEqual(found, [[[1]], [["Tee"], ["Käse"], ["茶"]], [[2]]]);

// transactions, and an error within one, after which it goes on
await named("beginTransaction", "", ISOLATION_LEVEL.READ_COMMITTED);
await ask("DELETE FROM products WHERE id = 1");
await refused("INSERT INTO products (name) VALUES (N'KÄSE')", 2627, /duplicate key/);
await refused("SELECT 1 / 0 AS a", 8134, /Divide by zero/);
await refused("SELECT * FROM nothere", 208, /Invalid object name/);
assert.deepEqual(await ask("SELECT COUNT(*) AS n, @@TRANCOUNT AS t FROM products"), [[2, 1]]);
await named("rollbackTransaction");
assert.deepEqual(await ask("SELECT COUNT(*) AS n, @@TRANCOUNT AS t FROM products"), [[3, 0]]);
await named("beginTransaction");
await ask("UPDATE products SET price = 4 WHERE id = 1");
await named("saveTransaction", "here");
await ask("DELETE FROM products");
await named("rollbackTransaction", "here");
await named("commitTransaction");
assert.deepEqual(await ask("SELECT price FROM products ORDER BY id"), [[4], [12], [null]]);

// a statement that is prepared, run several times and let go
const rows = [];
const prepared = new Request("SELECT name FROM products WHERE id = @id", () => {});
prepared.addParameter("id", TYPES.Int);
prepared.on("row", (columns) => rows.push(columns[0].value));
const step = (event, method, ...given) => new Promise((resolve, reject) => {
  prepared.once(event, resolve);
  prepared.callback = (error) => (error ? reject(error) : resolve());
  connection[method](prepared, ...given);
});
await step("prepared", "prepare");
for (const number of [1, 2, 3]) await step("requestCompleted", "execute", { id: number });
await step("requestCompleted", "unprepare");
assert.deepEqual(rows, ["Tee", "Käse", "茶"]);

// a long statement, cancelled; then a large result
const began = Date.now();
await assert.rejects(ask(LONG, [], "execSql", () => setTimeout(() => connection.cancel(), 300)), /Canceled/);
assert.ok(Date.now() - began < 5000);
const large = await ask(LARGE);
assert.equal(large.length, 100000);
assert.deepEqual(large.at(-1)[2], "Käse 茶");

// what a pool does between two users
await named("beginTransaction");
await ask("DELETE FROM products");
await named("reset");
assert.deepEqual(await ask("SELECT COUNT(*) AS n, @@TRANCOUNT AS t FROM products"), [[3, 0]]);
connection.close();
console.log("ok");
