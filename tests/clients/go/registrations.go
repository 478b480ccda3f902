package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// registrations reads a secret as a registered application, with a client secret and with a certificate; prints what.
func registrations() {
	tenant, id, secret, pem := os.Getenv("AZURE_TENANT_ID"), os.Getenv("SHOP_CLIENT"), os.Getenv("SHOP_SECRET"), os.Getenv("SHOP_PEM")
	certificates, key, err := azidentity.ParseCertificates(must(os.ReadFile(pem)), nil)
	if err != nil {
		panic(err)
	}
	chain := &azidentity.ClientCertificateCredentialOptions{SendCertificateChain: true}
	ways := map[string]azcore.TokenCredential{
		"secret":                     must(azidentity.NewClientSecretCredential(tenant, id, secret, nil)),
		"certificate":                must(azidentity.NewClientCertificateCredential(tenant, id, certificates, key, nil)),
		"certificate with its chain": must(azidentity.NewClientCertificateCredential(tenant, id, certificates, key, chain)),
	}
	os.Setenv("AZURE_CLIENT_ID", id)
	os.Setenv("AZURE_CLIENT_SECRET", secret)
	ways["environment, secret"] = must(azidentity.NewEnvironmentCredential(nil))
	ways["default, secret"] = defaultCredential()
	os.Unsetenv("AZURE_CLIENT_SECRET")
	os.Setenv("AZURE_CLIENT_CERTIFICATE_PATH", pem)
	ways["environment, certificate"] = must(azidentity.NewEnvironmentCredential(nil))
	found := map[string]string{}
	for way, credential := range ways {
		client := must(azsecrets.NewClient(os.Getenv("VAULT_URL"), credential, nil))
		found[way] = *must(client.GetSecret(ctx, "greeting", "", nil)).Value
		must(credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}}))
	}
	fmt.Println(string(must(json.Marshal(found))))
}
