"""`keyless run`: the child process, its lease, its identity port and its proxy. Standard library, client and model only."""
