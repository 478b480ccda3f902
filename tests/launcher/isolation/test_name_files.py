from __future__ import annotations

from keyless.launcher.isolation import name_files
from keyless.launcher.lease import Claims

CLAIMS = Claims("keyless.localhost", ("login.microsoftonline.com", "*.vault.azure.net"))


def test_lines_for_claimed_names_are_replaced_and_all_others_stay() -> None:
    before = """
127.0.0.1 localhost vm   # this machine
10.0.0.9  LOGIN.microsoftonline.com  shop.vault.azure.net.  db.internal
10.0.0.9  other.vault.azure.net
127.0.0.1 login.keyless.localhost
::1       localhost
"""
    assert name_files.hosts(before, CLAIMS, "127.0.0.1") == (
        "127.0.0.1\tlocalhost\tvm\n10.0.0.9\tdb.internal\n::1\tlocalhost\n127.0.0.1\tlogin.microsoftonline.com\n"
    )
    assert name_files.hosts("", Claims("keyless.localhost", ()), "127.0.0.1") == ""


def test_the_resolver_asks_us_only_and_keeps_its_ways() -> None:
    before = "search corp.example\nnameserver 10.0.0.1\n nameserver 10.0.0.2\noptions ndots:2\n"
    assert name_files.resolver(before, "127.0.0.1") == "nameserver 127.0.0.1\nsearch corp.example\noptions ndots:2\n"
    assert name_files.resolver("", "127.0.0.1") == "nameserver 127.0.0.1\n"


def test_the_machines_own_name_servers() -> None:
    before = "# nameserver 9.9.9.9\nnameserver 10.0.0.1\nnameserver fd00::1\nnameserver\nnameserver c\nnameserver d\n"
    assert name_files.name_servers(before) == ("10.0.0.1", "fd00::1", "c")
    assert name_files.name_servers("") == ("127.0.0.1",)


def test_hosts_are_looked_for_in_files_that_we_replace() -> None:
    systemd = "passwd: files\nhosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\nnetworks: files\n"
    assert name_files.switch(systemd) == "passwd: files\nnetworks: files\nhosts: files myhostname dns\n"
    assert name_files.switch("passwd: files\n") == "passwd: files\nhosts: files dns\n"
