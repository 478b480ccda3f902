"""`keyless run --isolate`: the child in a user, mount and network namespace of its own (Linux).

There 169.254.169.254 and the claimed names lead to keyless without a proxy, and keyless's own folders are hidden.
Standard library only. Nothing here parses requests or tokens.
"""
