package main

import (
	"database/sql"
	"net/url"
	"os"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/azuread"
)

// As SQL_STRING says if there is one; else with TOKEN if there is one, else by the driver's own mode WAY, for the client
// CLIENT with the secret SECRET.
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
	if client := os.Getenv("CLIENT"); client != "" {
		where.User = url.UserPassword(client, os.Getenv("SECRET"))
	}
	query.Set("fedauth", os.Getenv("WAY"))
	where.RawQuery = query.Encode()
	return sql.Open(azuread.DriverName, where.String())
}
