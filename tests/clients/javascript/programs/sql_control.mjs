// Procedures with outputs, errors in the middle of a batch, messages and a cancelled loop, through tedious.
import assert from "node:assert/strict";

import { Connection, Request, TYPES } from "tedious";

import { authentication, encrypt, where } from "./sql_connections.mjs";

const { server, port, database } = where;
const connection = new Connection({ server, authentication, options: { port, database, encrypt, requestTimeout: 60000 } });
const said = [];
connection.on("infoMessage", (info) => said.push(info.message));

const ask = (request, how) => new Promise((resolve) => {
  const found = { rows: [], outputs: {}, status: undefined, error: undefined };
  request.on("row", (columns) => found.rows.push(columns.map((column) => column.value)));
  request.on("returnValue", (name, value) => { found.outputs[name] = value; });
  request.on("doneProc", (_count, _more, status) => { found.status = status; });
  request.callback = (error) => resolve({ ...found, error });
  connection[how](request);
});
const batch = (text) => ask(new Request(text, () => {}), "execSqlBatch");

await new Promise((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
await batch("CREATE TABLE stock (id INT IDENTITY PRIMARY KEY, name NVARCHAR(20) NOT NULL)");
await batch("CREATE PROCEDURE dbo.add_stock @name NVARCHAR(20), @id INT OUTPUT AS BEGIN INSERT INTO stock (name) VALUES (@name);"
  + " SET @id = SCOPE_IDENTITY(); PRINT 'added'; SELECT name FROM stock; RETURN 5 END");

const call = new Request("dbo.add_stock", () => {});
call.addParameter("name", TYPES.NVarChar, "Käse");
call.addOutputParameter("id", TYPES.Int);
const called = await ask(call, "callProcedure");
assert.equal(called.error, undefined);
assert.deepEqual([called.rows, called.outputs, called.status], [[["Käse"]], { id: 1 }, 5]);
assert.ok(said.includes("added"));

const looped = await batch("DECLARE @i INT = 0; WHILE @i < 3 BEGIN SET @i += 1; PRINT @i END; SELECT @i");
assert.deepEqual(looped.rows, [[3]]);
assert.deepEqual(said.slice(-3), ["1", "2", "3"]);

const failing = await batch("INSERT INTO stock (name) VALUES (NULL); SELECT COUNT(*) FROM stock");
assert.equal((failing.error.errors ?? [failing.error])[0].number, 515);
assert.deepEqual(failing.rows, [[1]]);
const caught = await batch("BEGIN TRY RAISERROR('so', 16, 1) END TRY BEGIN CATCH SELECT ERROR_MESSAGE() END CATCH");
assert.deepEqual([caught.rows, caught.error], [[["so"]], undefined]);

const endless = new Request("WHILE 1 = 1 SELECT 1", () => {});
const ended = ask(endless, "execSqlBatch");
setTimeout(() => connection.cancel(), 200);
assert.equal((await ended).error.code, "ECANCEL");
assert.deepEqual((await batch("SELECT 'goes on'")).rows, [["goes on"]]);

await batch("DROP PROCEDURE dbo.add_stock; DROP TABLE stock");
connection.close();
console.log("ok");
