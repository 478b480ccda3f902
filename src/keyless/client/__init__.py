"""The client room: what an application or the launcher uses to get a token. Standard library only."""
