package main

import (
	"context"
	"database/sql"

	mssql "github.com/microsoft/go-mssqldb"
)

// Procedures with outputs, and errors in the middle of a batch.
func control(db *sql.DB) {
	run := func(text string) {
		_, err := db.Exec(text)
		check(err)
	}
	run("CREATE TABLE stock (id INT IDENTITY PRIMARY KEY, name NVARCHAR(20) NOT NULL)")
	run("CREATE PROCEDURE dbo.add_stock @name NVARCHAR(20), @id INT OUTPUT AS BEGIN SET NOCOUNT ON;" +
		" INSERT INTO stock (name) VALUES (@name); SET @id = SCOPE_IDENTITY(); RETURN 5 END")
	var id int64
	var status mssql.ReturnStatus
	_, err := db.ExecContext(context.Background(), "dbo.add_stock", sql.Named("name", "Käse"),
		sql.Named("id", sql.Out{Dest: &id}), &status)
	check(err)
	expect(id == 1 && status == 5, id, status)
	var found int
	check(db.QueryRow("DECLARE @i INT = 0; WHILE @i < @p1 SET @i += 1; SELECT @i", 5).Scan(&found))
	expect(found == 5, found)
	check(db.QueryRow("BEGIN TRY THROW 50001, 'x', 1 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH").Scan(&found))
	expect(found == 50001, found)
	_, err = db.Exec("INSERT INTO stock (name) VALUES (NULL); SELECT 1")
	refused(nil, err, 515, "Cannot insert the value NULL")
	run("DROP PROCEDURE dbo.add_stock; DROP TABLE stock")
}
