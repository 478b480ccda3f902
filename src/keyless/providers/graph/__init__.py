"""Microsoft Graph v1.0, as far as the directory goes: applications, service principals, users, groups."""
