"""Microsoft.Web: apps (sites) and their settings."""
