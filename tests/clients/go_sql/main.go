// What an application does with go-mssqldb, from its first table to a statement that it cancels.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
)

// A thousand numbers; a billion take a minute and more to be counted.
const (
	numbers = "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
	long    = numbers + " SELECT COUNT(*) AS c FROM n a CROSS JOIN n b CROSS JOIN n c OPTION (MAXRECURSION 1000)"
	large   = numbers + " SELECT a.i, b.i AS j, N'Käse 茶' AS t FROM n a CROSS JOIN n b WHERE b.i <= 100 OPTION (MAXRECURSION 1000)"
)

func check(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}

func expect(holds bool, found ...any) {
	if !holds {
		log.Output(2, fmt.Sprint("not as expected: ", found))
		os.Exit(1)
	}
}

func refused(_ any, err error, number int32, words string) {
	var told mssql.Error
	expect(errors.As(err, &told) && told.Number == number && strings.Contains(told.Message, words), number, err)
}

func main() {
	log.SetFlags(log.Lshortfile)
	db, err := open(os.Args[1])
	check(err)
	defer db.Close()
	switch {
	case len(os.Args) > 2 && os.Args[2] == "bulk":
		bulk(db)
	case len(os.Args) > 2 && os.Args[2] == "control":
		control(db)
	case len(os.Args) > 2:
		few(db)
	default:
		all(db)
	}
	fmt.Println("ok")
}

func all(db *sql.DB) {
	article(db)
	tables(db)
	transactions(db)
	prepared(db)
	several(db)
	cancelled(db)
	pooled(db)
}

// The article's own query.
func article(db *sql.DB) {
	_, err := db.Exec("CREATE TABLE TableName (ColumnName NVARCHAR(50)); INSERT INTO TableName VALUES (N'first')")
	check(err)
	rows, err := db.QueryContext(context.TODO(), "SELECT TOP 1 ColumnName FROM TableName")
	check(err)
	defer rows.Close()
	for rows.Next() {
		var columnValue string
		check(rows.Scan(&columnValue))
		expect(columnValue == "first", columnValue)
	}
	check(rows.Err())
}

func tables(db *sql.DB) {
	_, err := db.Exec("CREATE TABLE products (id INT IDENTITY PRIMARY KEY, name NVARCHAR(50) NOT NULL UNIQUE," +
		" price DECIMAL(10, 2) NULL, made DATETIME2 NULL, picture VARBINARY(MAX) NULL, sold BIT NULL)")
	check(err)
	made := time.Date(2024, 2, 29, 1, 2, 3, 120_000_000, time.UTC)
	picture := []byte(strings.Repeat("q", 9000))
	insert := "INSERT INTO products (name, price, made, picture, sold) VALUES (@name, @price, @made, @picture, @sold)"
	for name, price := range map[string]any{"Tee": "3.50", "Käse": 12.0, "茶": nil} {
		result, err := db.Exec(insert, sql.Named("name", name), sql.Named("price", price), sql.Named("made", made),
			sql.Named("picture", picture), sql.Named("sold", true))
		check(err)
		count, err := result.RowsAffected()
		check(err)
		expect(count == 1, count)
	}
	var price string
	var foundMade time.Time
	var foundPicture []byte
	var sold bool
	row := db.QueryRow("SELECT price, made, picture, sold FROM products WHERE name = @p1", "käse")
	check(row.Scan(&price, &foundMade, &foundPicture, &sold))
	expect(price == "12.00" && foundMade.Equal(made) && string(foundPicture) == string(picture) && sold,
		price, foundMade, len(foundPicture), sold)
}

func count(from interface {
	QueryRow(query string, arguments ...any) *sql.Row
}) int {
	var found int
	check(from.QueryRow("SELECT COUNT(*) AS n FROM products").Scan(&found))
	return found
}

func transactions(db *sql.DB) {
	transaction, err := db.BeginTx(context.Background(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	check(err)
	_, err = transaction.Exec("DELETE FROM products WHERE name = @p1", "Tee")
	check(err)
	result, err := transaction.Exec("INSERT INTO products (name) VALUES (N'KÄSE')")
	refused(result, err, 2627, "duplicate key")
	result, err = transaction.Exec("SELECT * FROM nothere")
	refused(result, err, 208, "Invalid object name")
	// the transaction goes on
	expect(count(transaction) == 2)
	check(transaction.Rollback())
	expect(count(db) == 3)
	transaction, err = db.Begin()
	check(err)
	_, err = transaction.Exec("UPDATE products SET price = 4 WHERE name = 'Tee'")
	check(err)
	check(transaction.Commit())
	var price string
	check(db.QueryRow("SELECT price FROM products WHERE name = 'Tee'").Scan(&price))
	expect(price == "4.00", price)
}

func prepared(db *sql.DB) {
	statement, err := db.Prepare("SELECT name FROM products WHERE name = @p1")
	check(err)
	defer statement.Close()
	for _, name := range []string{"Tee", "Käse", "茶"} {
		var found string
		check(statement.QueryRow(name).Scan(&found))
		expect(found == name, found)
	}
}

func several(db *sql.DB) {
	rows, err := db.Query("SELECT 1 AS a; SELECT name FROM products; SELECT 2 AS b")
	check(err)
	defer rows.Close()
	sizes := []int{}
	for more := true; more; more = rows.NextResultSet() {
		size := 0
		for rows.Next() {
			size++
		}
		sizes = append(sizes, size)
	}
	check(rows.Err())
	expect(fmt.Sprint(sizes) == "[1 3 1]", sizes)
}

// A long statement that is cancelled, and then a large result on the same connection.
func cancelled(db *sql.DB) {
	db.SetMaxOpenConns(1)
	soon, stop := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err := db.ExecContext(soon, long)
	expect(err != nil && time.Since(began) < 5*time.Second, err, time.Since(began))
	rows, err := db.Query(large)
	check(err)
	defer rows.Close()
	size := 0
	for rows.Next() {
		var i, j int
		var text string
		check(rows.Scan(&i, &j, &text))
		expect(text == "Käse 茶", text)
		size++
	}
	check(rows.Err())
	expect(size == 100_000, size)
}

// What a connection was left with is not there for its next user.
func pooled(db *sql.DB) {
	connection, err := db.Conn(context.Background())
	check(err)
	_, err = connection.ExecContext(context.Background(), "BEGIN TRANSACTION; DELETE FROM products")
	check(err)
	check(connection.Close())
	var open int
	check(db.QueryRow("SELECT @@TRANCOUNT AS n").Scan(&open))
	expect(open == 0 && count(db) == 3, open)
}
