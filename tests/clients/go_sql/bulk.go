// Bulk load through go-mssqldb's CopyIn.
package main

import (
	"context"
	"database/sql"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
)

const loaded = 20_000

func bulk(db *sql.DB) {
	_, err := db.Exec("CREATE TABLE loaded (id INT IDENTITY PRIMARY KEY, n INT NOT NULL, name NVARCHAR(20) NULL," +
		" price DECIMAL(10, 2) NULL, made DATETIME2 NULL, note NVARCHAR(MAX) NULL, b VARBINARY(10) DEFAULT 0x01)")
	check(err)
	made := time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC)
	transaction, err := db.Begin()
	check(err)
	statement, err := transaction.Prepare(mssql.CopyIn("loaded", mssql.BulkOptions{CheckConstraints: true}, "n", "name", "price", "made", "note", "b"))
	check(err)
	for n := 0; n < loaded; n++ {
		_, err = statement.Exec(n, "Käse 茶", "1.25", made, nil, nil)
		check(err)
	}
	result, err := statement.Exec()
	check(err)
	count, err := result.RowsAffected()
	check(err)
	expect(count == loaded, count)
	check(statement.Close())
	check(transaction.Commit())
	var rows, sum int
	var price, name string
	row := db.QueryRow("SELECT COUNT(*), SUM(n), MAX(name), CAST(SUM(price) AS NVARCHAR(20)) FROM loaded WHERE b = 0x01 AND note IS NULL AND made = @p1", made)
	check(row.Scan(&rows, &sum, &name, &price))
	expect(rows == loaded && sum == loaded*(loaded-1)/2 && name == "Käse 茶" && price == "25000.00", rows, sum, name, price)
	loadRefused(db)
}

// What fails leaves nothing behind, and the connection goes on.
func loadRefused(db *sql.DB) {
	connection, err := db.Conn(context.Background())
	check(err)
	defer connection.Close()
	statement, err := connection.PrepareContext(context.Background(), mssql.CopyIn("loaded", mssql.BulkOptions{}, "n"))
	check(err)
	_, err = statement.Exec(1)
	check(err)
	_, err = statement.Exec(nil)
	check(err)
	result, err := statement.Exec()
	refused(result, err, 515, "Cannot insert the value NULL")
	var rows int
	check(connection.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM loaded").Scan(&rows))
	expect(rows == loaded, rows)
}
