"""HTML pages: their templates, and the headers that every page carries.

Owns turning a template's name and its values into a response. Templates escape every value by themselves. No page holds
a script or a style of its own, none may be framed, and a form may lead to ourselves and to one place more at most.

Source: Content Security Policy Level 3; RFC 6797 (HSTS); RFC 9700, section 4.16 (clickjacking).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyless.http.message import Request, Response

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent
_ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "return.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
#: What may stand in a policy: anything else could add a directive.
_SOURCE = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
_COMMAND = re.compile(r"`([^`]+)`")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE | re.ASCII)


class Pages:
    """`domain` is the instance's own: its name decides whether browsers are told to insist on HTTPS."""

    def __init__(self, domain: str) -> None:
        self._domain = domain

    async def page(
        self,
        request: Request,
        template: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        form_target: str = "",
        script: bool = False,
    ) -> Response:
        """A page. `form_target` is the URL to which its form, or what answers that, may lead besides ourselves."""
        environment = await self._ready()
        text = environment.get_template(template).render(host=request.authority, **values)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": _policy(form_target, script),
            **self._common(request),
        }
        return Response(status, text.encode(), headers)

    def asset(self, request: Request, name: str) -> Response | None:
        """The style sheet, the icon and the one script; None for any other name."""
        kind = _ASSETS.get(name)
        if kind is None:
            return None
        headers = {**self._common(request), "Content-Type": kind, "Cache-Control": "max-age=3600"}
        return Response(200, self._files[name], headers)

    def see_other(self, request: Request, location: str) -> Response:
        """Lead the browser on with a GET. A 307 would take the form, and the password in it, along (RFC 9700, 4.12)."""
        return Response(303, b"", {"Location": location, **self._common(request)})

    def _common(self, request: Request) -> dict[str, str]:
        headers = {
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        # only under our own name, and where certificates come from a real authority
        if request.host.endswith(f".{self._domain}") and not self._domain.endswith("localhost"):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers

    async def _ready(self) -> Environment:
        # loading it takes some tens of milliseconds, which a server that nobody signs in to can do without
        if "_environment" not in self.__dict__:
            await asyncio.to_thread(lambda: self._environment)
        return self._environment

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see _ready

        environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters["commands"] = _commands
        for name in environment.list_templates():
            environment.get_template(name)
        return environment

    @cached_property
    def _files(self) -> dict[str, bytes]:
        return {name: (_FOLDER / "assets" / name).read_bytes() for name in _ASSETS}


def _commands(text: str) -> str:
    """A sentence as HTML: escaped, and what stands between backticks as code."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - comes with jinja2

    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _policy(form_target: str, script: bool) -> str:
    rules = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        *(["script-src 'self'"] if script else []),
        f"form-action 'self'{_source(form_target)}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return "; ".join(rules)


def _source(url: str) -> str:
    """A URL's origin as a policy names it; its scheme where a policy cannot (IPv6 addresses, programs' own schemes)."""
    parts = urlsplit(url)
    site = f"{parts.scheme}://{parts.netloc}"
    if _SOURCE.fullmatch(site):
        return f" {site}"
    return f" {parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else ""
