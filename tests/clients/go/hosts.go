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
	ways := map[string]func() (azcore.TokenCredential, error){
		"managed identity": func() (azcore.TokenCredential, error) {
			return azidentity.NewManagedIdentityCredential(nil)
		},
		"managed identity, client ID": func() (azcore.TokenCredential, error) {
			return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: clientID})
		},
		"workload": func() (azcore.TokenCredential, error) { return azidentity.NewWorkloadIdentityCredential(nil) },
		"default":  func() (azcore.TokenCredential, error) { return azidentity.NewDefaultAzureCredential(nil) },
	}
	var wanted []string
	if err := json.Unmarshal([]byte(os.Getenv("WAYS")), &wanted); err != nil {
		panic(err)
	}
	found := map[string][]any{}
	for _, way := range wanted {
		before := time.Now()
		found[way] = []any{owner(ways[way]()), time.Since(before).Seconds()}
	}
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
