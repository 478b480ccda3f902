package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

const text = "Grüße 🔑\n\"'"

// secrets is the whole life of secrets.
func secrets() {
	url := os.Getenv("VAULT_URL")
	client := must(azsecrets.NewClient(url, defaultCredential(), nil))
	set := func(name, value string) azsecrets.SetSecretResponse {
		return must(client.SetSecret(ctx, name, azsecrets.SetSecretParameters{Value: &value}, nil))
	}
	get := func(version string) azsecrets.GetSecretResponse {
		return must(client.GetSecret(ctx, "db", version, nil))
	}

	first := must(client.SetSecret(ctx, "db", azsecrets.SetSecretParameters{
		Value: to.Ptr(text), ContentType: to.Ptr("text/plain"), Tags: map[string]*string{"team": to.Ptr("a")},
	}, nil))
	second := set("db", "newer")
	same(*get("").Value, "newer")
	old := get(first.ID.Version())
	same([]string{*old.Value, *old.ContentType, *old.Tags["team"]}, []string{text, "text/plain", "a"})
	same(string(*old.ID), fmt.Sprint(url, "/secrets/db/", first.ID.Version()))
	var versions []string
	for _, page := range pages(client.NewListSecretPropertiesVersionsPager("db", nil)) {
		for _, secret := range page.Value {
			versions = append(versions, secret.ID.Version())
		}
	}
	expected := []string{first.ID.Version(), second.ID.Version()}
	slices.Sort(expected)
	slices.Sort(versions)
	same(versions, expected)

	version, expires := second.ID.Version(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	update := func(attributes azsecrets.SecretAttributes) azsecrets.UpdateSecretPropertiesResponse {
		parameters := azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &attributes}
		return must(client.UpdateSecretProperties(ctx, "db", version, parameters, nil))
	}
	changed := update(azsecrets.SecretAttributes{Enabled: to.Ptr(false), Expires: &expires}).Attributes
	same([]any{*changed.Enabled, changed.Expires.UTC()}, []any{false, expires})
	same([]any{*changed.RecoveryLevel, *changed.RecoverableDays}, []any{"Recoverable+Purgeable", int32(90)})
	fails(403, "Forbidden")(client.GetSecret(ctx, "db", "", nil))
	update(azsecrets.SecretAttributes{Enabled: to.Ptr(true)})
	same(*get("").Value, "newer")

	remove := func() azsecrets.DeleteSecretResponse { return must(client.DeleteSecret(ctx, "db", nil)) }
	backup := azsecrets.RestoreSecretParameters{SecretBackup: must(client.BackupSecret(ctx, "db", nil)).Value}
	fails(409, "Conflict")(client.RestoreSecret(ctx, backup, nil))
	remove()
	must(client.PurgeDeletedSecret(ctx, "db", nil))
	same(must(client.RestoreSecret(ctx, backup, nil)).ID.Version(), version)
	same(*get("").Value, "newer")

	names := []string{"db"}
	for number := range 30 {
		names = append(names, fmt.Sprintf("s%02d", number))
		set(names[number+1], "one of many")
	}
	var listed []string
	lists := pages(client.NewListSecretPropertiesPager(nil))
	for _, page := range lists {
		for _, secret := range page.Value {
			listed = append(listed, secret.ID.Name())
		}
	}
	slices.Sort(listed)
	same(listed, names)
	same(len(lists) > 1, true)

	same(*remove().RecoveryID, url+"/deletedsecrets/db")
	fails(404, "SecretNotFound")(client.GetSecret(ctx, "db", "", nil))
	again := azsecrets.SetSecretParameters{Value: to.Ptr("again")}
	fails(409, "Conflict")(client.SetSecret(ctx, "db", again, nil))
	deleted := pages(client.NewListDeletedSecretPropertiesPager(nil))
	same(deleted[0].Value[0].ID.Name(), "db")
	same(must(client.GetDeletedSecret(ctx, "db", nil)).ScheduledPurgeDate.After(time.Now()), true)
	same(must(client.RecoverDeletedSecret(ctx, "db", nil)).ID.Name(), "db")
	same(*get("").Value, "newer")
	remove()
	must(client.PurgeDeletedSecret(ctx, "db", nil))
	fails(404, "SecretNotFound")(client.GetDeletedSecret(ctx, "db", nil))
	fmt.Println("ok")
}
