"""Storage accounts, and their Blob data plane: containers and block blobs, as the official clients speak it.

Owns the resource type (`accounts`), the protocol (`routes`, `headers`, `conditions`, `xml`, `errors`,
`operations/`) and its persistence (`blob_store`, `tables/`, `parts`, `part_files`, `collector`). Must not know how
callers are authenticated or authorised: `surface` hands requirements to the kernel.

Source: Azure Storage REST API reference, "Blob service REST API".
"""
