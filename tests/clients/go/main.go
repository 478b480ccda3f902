// The official libraries for Go against a server: one program, its work named by the first argument.
// It prints "ok", or what it found out; whatever is not as it should be ends it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

var ctx = context.Background()

func main() {
	works := map[string]func(){
		"identities": identities, "matrix": matrix, "stranger": stranger, "refusals": refusals, "operations": operations,
		"secrets": secrets, "blobs": blobs, "account": account, "state": state, "sharing": sharing, "kinds": kinds,
		"federated":     federated,
		"registrations": registrations,
	}
	works[os.Args[1]]()
}

func defaultCredential() azcore.TokenCredential {
	return must(azidentity.NewDefaultAzureCredential(nil))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func same(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("found %v (%T), expected %v (%T)", found, found, expected, expected))
	}
}

// fails takes what a call returned: it must be the service's error of that status and code.
func fails(status int, code string) func(any, error) {
	return func(_ any, err error) { same(refusal(err), fmt.Sprint(status, " ", code)) }
}

func refusal(err error) string {
	var answer *azcore.ResponseError
	if err == nil {
		return "done"
	}
	if !errors.As(err, &answer) {
		panic(err)
	}
	return fmt.Sprint(answer.StatusCode, " ", answer.ErrorCode)
}

func pages[T any](pager *runtime.Pager[T]) (found []T) {
	for pager.More() {
		found = append(found, must(pager.NextPage(ctx)))
	}
	return found
}
