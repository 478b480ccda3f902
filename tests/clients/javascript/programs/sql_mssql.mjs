// What an application does with the package mssql: a pool, whose connections are reset between two users.
import assert from "node:assert/strict";

import sql from "mssql";

import { LARGE, LONG, authentication, encrypt, where } from "./sql_connections.mjs";

const options = { encrypt };
const pool = await sql.connect({ ...where, authentication, options, pool: { min: 1, max: 2 }, requestTimeout: 60000 });
await pool.query("CREATE TABLE TableName (ColumnName NVARCHAR(50))");
await pool.query`INSERT INTO TableName VALUES (${"first"})`;
assert.deepEqual((await pool.query("SELECT TOP 1 ColumnName FROM TableName")).recordset, [{ ColumnName: "first" }]);
await pool.query("CREATE TABLE products (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50) NOT NULL UNIQUE, price DECIMAL(10, 2) NULL)");

const transaction = new sql.Transaction(pool);
await transaction.begin(sql.ISOLATION_LEVEL.SERIALIZABLE);
const prepared = new sql.PreparedStatement(transaction);
prepared.input("name", sql.NVarChar(50));
prepared.input("price", sql.Decimal(10, 2));
await prepared.prepare("INSERT INTO products (name, price) VALUES (@name, @price)");
for (const row of [{ name: "Tee", price: 3.5 }, { name: "Käse", price: 12 }, { name: "茶", price: null }]) {
  assert.deepEqual((await prepared.execute(row)).rowsAffected, [1]);
}
await prepared.unprepare();
await assert.rejects(transaction.request().query("INSERT INTO products (name) VALUES ('TEE')"), { number: 2627 });
await transaction.commit();

const one = await pool.request().input("id", sql.Int, 1).query("SELECT id, name, price FROM products WHERE id = @id");
assert.deepEqual(one.recordset, [{ id: 1, name: "Tee", price: 3.5 }]);
const several = await pool.request().batch("SELECT 1 AS a; SELECT 2 AS b");
assert.deepEqual(several.recordsets.map((set) => set[0]), [{ a: 1 }, { b: 2 }]);
const asked = Array.from({ length: 20 }, (_, number) => pool.request().input("n", sql.Int, number).query("SELECT @n AS n"));
assert.deepEqual((await Promise.all(asked)).map((answer) => answer.recordset[0].n), [...Array(20).keys()]);

const request = pool.request();
setTimeout(() => request.cancel(), 300);
await assert.rejects(request.query(LONG), { code: "ECANCEL" });
assert.equal((await pool.request().query(LARGE)).recordset.length, 100000);
await pool.close();
console.log("ok");
