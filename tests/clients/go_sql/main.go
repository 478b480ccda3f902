// The article's query through go-mssqldb: with TOKEN if there is one, else by the managed identity CLIENT, or as
// SQL_STRING says.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/azuread"
)

func open(encrypt string) (*sql.DB, error) {
	if ready := os.Getenv("SQL_STRING"); ready != "" {
		return sql.Open(azuread.DriverName, ready)
	}
	where := url.URL{Scheme: "sqlserver", Host: os.Getenv("SQL_SERVER") + ":" + os.Getenv("SQL_PORT")}
	query := url.Values{"database": {os.Getenv("SQL_DATABASE")}, "encrypt": {encrypt}, "certificate": {os.Getenv("CA")}}
	if token := os.Getenv("TOKEN"); token != "" {
		where.RawQuery = query.Encode()
		connector, err := mssql.NewAccessTokenConnector(where.String(), func() (string, error) { return token, nil })
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}
	where.User = url.User(os.Getenv("CLIENT"))
	query.Set("fedauth", "ActiveDirectoryManagedIdentity")
	where.RawQuery = query.Encode()
	return sql.Open(azuread.DriverName, where.String())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	db, err := open(os.Args[1])
	check(err)
	defer db.Close()
	var id int
	var name, price string
	check(db.QueryRow("SELECT id, name, price FROM products WHERE id = @p1", 2).Scan(&id, &name, &price))
	if id != 2 || name != "Käse" || price != "12.00" {
		log.Fatal(id, name, price)
	}
	transaction, err := db.BeginTx(context.Background(), nil)
	check(err)
	var count int
	check(transaction.QueryRow("SELECT @@TRANCOUNT AS n").Scan(&count))
	check(transaction.Commit())
	if count != 1 {
		log.Fatal("no transaction")
	}
	if _, err = db.Exec("FAIL 2627 14"); err == nil || !strings.Contains(err.Error(), "Error 2627") {
		log.Fatal("an error was not told: ", err)
	}
	fmt.Println("ok")
}
