package main

import (
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
)

// state is what blobs are besides their bodies. The account keeps versions, and what is deleted.
func state() {
	box := accountClient().NewContainerClient("box")
	must(box.Create(ctx, nil))
	doc := box.NewBlockBlobClient("doc")
	tagsAndTiers(doc)
	conditions(doc)
	leases(doc)
	past(box, doc)
	notThere(doc)
	fmt.Println("ok")
}

func tagsAndTiers(doc *blockblob.Client) {
	must(doc.Upload(ctx, body("first"), &blockblob.UploadOptions{
		Metadata: team("a"), Tags: map[string]string{"state": "open"}, Tier: to.Ptr(blob.AccessTierCool),
		HTTPHeaders: &blob.HTTPHeaders{BlobContentDisposition: to.Ptr("inline"), BlobContentEncoding: to.Ptr("x-none")},
	}))
	found := must(doc.GetProperties(ctx, nil))
	same(
		[]any{*found.AccessTier, *found.TagCount, *found.ContentDisposition, *found.ContentEncoding},
		[]any{"Cool", int64(1), "inline", "x-none"},
	)
	same(*must(doc.GetTags(ctx, nil)).BlobTagSet[0].Value, "open")
	must(doc.SetTags(ctx, map[string]string{"state": "shut", "year": "2026"}, nil))
	same(len(must(doc.GetTags(ctx, nil)).BlobTagSet), 2)
	must(doc.SetTier(ctx, blob.AccessTierArchive, nil))
	fails(409, "BlobArchived")(doc.DownloadStream(ctx, nil))
	must(doc.SetTier(ctx, blob.AccessTierHot, nil))
	same(textOf(doc), "first")
}

func conditions(doc *blockblob.Client) {
	found := must(doc.GetProperties(ctx, nil))
	old := azcore.ETag(`"0x1"`)
	hour := time.Hour
	refused := map[int][]blob.ModifiedAccessConditions{
		412: {
			{IfMatch: &old},
			{IfUnmodifiedSince: to.Ptr(found.LastModified.Add(-hour))},
			{IfTags: to.Ptr("state = 'open'")},
		},
		304: {{IfNoneMatch: found.ETag}, {IfModifiedSince: to.Ptr(found.LastModified.Add(hour))}},
	}
	for status, all := range refused {
		for _, one := range all {
			read := &blob.GetPropertiesOptions{AccessConditions: match(one)}
			fails(status, "ConditionNotMet")(doc.GetProperties(ctx, read))
			change := &blob.SetMetadataOptions{AccessConditions: match(one)}
			fails(412, "ConditionNotMet")(doc.SetMetadata(ctx, team("b"), change))
		}
	}
	// in a download alone, 304 is no error for this library
	known := match(blob.ModifiedAccessConditions{IfNoneMatch: found.ETag})
	same(*must(doc.DownloadStream(ctx, &blob.DownloadStreamOptions{AccessConditions: known})).ErrorCode, "ConditionNotMet")
	good := match(blob.ModifiedAccessConditions{
		IfMatch: found.ETag, IfUnmodifiedSince: found.LastModified, IfTags: to.Ptr("state = 'shut' AND year > '2025'"),
	})
	same(must(doc.GetProperties(ctx, &blob.GetPropertiesOptions{AccessConditions: good})).Metadata, team("a"))
	once := &blob.SetHTTPHeadersOptions{AccessConditions: good}
	must(doc.SetHTTPHeaders(ctx, blob.HTTPHeaders{BlobContentType: to.Ptr("text/plain")}, once))
	fails(412, "ConditionNotMet")(doc.SetHTTPHeaders(ctx, blob.HTTPHeaders{}, once))
}

func leases(doc *blockblob.Client) {
	const another = "0fd6c6c7-22a5-4a65-a1f2-54a1c2a8a6d4"
	held := must(lease.NewBlobClient(doc, nil))
	must(held.AcquireLease(ctx, -1, nil))
	fails(409, "LeaseAlreadyPresent")(must(lease.NewBlobClient(doc, nil)).AcquireLease(ctx, 15, nil))
	fails(412, "LeaseIdMissing")(doc.Upload(ctx, body("x"), nil))
	wrong := &blob.AccessConditions{LeaseAccessConditions: &blob.LeaseAccessConditions{LeaseID: to.Ptr(another)}}
	fails(412, "LeaseIdMismatchWithBlobOperation")(doc.Delete(ctx, &blob.DeleteOptions{AccessConditions: wrong}))
	must(held.ChangeLease(ctx, another, nil))
	must(doc.Upload(ctx, body("second"), &blockblob.UploadOptions{AccessConditions: wrong}))
	must(held.RenewLease(ctx, nil))
	found := must(doc.GetProperties(ctx, nil))
	same([]any{*found.LeaseState, *found.LeaseDuration}, []any{lease.StateTypeLeased, lease.DurationTypeInfinite})
	same(*must(held.BreakLease(ctx, &lease.BlobBreakOptions{BreakPeriod: to.Ptr(int32(0))})).LeaseTime, int32(0))
	same(*must(doc.GetProperties(ctx, nil)).LeaseState, lease.StateTypeBroken)
	must(held.ReleaseLease(ctx, nil))
	same(*must(doc.GetProperties(ctx, nil)).LeaseState, lease.StateTypeAvailable)
}

// past is versions, snapshots, and what comes back after it was deleted.
func past(box *container.Client, doc *blockblob.Client) {
	versions, _ := blobsOf(box, &container.ListBlobsFlatOptions{Include: container.ListBlobsInclude{Versions: true}})
	first := must(doc.WithVersionID(*versions[0].VersionID))
	same([]string{textOf(first), textOf(doc)}, []string{"first", "second"})
	fails(404, "BlobNotFound")(must(doc.WithVersionID("2020-01-01T00:00:00.0000000Z")).GetProperties(ctx, nil))

	taken := must(doc.CreateSnapshot(ctx, &blob.CreateSnapshotOptions{Metadata: team("snap")}))
	snapshot := must(doc.WithSnapshot(*taken.Snapshot))
	same(must(snapshot.GetProperties(ctx, nil)).Metadata, team("snap"))
	must(doc.Upload(ctx, body("third"), nil))
	same([]string{textOf(snapshot), textOf(doc)}, []string{"second", "third"})
	fails(409, "SnapshotsPresent")(doc.Delete(ctx, nil))
	all := &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeInclude)}
	must(doc.Delete(ctx, all))
	fails(404, "BlobNotFound")(snapshot.DownloadStream(ctx, nil))
	must(doc.Undelete(ctx, nil))
	same(textOf(snapshot), "second")
	// the newest version is the blob again once it is copied there
	fails(404, "BlobNotFound")(doc.GetProperties(ctx, nil))
	must(doc.CopyFromURL(ctx, first.URL(), nil))
	same(textOf(doc), "first")
	must(doc.Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeOnly)}))
	fails(404, "BlobNotFound")(snapshot.DownloadStream(ctx, nil))
	must(first.Delete(ctx, nil))
	fails(404, "BlobNotFound")(first.DownloadStream(ctx, nil))
	same(textOf(doc), "first")
}

// notThere is what keyless does not have: it says so, and changes nothing.
func notThere(doc *blockblob.Client) {
	const status, code = 501, "NotImplemented"
	fails(status, code)(doc.SetLegalHold(ctx, true, nil))
	fails(status, code)(doc.SetImmutabilityPolicy(ctx, time.Now().Add(time.Hour), nil))
	fails(status, code)(doc.DeleteImmutabilityPolicy(ctx, nil))
	fails(status, code)(doc.SetExpiry(ctx, blockblob.ExpiryTypeNever{}, nil))
	fails(status, code)(doc.Delete(ctx, &blob.DeleteOptions{BlobDeleteType: to.Ptr(blob.DeleteTypePermanent)}))
	same(textOf(doc), "first")
}
