from __future__ import annotations

import pytest

from keyless.launcher.isolation.obstacles import obstacle
from keyless.model.errors import ErrorKind

ALLOWING = {"user.max_user_namespaces": "96365", "kernel.unprivileged_userns_clone": "1"}


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("user.max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
        ("user.max_net_namespaces", "0", "sysctl user.max_net_namespaces=15000"),
        ("kernel.unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_it_is_named(setting: str, value: str, remedy: str) -> None:
    settings = ALLOWING | {setting: value}
    error = obstacle("[Errno 1] no", lambda name: settings.get(name, ""))
    assert error.kind is ErrorKind.UNSUPPORTED
    assert error.message == (
        "The program cannot be isolated here ([Errno 1] no): "
        f"have an administrator run `{remedy}`, or leave --isolate out."
    )


def test_where_no_setting_forbids_it_something_around_does() -> None:
    message = obstacle("[Errno 1] no", lambda name: ALLOWING.get(name, "")).message
    assert "in a container, start that with a seccomp profile that lets it make user namespaces" in message
