"""Microsoft.Sql: servers, databases, the gateway that SQL drivers connect to, and the port to the engine behind it."""
