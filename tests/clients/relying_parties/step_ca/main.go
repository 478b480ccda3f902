// step-ca: the certificate authority of the module below as it comes, without the cloud key stores that its own
// command is built with. Its one argument is the file of its settings.
package main

import (
	"log"
	"os"

	"github.com/smallstep/certificates/authority/config"
	"github.com/smallstep/certificates/ca"
)

func main() {
	settings, err := config.LoadConfiguration(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server, err := ca.New(settings)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run())
}
