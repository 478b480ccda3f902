// Arguments: PORT HOST CA-FILE, again and again. Prints "ok" or "refused" for each.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"os"
)

func main() {
	for args := os.Args[1:]; len(args) > 0; args = args[3:] {
		pem, err := os.ReadFile(args[2])
		if err != nil {
			log.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		connection, err := tls.Dial("tcp", "127.0.0.1:"+args[0], &tls.Config{ServerName: args[1], RootCAs: roots})
		var refused *tls.CertificateVerificationError
		switch {
		case err == nil:
			fmt.Println("ok")
			connection.Close()
		case errors.As(err, &refused):
			fmt.Println("refused")
		default:
			log.Fatal(err)
		}
	}
}
