"""Keyless.Federation: what the operator says of foreign issuers."""
