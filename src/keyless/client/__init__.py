"""The client room: what an application uses to get a token. Standard library only; knows nothing of the server."""
