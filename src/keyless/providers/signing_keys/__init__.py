"""Keyless.Authority: the token authority's signing keys, for whoever runs it."""
