"""The instance itself as something to be operated: backups."""
