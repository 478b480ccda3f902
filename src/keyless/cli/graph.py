"""The directory as the commands use it: read, make, change and remove. Owns the paths of its API; must not print.

Source: Microsoft Graph v1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keyless.cli.output import Json
from keyless.cli.session import Session

_PAGE = {"$top": "999"}


class Graph:
    """Speaks to the instance's directory."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.instance = session.instance

    def items(self, path: str) -> Iterator[Json]:
        """The objects of a list."""
        return self._session.pages(self.instance.graph, f"/v1.0/{path}", _PAGE)

    def get(self, path: str) -> Json:
        """One object."""
        found: Json = self._call("GET", path)
        return found

    def post(self, path: str, body: Json | None = None) -> Json:
        """Make an object, or call an action; what it answered."""
        made: Json = self._call("POST", path, body if body is not None else {})
        return made

    def patch(self, path: str, body: Json) -> None:
        """Change an object."""
        self._call("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Remove an object."""
        self._call("DELETE", path)

    def add_member(self, group_id: str, member_id: str) -> None:
        """Add a member to a group."""
        reference = f"https://{self.instance.graph.host}/v1.0/directoryObjects/{member_id}"
        self.post(f"groups/{group_id}/members/$ref", {"@odata.id": reference})

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        return self._session.json(method, self.instance.graph, f"/v1.0/{path}", body=body)
