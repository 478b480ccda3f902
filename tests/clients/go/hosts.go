package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// hosts prints whose token each credential gets without being told more than the environment says, and after how long.
func hosts() {
	clientID := azidentity.ClientID(os.Getenv("CLIENT_ID"))
	found := map[string][]any{}
	try := func(way string, make func() (azcore.TokenCredential, error)) {
		before := time.Now()
		found[way] = []any{owner(make()), time.Since(before).Seconds()}
	}
	try("managed identity", func() (azcore.TokenCredential, error) {
		return azidentity.NewManagedIdentityCredential(nil)
	})
	try("managed identity, client ID", func() (azcore.TokenCredential, error) {
		return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: clientID})
	})
	try("workload identity", func() (azcore.TokenCredential, error) {
		return azidentity.NewWorkloadIdentityCredential(nil)
	})
	try("default", func() (azcore.TokenCredential, error) { return azidentity.NewDefaultAzureCredential(nil) })
	fmt.Println(string(must(json.Marshal(found))))
}

func owner(credential azcore.TokenCredential, err error) string {
	if err != nil {
		return err.Error()
	}
	token, err := credential.GetToken(ctx, vaults)
	if err != nil {
		return err.Error()
	}
	claims := struct{ Oid string }{}
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(strings.Split(token.Token, ".")[1])), &claims); err != nil {
		panic(err)
	}
	return claims.Oid
}
