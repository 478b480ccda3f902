package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

var payload = bytes.Repeat([]byte("0123456789"), 200_000)

// sharing is shared access signatures, and copies in every way.
func sharing() {
	account := accountClient()
	box := account.NewContainerClient("box")
	must(box.Create(ctx, nil))
	source := box.NewBlockBlobClient("folder/ä b?.bin")
	headers := &blob.HTTPHeaders{BlobContentType: to.Ptr("text/plain")}
	must(source.UploadBuffer(ctx, payload, &blockblob.UploadBufferOptions{Metadata: team("a"), HTTPHeaders: headers}))
	signatures(account, box, source)
	copies(box, source)
	parts(box, source)
	elsewhere(box)
	fmt.Println("ok")
}

func signatures(account *service.Client, box *container.Client, source *blockblob.Client) {
	start, end := time.Now().UTC().Add(-5*time.Minute), time.Now().UTC().Add(time.Hour)
	info := service.KeyInfo{Start: to.Ptr(start.Format(sas.TimeFormat)), Expiry: to.Ptr(end.Format(sas.TimeFormat))}
	key := must(account.GetUserDelegationCredential(ctx, info, nil))
	sign := func(values sas.BlobSignatureValues) string {
		values.ContainerName, values.StartTime = "box", start
		if values.ExpiryTime.IsZero() {
			values.ExpiryTime = end
		}
		signed := must(values.SignWithUserDelegation(key))
		return signed.Encode()
	}
	one := func(url, signature string) *blockblob.Client {
		return must(blockblob.NewClientWithNoCredential(url+"?"+signature, nil))
	}

	const name = "folder/ä b?.bin"
	read := sign(sas.BlobSignatureValues{BlobName: name, Permissions: "r", ContentType: "a/b"})
	shared := one(source.URL(), read)
	same(bytesOf(shared, 0, 0), payload)
	same(*must(shared.GetProperties(ctx, nil)).ContentType, "a/b")
	fails(403, "AuthorizationPermissionMismatch")(shared.Delete(ctx, nil))
	fails(403, "AuthorizationPermissionMismatch")(shared.UploadBuffer(ctx, []byte("x"), nil))
	fails(403, "AuthenticationFailed")(one(box.NewBlobClient("other").URL(), read).DownloadStream(ctx, nil))
	late := sign(sas.BlobSignatureValues{BlobName: name, Permissions: "r", ExpiryTime: time.Now().UTC().Add(-time.Second)})
	fails(403, "AuthenticationFailed")(one(source.URL(), late).DownloadStream(ctx, nil))
	forged := strings.Replace(read, "sp=r", "sp=rw", 1)
	fails(403, "AuthenticationFailed")(one(source.URL(), forged).DownloadStream(ctx, nil))

	taken := *must(source.CreateSnapshot(ctx, nil)).Snapshot
	at := must(time.Parse(blob.SnapshotTimeFormat, taken))
	old := one(source.URL(), sign(sas.BlobSignatureValues{BlobName: name, SnapshotTime: at, Permissions: "r"}))
	same(bytesOf(must(old.WithSnapshot(taken)), 0, 0), payload)
	fails(403, "AuthenticationFailed")(old.DownloadStream(ctx, nil))

	whole := must(container.NewClientWithNoCredential(
		box.URL()+"?"+sign(sas.BlobSignatureValues{Permissions: "rcwdl"}), nil))
	must(whole.NewBlockBlobClient("by signature").UploadBuffer(ctx, []byte("x"), nil))
	listed, _ := blobsOf(whole, nil)
	same(namesOf(listed), []string{"by signature", name})
	must(whole.NewBlobClient("by signature").Delete(ctx, nil))
}

func copies(box *container.Client, source *blockblob.Client) {
	target := box.NewBlockBlobClient("copy")
	same(*must(target.StartCopyFromURL(ctx, source.URL(), nil)).CopyStatus, blob.CopyStatusTypeSuccess)
	found := must(target.GetProperties(ctx, nil))
	same([]any{*found.CopySource, found.Metadata, *found.ContentType}, []any{source.URL(), team("a"), "text/plain"})
	same(bytesOf(target, 0, 0), payload)
	fails(409, "NoPendingCopyOperation")(target.AbortCopyFromURL(ctx, *found.CopyID, nil))
	tier := &blob.CopyFromURLOptions{
		Metadata: team("b"), Tier: to.Ptr(blob.AccessTierCool), BlobTags: map[string]string{"a": "b"},
	}
	same(*must(target.CopyFromURL(ctx, source.URL(), tier)).CopyStatus, "success")
	found = must(target.GetProperties(ctx, nil))
	same([]any{found.Metadata, *found.AccessTier, *found.TagCount}, []any{team("b"), "Cool", int64(1)})
	must(target.UploadBlobFromURL(ctx, source.URL(), nil))
	same(bytesOf(target, 0, 0), payload)
	changed := &blob.StartCopyFromURLOptions{SourceModifiedAccessConditions: &blob.SourceModifiedAccessConditions{
		SourceIfMatch: to.Ptr(azcore.ETag(`"0x1"`)),
	}}
	fails(412, "SourceConditionNotMet")(target.StartCopyFromURL(ctx, source.URL(), changed))
	absent := match(blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)})
	taken := &blob.StartCopyFromURLOptions{AccessConditions: absent}
	fails(409, "BlobAlreadyExists")(target.StartCopyFromURL(ctx, source.URL(), taken))
	fails(404, "CannotVerifyCopySource")(target.StartCopyFromURL(ctx, box.NewBlobClient("absent").URL(), nil))
}

// parts is ranges of a blob that become parts of another one, of each type.
func parts(box *container.Client, source *blockblob.Client) {
	second := blob.HTTPRange{Offset: 1_000_000, Count: 1_000_000}
	blocks := box.NewBlockBlobClient("blocks")
	must(blocks.StageBlockFromURL(ctx, number("1"), source.URL(), &blockblob.StageBlockFromURLOptions{Range: second}))
	must(blocks.CommitBlockList(ctx, []string{number("1"), number("1")}, nil))
	same(bytesOf(blocks, 0, 0), payload)
	log := box.NewAppendBlobClient("log")
	must(log.Create(ctx, nil))
	for range 2 {
		must(log.AppendBlockFromURL(ctx, source.URL(), &appendblob.AppendBlockFromURLOptions{Range: second}))
	}
	same(bytesOf(log, 0, 0), payload)
	disk := box.NewPageBlobClient("disk")
	must(disk.Create(ctx, 2048, nil))
	must(disk.UploadPagesFromURL(ctx, source.URL(), 10, 512, 1024, nil))
	same(bytesOf(disk, 512, 1024), payload[10:1034])
	fails(501, "NotImplemented")(disk.StartCopyIncremental(ctx, source.URL(), "2020-01-01T00:00:00.0000000Z", nil))
}

// elsewhere copies from another account, where the token has to be shown.
func elsewhere(box *container.Client) {
	source, copied := os.Getenv("OTHER_BLOB"), box.NewBlockBlobClient("elsewhere")
	fails(403, "CannotVerifyCopySource")(copied.CopyFromURL(ctx, source, nil))
	asked := policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}}
	bearer := to.Ptr("Bearer " + must(defaultCredential().GetToken(ctx, asked)).Token)
	must(copied.CopyFromURL(ctx, source, &blob.CopyFromURLOptions{CopySourceAuthorization: bearer}))
	same(textOf(copied), "from elsewhere")
	must(copied.UploadBlobFromURL(ctx, source, &blockblob.UploadBlobFromURLOptions{CopySourceAuthorization: bearer}))
	same(textOf(copied), "from elsewhere")
}
