package main

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/pageblob"
)

const page = 512

// kinds is append blobs and page blobs.
func kinds() {
	box := accountClient().NewContainerClient("box")
	must(box.Create(ctx, nil))
	appends(box)
	disks(box)
	fmt.Println("ok")
}

func appends(box *container.Client) {
	log := box.NewAppendBlobClient("log")
	must(log.Create(ctx, &appendblob.CreateOptions{Metadata: team("a"), Tags: map[string]string{"a": "b"}}))
	first := must(log.AppendBlock(ctx, body("one\n"), nil))
	same([]any{*first.BlobAppendOffset, *first.BlobCommittedBlockCount}, []any{"0", int32(1)})
	checked := &appendblob.AppendBlockOptions{TransactionalValidation: blob.TransferValidationTypeComputeCRC64()}
	same(*must(log.AppendBlock(ctx, body("two\n"), checked)).BlobAppendOffset, "4")
	at := func(condition appendblob.AppendPositionAccessConditions) *appendblob.AppendBlockOptions {
		return &appendblob.AppendBlockOptions{AppendPositionAccessConditions: &condition}
	}
	elsewhere := at(appendblob.AppendPositionAccessConditions{AppendPosition: to.Ptr(int64(3))})
	fails(412, "AppendPositionConditionNotMet")(log.AppendBlock(ctx, body("no"), elsewhere))
	full := at(appendblob.AppendPositionAccessConditions{MaxSize: to.Ptr(int64(9))})
	fails(412, "MaxBlobSizeConditionNotMet")(log.AppendBlock(ctx, body("no"), full))
	same(textOf(log), "one\ntwo\n")
	must(log.Seal(ctx, nil))
	fails(409, "BlobIsSealed")(log.AppendBlock(ctx, body("no"), nil))
	found := must(log.GetProperties(ctx, nil))
	same(
		[]any{*found.BlobType, *found.IsSealed, *found.BlobCommittedBlockCount, found.Metadata},
		[]any{blob.BlobTypeAppendBlob, true, int32(2), team("a")},
	)
	fails(409, "InvalidBlobType")(box.NewBlockBlobClient("log").StageBlock(ctx, number("1"), body("x"), nil))
}

func disks(box *container.Client) {
	disk := box.NewPageBlobClient("disk")
	must(disk.Create(ctx, 8*page, &pageblob.CreateOptions{SequenceNumber: to.Ptr(int64(3)), Metadata: team("a")}))
	type written = pageblob.UploadPagesResponse
	write := func(letter string, at, count int64, options *pageblob.UploadPagesOptions) (written, error) {
		pages := streaming.NopCloser(strings.NewReader(strings.Repeat(letter, int(count*page))))
		return disk.UploadPages(ctx, pages, blob.HTTPRange{Offset: at * page, Count: count * page}, options)
	}
	must(write("a", 1, 3, nil))
	checked := &pageblob.UploadPagesOptions{TransactionalValidation: blob.TransferValidationTypeComputeCRC64()}
	must(write("b", 6, 1, checked))
	must(disk.ClearPages(ctx, blob.HTTPRange{Offset: 2 * page, Count: page}, nil))
	nothing := strings.Repeat("\x00", page)
	a, b := strings.Repeat("a", page), strings.Repeat("b", page)
	same(textOf(disk), nothing+a+nothing+a+nothing+nothing+b+nothing)
	var found [][2]int64
	paged := pages(disk.NewGetPageRangesPager(&pageblob.GetPageRangesOptions{MaxResults: to.Ptr(int32(2))}))
	for _, one := range paged {
		for _, covered := range one.PageRange {
			found = append(found, [2]int64{*covered.Start / page, (*covered.End + 1) / page})
		}
	}
	same([]any{found, len(paged)}, []any{[][2]int64{{1, 2}, {3, 4}, {6, 7}}, 2})

	before := *must(disk.CreateSnapshot(ctx, nil)).Snapshot
	must(write("c", 5, 1, nil))
	must(disk.ClearPages(ctx, blob.HTTPRange{Offset: page, Count: page}, nil))
	changes := pages(disk.NewGetPageRangesDiffPager(&pageblob.GetPageRangesDiffOptions{PrevSnapshot: &before}))[0]
	changed, cleared := changes.PageRange[0], changes.ClearRange[0]
	same(
		[]int64{*changed.Start, *changed.End, *cleared.Start, *cleared.End},
		[]int64{5 * page, 6*page - 1, page, 2*page - 1},
	)
	must(disk.UpdateSequenceNumber(ctx, &pageblob.UpdateSequenceNumberOptions{
		ActionType: to.Ptr(pageblob.SequenceNumberActionTypeMax), SequenceNumber: to.Ptr(int64(9)),
	}))
	below := &pageblob.SequenceNumberAccessConditions{IfSequenceNumberLessThan: to.Ptr(int64(9))}
	fails(412, "SequenceNumberConditionNotMet")(
		write("d", 0, 1, &pageblob.UploadPagesOptions{SequenceNumberAccessConditions: below}))
	fails(416, "InvalidPageRange")(write("d", 8, 1, nil))
	must(disk.Resize(ctx, 6*page, nil))
	properties := must(disk.GetProperties(ctx, nil))
	same(
		[]any{*properties.BlobType, *properties.ContentLength, *properties.BlobSequenceNumber},
		[]any{blob.BlobTypePageBlob, int64(6 * page), int64(9)},
	)
	fails(409, "InvalidBlobType")(box.NewAppendBlobClient("disk").AppendBlock(ctx, body("x"), nil))
}
