"""Why namespaces cannot be had here, and what to do. Owns the sentences for the settings that forbid them.

Source: user_namespaces(7) and namespaces(7); Documentation/admin-guide/sysctl/user.rst; Debian's and Ubuntu's own
settings `kernel.unprivileged_userns_clone` and `kernel.apparmor_restrict_unprivileged_userns`.
"""

from __future__ import annotations

from collections.abc import Callable

from keyless.model.errors import ErrorKind, KeylessError

#: Setting, the value that forbids namespaces, and one that does not.
_SETTINGS = (
    ("user.max_user_namespaces", "0", "15000"),
    ("user.max_net_namespaces", "0", "15000"),
    ("user.max_mnt_namespaces", "0", "15000"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
)
_OTHERWISE = (
    "in a container, start that with a seccomp profile that lets it make user namespaces; else leave --isolate out"
)


def obstacle(reason: str, read: Callable[[str], str] | None = None) -> KeylessError:
    """The error for what the kernel refused with `reason`; `read` gives the value of a setting, or nothing."""
    value = read or _read
    for name, forbidding, allowing in _SETTINGS:
        if value(name) == forbidding:
            remedy = f"have an administrator run `sysctl {name}={allowing}`, or leave --isolate out"
            break
    else:
        remedy = _OTHERWISE
    return KeylessError(ErrorKind.UNSUPPORTED, f"The program cannot be isolated here ({reason}): {remedy}.")


def _read(name: str) -> str:
    try:
        with open(f"/proc/sys/{name.replace('.', '/')}", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
