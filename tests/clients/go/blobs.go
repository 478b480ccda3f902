package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

const size = 5_000_000

type metadata = map[string]*string

func team(name string) metadata { return metadata{"Team": &name} }

func body(content string) io.ReadSeekCloser {
	return streaming.NopCloser(bytes.NewReader([]byte(content)))
}

// number is the ID of a block.
func number(id string) string { return base64.StdEncoding.EncodeToString([]byte(id)) }

func match(condition blob.ModifiedAccessConditions) *blob.AccessConditions {
	return &blob.AccessConditions{ModifiedAccessConditions: &condition}
}

type downloads interface {
	DownloadStream(context.Context, *blob.DownloadStreamOptions) (blob.DownloadStreamResponse, error)
}

func textOf(from downloads) string { return string(bytesOf(from, 0, 0)) }

// bytesOf is the content of a blob, or `count` bytes of it from an offset; a count of 0 is all the rest.
func bytesOf(from downloads, offset, count int64) []byte {
	asked := &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: offset, Count: count}}
	return must(io.ReadAll(must(from.DownloadStream(ctx, asked)).Body))
}

func containersOf(account *service.Client, prefix string) (names []string) {
	for _, page := range pages(account.NewListContainersPager(&service.ListContainersOptions{Prefix: &prefix})) {
		for _, item := range page.ContainerItems {
			names = append(names, *item.Name)
		}
	}
	return names
}

// blobsOf is every blob that a list names, and how many each page had.
func blobsOf(box *container.Client, options *container.ListBlobsFlatOptions) ([]*container.BlobItem, []int) {
	var items []*container.BlobItem
	var sizes []int
	for _, page := range pages(box.NewListBlobsFlatPager(options)) {
		items, sizes = append(items, page.Segment.BlobItems...), append(sizes, len(page.Segment.BlobItems))
	}
	return items, sizes
}

func namesOf(items []*container.BlobItem) (names []string) {
	for _, item := range items {
		names = append(names, *item.Name)
	}
	return names
}

func accountClient() *service.Client {
	return must(service.NewClient(os.Getenv("ACCOUNT_URL"), defaultCredential(), nil))
}

// blobs is the life of containers and block blobs.
func blobs() {
	account := accountClient()
	box := account.NewContainerClient("box")

	must(box.Create(ctx, &container.CreateOptions{Metadata: team("a")}))
	fails(409, "ContainerAlreadyExists")(box.Create(ctx, nil))
	for _, name := range []string{"c-one", "c-two"} {
		must(account.CreateContainer(ctx, name, nil))
	}
	same(containersOf(account, ""), []string{"box", "c-one", "c-two"})
	must(account.DeleteContainer(ctx, "c-one", nil))
	same(containersOf(account, "c-"), []string{"c-two"})
	same(must(box.GetProperties(ctx, nil)).Metadata, team("a"))
	must(box.SetMetadata(ctx, &container.SetMetadataOptions{Metadata: team("b")}))
	same(must(box.GetProperties(ctx, nil)).Metadata, team("b"))

	data := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(data)
	whole := uploads(box, data)
	properties(box, whole)
	lists(box)

	byHand := box.NewBlockBlobClient("by-hand")
	must(byHand.Delete(ctx, nil))
	fails(404, "BlobNotFound")(byHand.Delete(ctx, nil))
	for _, name := range []string{"box", "c-two"} {
		must(account.DeleteContainer(ctx, name, nil))
	}
	fails(404, "ContainerNotFound")(whole.GetProperties(ctx, nil))
	fmt.Println("ok")
}

// uploads goes up and down in every way; the blob of the first.
func uploads(box *container.Client, data []byte) *blockblob.Client {
	whole := box.NewBlockBlobClient("folder/whole ä#?%.bin")
	headers := &blob.HTTPHeaders{
		BlobContentType: to.Ptr("text/css"), BlobCacheControl: to.Ptr("max-age=60"), BlobContentLanguage: to.Ptr("de"),
	}
	must(whole.UploadBuffer(ctx, data, &blockblob.UploadBufferOptions{HTTPHeaders: headers, Metadata: team("b")}))
	same(bytesOf(whole, 0, 0), data)
	same(bytesOf(whole, 100, 1000), data[100:1100])
	same(bytesOf(whole, size-1000, 0), data[size-1000:])

	blocks := box.NewBlockBlobClient("blocks")
	parallel := &blockblob.UploadStreamOptions{BlockSize: 1 << 20, Concurrency: 3}
	must(blocks.UploadStream(ctx, bytes.NewReader(data), parallel))
	found := make([]byte, len(data))
	must(blocks.DownloadBuffer(ctx, found, &blob.DownloadBufferOptions{BlockSize: 1_000_000, Concurrency: 3}))
	same(found, data)
	same(len(must(blocks.GetBlockList(ctx, blockblob.BlockListTypeCommitted, nil)).CommittedBlocks), 5)
	single := streaming.NopCloser(bytes.NewReader(data))
	must(box.NewBlockBlobClient("streamed").Upload(ctx, single, nil))

	files(box, data)

	absent := match(blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)})
	conditional := &blockblob.UploadOptions{AccessConditions: absent}
	fails(409, "BlobAlreadyExists")(blocks.Upload(ctx, body("x"), conditional))
	empty := box.NewBlockBlobClient("empty")
	must(empty.UploadBuffer(ctx, nil, nil))
	same(bytesOf(empty, 0, 0), []byte{})

	byHand := box.NewBlockBlobClient("by-hand")
	one, two := number("~~?"), number("~~>")
	must(byHand.StageBlock(ctx, one, body("first "), nil))
	must(byHand.StageBlock(ctx, two, body("second "), nil))
	waiting := must(byHand.GetBlockList(ctx, blockblob.BlockListTypeUncommitted, nil)).UncommittedBlocks
	same([]string{*waiting[0].Name, *waiting[1].Name}, []string{two, one}) // by name
	must(byHand.CommitBlockList(ctx, []string{two, one}, nil))
	same(textOf(byHand), "second first ")
	return whole
}

// files goes up from a file and down into another one.
func files(box *container.Client, data []byte) {
	folder := must(os.MkdirTemp("", "keyless-go-"))
	defer os.RemoveAll(folder)
	up, down := must(os.Create(folder+"/up")), must(os.Create(folder+"/down"))
	must(up.Write(data))
	filed := box.NewBlockBlobClient("filed")
	must(filed.UploadFile(ctx, up, &blockblob.UploadFileOptions{BlockSize: 1 << 20, Concurrency: 3}))
	same(must(filed.DownloadFile(ctx, down, nil)), int64(size))
	same(must(os.ReadFile(folder+"/down")), data)
	must(filed.Delete(ctx, nil))
}

func properties(box *container.Client, whole *blockblob.Client) {
	found := must(whole.GetProperties(ctx, nil))
	same(
		[]any{*found.ContentType, *found.CacheControl, *found.ContentLanguage, found.Metadata, *found.ContentLength},
		[]any{"text/css", "max-age=60", "de", team("b"), int64(size)},
	)
	same(
		[]any{*found.AccessTier, *found.BlobType, *found.IsServerEncrypted},
		[]any{"Hot", blob.BlobTypeBlockBlob, true},
	)
	same(time.Since(*found.LastModified).Abs() < time.Minute, true)
	other := match(blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(`"other"`))})
	fails(412, "ConditionNotMet")(
		whole.DownloadStream(ctx, &blob.DownloadStreamOptions{AccessConditions: other}))
	known := match(blob.ModifiedAccessConditions{IfNoneMatch: found.ETag})
	fails(304, "ConditionNotMet")(
		whole.GetProperties(ctx, &blob.GetPropertiesOptions{AccessConditions: known}))
	beyond := &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: size, Count: 1}}
	fails(416, "InvalidRange")(whole.DownloadStream(ctx, beyond))
	fails(404, "BlobNotFound")(box.NewBlobClient("absent").DownloadStream(ctx, nil))
	fails(404, "BlobNotFound")(box.NewBlobClient("absent").GetProperties(ctx, nil))

	must(whole.SetMetadata(ctx, metadata{"Other": to.Ptr("x y")}, nil))
	must(whole.SetHTTPHeaders(ctx, blob.HTTPHeaders{BlobContentType: to.Ptr("image/png")}, nil))
	changed := must(whole.GetProperties(ctx, nil))
	same([]any{*changed.ContentType, changed.CacheControl == nil}, []any{"image/png", true})
	same(changed.Metadata, metadata{"Other": to.Ptr("x y")})
}

func lists(box *container.Client) {
	names := []string{"blocks", "by-hand", "empty", "folder/whole ä#?%.bin", "streamed"}
	all, _ := blobsOf(box, nil)
	same(namesOf(all), names)
	some, _ := blobsOf(box, &container.ListBlobsFlatOptions{Prefix: to.Ptr("b")})
	same(namesOf(some), []string{"blocks", "by-hand"})
	paged, sizes := blobsOf(box, &container.ListBlobsFlatOptions{MaxResults: to.Ptr(int32(2))})
	same(namesOf(paged), names)
	same(sizes, []int{2, 2, 1})
	walked := pages(box.NewListBlobsHierarchyPager("/", nil))[0].Segment
	same(*walked.BlobPrefixes[0].Name, "folder/")
	same(namesOf(walked.BlobItems), []string{"blocks", "by-hand", "empty", "streamed"})
	listed, _ := blobsOf(box, &container.ListBlobsFlatOptions{
		Prefix: to.Ptr("folder/"), Include: container.ListBlobsInclude{Metadata: true},
	})
	// in a list the library puts the names into lower case
	same([]any{*listed[0].Properties.ContentLength, *listed[0].Metadata["other"]}, []any{int64(size), "x y"})
}
