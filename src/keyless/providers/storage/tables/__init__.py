"""Tables of the Blob data plane and the queries over them, one module per noun. No protocol, no files."""
