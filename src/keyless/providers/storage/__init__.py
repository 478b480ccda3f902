"""Storage accounts, and their Blob data plane: containers and blobs, as the official clients speak it.

Owns the resource type (`accounts`), the protocol (`routes`, `names`, `headers`, `conditions`, `xml`, `errors`,
`operations/`) and the persistence (`blob_store`, `tables/`, `parts`, `part_files`, `reading`, `collector`). Must not
know how callers are authenticated or authorised: `surface` hands requirements to the kernel.

Source: Azure Storage REST API reference, "Blob service REST API".
"""
