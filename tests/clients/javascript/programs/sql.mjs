// The article's query through tedious and mssql: SQL_AUTHENTICATION is the type of tedious' authentication as JSON.
import assert from "node:assert/strict";

import sql from "mssql";
import { Connection, Request, TYPES } from "tedious";

const { SQL_SERVER, SQL_PORT, SQL_DATABASE, SQL_AUTHENTICATION, SQL_ENCRYPT } = process.env;
const authentication = JSON.parse(SQL_AUTHENTICATION);
const encrypt = SQL_ENCRYPT === "strict" ? "strict" : true;
const options = { port: Number(SQL_PORT), database: SQL_DATABASE, encrypt, connectTimeout: 20000 };

const connection = new Connection({ server: SQL_SERVER, authentication, options });
const named = (method) => new Promise((resolve, reject) => {
  connection[method]((error) => (error ? reject(error) : resolve()));
});
const ask = (text, parameters = [], then = () => {}) => new Promise((resolve, reject) => {
  const rows = [];
  const request = new Request(text, (error) => (error ? reject(error) : resolve(rows)));
  for (const parameter of parameters) request.addParameter(...parameter);
  request.on("row", (columns) => rows.push(columns.map((column) => column.value)));
  connection.execSql(request);
  then();
});

await named("connect");
assert.deepEqual(await ask("SELECT id, name, price FROM products"), [[1, "Tee", 3.5], [2, "Käse", 12], [3, "茶", null]]);
assert.deepEqual(await ask("SELECT id, name, price FROM products WHERE id = @id", [["id", TYPES.Int, 2]]), [[2, "Käse", 12]]);
const id = "36322083-7A8B-4F5A-ACA8-3059EA7EC752";
const [values] = await ask("SELECT @a AS a, @b AS b, @c AS c, @d AS d, @e AS e, @f AS f", [
  ["a", TYPES.VarChar, "é茶"],
  ["b", TYPES.Decimal, 12.34, { precision: 10, scale: 2 }],
  ["c", TYPES.DateTime2, new Date(0)],
  ["d", TYPES.VarBinary, Buffer.from("abc")],
  ["e", TYPES.UniqueIdentifier, id],
  ["f", TYPES.BigInt, "1234567890123"],
]);
assert.deepEqual(values, ["é茶", 12.34, new Date(0), Buffer.from("abc"), id, "1234567890123"]);
await assert.rejects(ask("FAIL 2627 14"), /Error 2627/);
await assert.rejects(ask("WAIT", [], () => setTimeout(() => connection.cancel(), 200)), /Canceled/);
await named("beginTransaction");
assert.deepEqual(await ask("SELECT @@TRANCOUNT AS n"), [[1]]);
await named("commitTransaction");
await named("reset");
assert.deepEqual(await ask("SELECT @@TRANCOUNT AS n"), [[0]]);
connection.close();

const pool = await sql.connect({ server: SQL_SERVER, port: Number(SQL_PORT), database: SQL_DATABASE, authentication, options: { encrypt } });
const found = await pool.request().input("id", sql.Int, 1).query("SELECT id, name, price FROM products WHERE id = @id");
assert.deepEqual(found.recordset, [{ id: 1, name: "Tee", price: 3.5 }]);
await pool.close();
console.log("ok");
