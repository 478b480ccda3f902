"""Microsoft.Insights: the activity log, read from the audit file."""
