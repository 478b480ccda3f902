package main

import (
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

var vaults = policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}}

func managedIdentity(id azidentity.ManagedIDKind) azcore.TokenCredential {
	return must(azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: id}))
}

// identities prints whose token each way of naming a managed identity gets.
func identities() {
	clientID, objectID, resourceID := os.Getenv("CLIENT_ID"), os.Getenv("OBJECT_ID"), os.Getenv("RESOURCE_ID")
	ways := map[string]azcore.TokenCredential{
		"system-assigned": managedIdentity(nil),
		"client ID":       managedIdentity(azidentity.ClientID(clientID)),
		"object ID":       managedIdentity(azidentity.ObjectID(objectID)),
		"resource ID":     managedIdentity(azidentity.ResourceID(resourceID)),
		"default":         defaultCredential(),
	}
	os.Setenv("AZURE_CLIENT_ID", clientID)
	ways["default, client ID"] = defaultCredential()
	found := map[string]string{}
	for way, credential := range ways {
		first := must(credential.GetToken(ctx, vaults))
		same(must(credential.GetToken(ctx, vaults)).Token, first.Token)
		same(time.Until(first.ExpiresOn) > 20*time.Hour, true)
		claims := struct{ Oid string }{}
		payload := must(base64.RawURLEncoding.DecodeString(strings.Split(first.Token, ".")[1]))
		if err := json.Unmarshal(payload, &claims); err != nil {
			panic(err)
		}
		found[way] = claims.Oid
	}
	fmt.Println(string(must(json.Marshal(found))))
}

// stranger asks for an identity that the app does not have; prints what the library says, and after how long.
func stranger() {
	id := os.Getenv("STRANGER")
	credentials := map[string]azcore.TokenCredential{"managed identity": managedIdentity(azidentity.ClientID(id))}
	os.Setenv("AZURE_CLIENT_ID", id)
	credentials["default"] = defaultCredential()
	said := map[string][]any{}
	for name, credential := range credentials {
		before := time.Now()
		_, err := credential.GetToken(ctx, vaults)
		said[name] = []any{fmt.Sprint(err), time.Since(before).Seconds()}
	}
	fmt.Println(string(must(json.Marshal(said))))
}
