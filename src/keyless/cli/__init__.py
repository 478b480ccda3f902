"""The command line: one file per noun. Speaks to the server through its public protocols only."""
