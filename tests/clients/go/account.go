package main

import (
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

// account is what concerns an account and its containers as a whole. The account keeps versions, and what is deleted.
func account() {
	account := accountClient()
	box := account.NewContainerClient("box")
	serviceProperties(account)
	must(box.Create(ctx, &container.CreateOptions{Metadata: team("a")}))
	information(account, box)
	accessPolicies(box)
	containerConditions(box)
	containerLeases(box)
	includes(box)
	hierarchies(box)
	searches(account, box)
	batches(account, box)
	restoring(account, box)
	fmt.Println("ok")
}

func serviceProperties(account *service.Client) {
	keep := func(policy service.RetentionPolicy) {
		must(account.SetProperties(ctx, &service.SetPropertiesOptions{DeleteRetentionPolicy: &policy}))
		found := must(account.GetProperties(ctx, nil)).DeleteRetentionPolicy
		same([]any{*found.Enabled, found.Days}, []any{*policy.Enabled, policy.Days})
	}
	keep(service.RetentionPolicy{Enabled: to.Ptr(false)})
	keep(service.RetentionPolicy{Enabled: to.Ptr(true), Days: to.Ptr(int32(7))})
	everybody := []*service.CORSRule{{
		AllowedOrigins: to.Ptr("*"), AllowedMethods: to.Ptr("GET"), MaxAgeInSeconds: to.Ptr(int32(1)),
		AllowedHeaders: to.Ptr(""), ExposedHeaders: to.Ptr(""),
	}}
	fails(501, "NotImplemented")(account.SetProperties(ctx, &service.SetPropertiesOptions{CORS: everybody}))
	// there is no second region
	fails(400, "InvalidQueryParameterValue")(account.GetStatistics(ctx, nil))
}

func information(account *service.Client, box *container.Client) {
	of := must(account.GetAccountInfo(ctx, nil))
	same(
		[]any{*of.SKUName, *of.AccountKind, *of.IsHierarchicalNamespaceEnabled},
		[]any{service.SKUNameStandardLRS, service.AccountKindStorageV2, false},
	)
	same(*must(box.GetAccountInfo(ctx, nil)).AccountKind, container.AccountKindStorageV2)
	same(*must(box.NewBlobClient("absent").GetAccountInfo(ctx, nil)).AccountKind, container.AccountKindStorageV2)
}

func accessPolicies(box *container.Client) {
	found := must(box.GetAccessPolicy(ctx, nil))
	same([]any{found.BlobPublicAccess == nil, len(found.SignedIdentifiers)}, []any{true, 0})
	must(box.SetAccessPolicy(ctx, nil))
	public := &container.SetAccessPolicyOptions{Access: to.Ptr(container.PublicAccessTypeBlob)}
	fails(409, "PublicAccessNotPermitted")(box.SetAccessPolicy(ctx, public))
	stored := &container.SetAccessPolicyOptions{ContainerACL: []*container.SignedIdentifier{{
		ID: to.Ptr("one"), AccessPolicy: &container.AccessPolicy{Permission: to.Ptr("r")},
	}}}
	fails(501, "NotImplemented")(box.SetAccessPolicy(ctx, stored))
}

func containerConditions(box *container.Client) {
	later := &container.ModifiedAccessConditions{IfModifiedSince: to.Ptr(time.Now().Add(time.Hour))}
	fails(412, "ConditionNotMet")(box.SetMetadata(ctx, &container.SetMetadataOptions{ModifiedAccessConditions: later}))
	earlier := &container.ModifiedAccessConditions{IfUnmodifiedSince: to.Ptr(time.Now().Add(-time.Hour))}
	unchanged := &container.DeleteOptions{AccessConditions: &container.AccessConditions{ModifiedAccessConditions: earlier}}
	fails(412, "ConditionNotMet")(box.Delete(ctx, unchanged))
}

func containerLeases(box *container.Client) {
	const another = "6c3f5b0a-9a06-4b6e-8d5d-1f7d3c1a0b11"
	held := must(lease.NewContainerClient(box, nil))
	must(held.AcquireLease(ctx, 15, nil))
	first := *held.LeaseID()
	fails(409, "LeaseAlreadyPresent")(must(lease.NewContainerClient(box, nil)).AcquireLease(ctx, 15, nil))
	fails(412, "LeaseIdMissing")(box.Delete(ctx, nil))
	must(held.ChangeLease(ctx, another, nil))
	same([]bool{*held.LeaseID() == another, first == another}, []bool{true, false})
	must(held.RenewLease(ctx, nil))
	found := must(box.GetProperties(ctx, nil))
	same([]any{*found.LeaseState, *found.LeaseDuration}, []any{lease.StateTypeLeased, lease.DurationTypeFixed})
	broken := must(held.BreakLease(ctx, &lease.ContainerBreakOptions{BreakPeriod: to.Ptr(int32(0))}))
	same(*broken.LeaseTime, int32(0))
	same(*must(box.GetProperties(ctx, nil)).LeaseState, lease.StateTypeBroken)
	fails(409, "LeaseIsBrokenAndCannotBeRenewed")(held.RenewLease(ctx, nil))
	must(held.ReleaseLease(ctx, nil))
	same(*must(box.GetProperties(ctx, nil)).LeaseState, lease.StateTypeAvailable)
}

// includes is what a list tells besides names.
func includes(box *container.Client) {
	one := box.NewBlockBlobClient("in/one")
	must(one.UploadBuffer(ctx, []byte("1"), nil))
	must(one.SetMetadata(ctx, metadata{"Of": to.Ptr("one")}, nil))
	must(one.SetTags(ctx, map[string]string{"state": "open"}, nil))
	taken := *must(one.CreateSnapshot(ctx, nil)).Snapshot
	must(box.NewBlockBlobClient("in/staged").StageBlock(ctx, number("1"), body("x"), nil))
	two := box.NewBlockBlobClient("in/two")
	must(two.CopyFromURL(ctx, one.URL(), nil))
	must(two.Delete(ctx, nil))

	list := func(include container.ListBlobsInclude) []*container.BlobItem {
		items, _ := blobsOf(box, &container.ListBlobsFlatOptions{Prefix: to.Ptr("in/"), Include: include})
		return items
	}
	same(namesOf(list(container.ListBlobsInclude{})), []string{"in/one"})
	told := list(container.ListBlobsInclude{Metadata: true, Tags: true, Copy: true})[0]
	same(*told.Metadata["of"], "one")
	same([]string{*told.BlobTags.BlobTagSet[0].Key, *told.BlobTags.BlobTagSet[0].Value}, []string{"state", "open"})
	same(*told.Properties.TagCount, int32(1))
	snapshots := list(container.ListBlobsInclude{Snapshots: true})
	same([]any{*snapshots[0].Snapshot, snapshots[1].Snapshot == nil, len(snapshots)}, []any{taken, true, 2})
	same(namesOf(list(container.ListBlobsInclude{UncommittedBlobs: true})), []string{"in/one", "in/staged"})
	versions := list(container.ListBlobsInclude{Versions: true})
	same(namesOf(versions), []string{"in/one", "in/one", "in/two"})
	same([]any{versions[0].IsCurrentVersion == nil, *versions[1].IsCurrentVersion}, []any{true, true})
	must(must(two.WithVersionID(*versions[2].VersionID)).Delete(ctx, nil))
	kept := list(container.ListBlobsInclude{Versions: true, Deleted: true})
	same(namesOf(kept), namesOf(versions))
	same([]any{*kept[2].Deleted, *kept[2].Properties.RemainingRetentionDays}, []any{true, int32(7)})
}

func hierarchies(box *container.Client) {
	for _, name := range []string{"h/a/1", "h/a/2", "h/b", "h/c/1"} {
		must(box.NewBlockBlobClient(name).UploadBuffer(ctx, []byte(name), nil))
	}
	var folders, leaves []string
	options := &container.ListBlobsHierarchyOptions{Prefix: to.Ptr("h/"), MaxResults: to.Ptr(int32(1))}
	walked := pages(box.NewListBlobsHierarchyPager("/", options))
	for _, page := range walked {
		for _, folder := range page.Segment.BlobPrefixes {
			folders = append(folders, *folder.Name)
		}
		leaves = append(leaves, namesOf(page.Segment.BlobItems)...)
	}
	same([]any{folders, leaves, len(walked)}, []any{[]string{"h/a/", "h/c/"}, []string{"h/b"}, 3})
}

func searches(account *service.Client, box *container.Client) {
	tagged := map[string]map[string]string{
		"t/open": {"kind": "t", "state": "open"}, "t/shut": {"kind": "t", "state": "shut", "year": "2026"},
	}
	for name, tags := range tagged {
		must(box.NewBlockBlobClient(name).UploadBuffer(ctx, nil, nil))
		must(box.NewBlobClient(name).SetTags(ctx, tags, nil))
	}
	everywhere := must(account.FilterBlobs(ctx, `"kind" = 't' AND @container = 'box'`, nil)).Blobs
	same([]string{*everywhere[0].Name, *everywhere[1].Name}, []string{"t/open", "t/shut"})
	same(*everywhere[0].ContainerName, "box")
	here := must(box.FilterBlobs(ctx, `"kind" = 't' AND "year" > '2025'`, nil)).Blobs
	same([]any{*here[0].Name, len(here)}, []any{"t/shut", 1})
	first := must(account.FilterBlobs(ctx, `"kind" = 't'`, &service.FilterBlobsOptions{MaxResults: to.Ptr(int32(1))}))
	same([]any{len(first.Blobs), *first.NextMarker != ""}, []any{1, true})
	next := &service.FilterBlobsOptions{Marker: first.NextMarker}
	same(*must(account.FilterBlobs(ctx, `"kind" = 't'`, next)).Blobs[0].Name, "t/shut")
	fails(400, "InvalidQueryParameterValue")(box.FilterBlobs(ctx, "nonsense", nil))
}

func batches(account *service.Client, box *container.Client) {
	tiers := must(box.NewBatchBuilder())
	for _, name := range []string{"h/b", "h/absent"} {
		if err := tiers.SetTier(name, blob.AccessTierCool, nil); err != nil {
			panic(err)
		}
	}
	var went []string
	for _, item := range must(box.SubmitBatch(ctx, tiers, nil)).Responses {
		went = append(went, refusal(item.Error))
	}
	same(went, []string{"done", "404 BlobNotFound"})
	same(*must(box.NewBlobClient("h/b").GetProperties(ctx, nil)).AccessTier, "Cool")
	deletions := must(account.NewBatchBuilder())
	for _, name := range []string{"h/a/1", "h/a/2", "h/c/1"} {
		if err := deletions.Delete("box", name, nil); err != nil {
			panic(err)
		}
	}
	for _, item := range must(account.SubmitBatch(ctx, deletions, nil)).Responses {
		same(item.Error, nil)
	}
	left, _ := blobsOf(box, &container.ListBlobsFlatOptions{Prefix: to.Ptr("h/")})
	same(namesOf(left), []string{"h/b"})
}

func restoring(account *service.Client, box *container.Client) {
	lost := func() string {
		include := service.ListContainersInclude{Deleted: true, Metadata: true}
		for _, page := range pages(account.NewListContainersPager(&service.ListContainersOptions{Include: include})) {
			for _, item := range page.ContainerItems {
				if item.Deleted != nil && *item.Deleted {
					same([]any{*item.Metadata["team"], *item.Properties.RemainingRetentionDays}, []any{"a", int32(7)})
					return *item.Version
				}
			}
		}
		panic("nothing was deleted")
	}
	must(account.DeleteContainer(ctx, "box", nil))
	fails(404, "ContainerNotFound")(box.GetProperties(ctx, nil))
	must(account.RestoreContainer(ctx, "box", lost(), nil))
	same(textOf(box.NewBlobClient("h/b")), "h/b")
	fails(404, "ContainerNotFound")(account.RestoreContainer(ctx, "box2", "01D60F8BB59A4652", nil))
	must(box.Delete(ctx, nil))
	must(box.Restore(ctx, lost(), nil))
	same(textOf(box.NewBlobClient("h/b")), "h/b")
}
