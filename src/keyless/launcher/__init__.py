"""`keyless run`: the child process, its lease, its identity port and its proxy. Standard library only."""
