"""The token authority: signing keys, claims, issue, verify; the STS and its grants; discovery."""
