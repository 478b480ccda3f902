package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// matrix prints whose token each credential gets without being told more than the environment says, and after how long.
// The ways to ask are told as "CLIENT KIND". A person is asked on standard output: where to go, and the code to enter.
func matrix() {
	clientID := azidentity.ClientID(os.Getenv("CLIENT_ID"))
	ask := func(_ context.Context, message azidentity.DeviceCodeMessage) error {
		_, err := fmt.Println(message.VerificationURL, message.UserCode)
		return err
	}
	kinds := map[string]func() (azcore.TokenCredential, error){
		"managed identity": func() (azcore.TokenCredential, error) {
			return azidentity.NewManagedIdentityCredential(nil)
		},
		"client ID": func() (azcore.TokenCredential, error) {
			return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: clientID})
		},
		"workload identity": func() (azcore.TokenCredential, error) { return azidentity.NewWorkloadIdentityCredential(nil) },
		"environment":       func() (azcore.TokenCredential, error) { return azidentity.NewEnvironmentCredential(nil) },
		"default":           func() (azcore.TokenCredential, error) { return azidentity.NewDefaultAzureCredential(nil) },
		"device code": func() (azcore.TokenCredential, error) {
			return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{UserPrompt: ask})
		},
	}
	var wanted []string
	if err := json.Unmarshal([]byte(os.Getenv("WAYS")), &wanted); err != nil {
		panic(err)
	}
	found := map[string][]any{}
	// each way asks for another one: the tokens of managed identities are kept for the whole process
	resources := []string{"https://vault.azure.net", "https://storage.azure.com", "https://management.azure.com"}
	for number, way := range wanted {
		_, kind, _ := strings.Cut(way, " ")
		before := time.Now()
		credential, err := kinds[kind]()
		found[way] = []any{owner(credential, err, resources[number]), time.Since(before).Seconds()}
	}
	fmt.Println(string(must(json.Marshal(found))))
}

func owner(credential azcore.TokenCredential, err error, resource string) string {
	if err != nil {
		return err.Error()
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
	if err != nil {
		return err.Error()
	}
	claims := struct{ Oid string }{}
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(strings.Split(token.Token, ".")[1])), &claims); err != nil {
		panic(err)
	}
	return claims.Oid
}
