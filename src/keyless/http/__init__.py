"""The HTTP kernel: from a connection to a typed request, and from a handler's answer back to bytes."""
