"""Principals of the tenant: the managed identities' service principals, and the owner's application."""
