package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// refusals does what it is told to, one line of standard input each, with the same credential; prints how each went.
func refusals() {
	credential := defaultCredential()
	vault := must(azsecrets.NewClient(os.Getenv("VAULT_URL"), credential, nil))
	box := must(container.NewClient(os.Getenv("ACCOUNT_URL")+"/box", credential, nil))
	actions := map[string]func() error{
		"get secret": func() error { _, err := vault.GetSecret(ctx, "greeting", "", nil); return err },
		"set secret": func() error {
			_, err := vault.SetSecret(ctx, "greeting", azsecrets.SetSecretParameters{Value: to.Ptr("mine")}, nil)
			return err
		},
		"read blob":       func() error { _, err := box.NewBlobClient("hello.txt").DownloadStream(ctx, nil); return err },
		"blob properties": func() error { _, err := box.NewBlobClient("hello.txt").GetProperties(ctx, nil); return err },
		"write blob": func() error {
			_, err := box.NewBlockBlobClient("hello.txt").Upload(ctx, body("mine"), nil)
			return err
		},
		"list blobs": func() error { _, err := box.NewListBlobsFlatPager(nil).NextPage(ctx); return err },
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(refusal(actions[lines.Text()]()))
	}
}
