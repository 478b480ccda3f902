package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// federated reads a secret with each credential that exchanges the token in a file; prints what each of them got.
func federated() {
	tenant, client, file := os.Getenv("TENANT_ID"), os.Getenv("CLIENT_ID"), os.Getenv("TOKEN_FILE")
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: os.Getenv("AUTHORITY")}}
	for name, value := range map[string]string{
		"AZURE_AUTHORITY_HOST":       os.Getenv("AUTHORITY"),
		"AZURE_TENANT_ID":            tenant,
		"AZURE_CLIENT_ID":            client,
		"AZURE_FEDERATED_TOKEN_FILE": file,
		"AZURE_TOKEN_CREDENTIALS":    "WorkloadIdentityCredential",
	} {
		os.Setenv(name, value)
	}
	read := func(context.Context) (string, error) {
		text, err := os.ReadFile(file)
		return strings.TrimSpace(string(text)), err
	}
	ways := map[string]azcore.TokenCredential{
		"workload identity": must(azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, TenantID: tenant, ClientID: client, TokenFilePath: file,
		})),
		"client assertion": must(azidentity.NewClientAssertionCredential(tenant, client, read,
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options})),
		"default": defaultCredential(),
	}
	found := map[string]string{}
	for way, credential := range ways {
		answer, err := must(azsecrets.NewClient(os.Getenv("VAULT_URL"), credential, nil)).GetSecret(ctx, "greeting", "", nil)
		if err != nil {
			found[way] = regexp.MustCompile(`AADSTS\d+|$`).FindString(err.Error())
			if found[way] == "" {
				panic(err)
			}
		} else {
			found[way] = *answer.Value
		}
	}
	fmt.Println(string(must(json.Marshal(found))))
}
