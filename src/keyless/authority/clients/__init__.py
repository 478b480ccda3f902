"""How a client proves itself at the token endpoint, one file each way."""
