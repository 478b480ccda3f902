package main

import (
	"context"
	"database/sql"
)

// The few statements that the engine of the tests knows.
func few(db *sql.DB) {
	var id int
	var name, price string
	check(db.QueryRow("SELECT id, name, price FROM products WHERE id = @p1", 2).Scan(&id, &name, &price))
	expect(id == 2 && name == "Käse" && price == "12.00", id, name, price)
	transaction, err := db.BeginTx(context.Background(), nil)
	check(err)
	var count int
	check(transaction.QueryRow("SELECT @@TRANCOUNT AS n").Scan(&count))
	check(transaction.Commit())
	expect(count == 1, count)
	result, err := db.Exec("FAIL 2627 14")
	refused(result, err, 2627, "Error 2627")
}
