package main

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/pageblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

// operations prints what the clients can be asked for.
func operations() {
	clients := []any{
		&azsecrets.Client{}, &service.Client{}, &service.BatchBuilder{}, &container.Client{}, &container.BatchBuilder{},
		&blob.Client{}, &blockblob.Client{}, &appendblob.Client{}, &pageblob.Client{},
		&lease.ContainerClient{}, &lease.BlobClient{},
	}
	found := map[string][]string{}
	for _, client := range clients {
		kind := reflect.TypeOf(client)
		for method := range kind.NumMethod() {
			name := kind.Elem().String()
			found[name] = append(found[name], kind.Method(method).Name)
		}
	}
	fmt.Println(string(must(json.Marshal(found))))
}
