"""Microsoft.KeyVault: the vault's data plane for secrets."""
