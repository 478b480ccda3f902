"""Microsoft.Sql: servers and databases, the gateway that SQL drivers connect to, and the port to the engine.

Owns the resource types (`servers`), the protocol (`tds/`, sans-IO), the gateway (`gateway/`), and what an engine has to
be able to do (`engine`, `types`). Must not know any engine.
"""
