"""Servers whose databases are those of a real SQL Server, the upstream: logins there, and bytes both ways."""
