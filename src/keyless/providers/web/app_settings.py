"""An app's settings: sealed at rest, replaced as a whole.

Owns the table and the two REST operations on it. Must not resolve vault references (`workload/references.py`).

Source: Azure REST API, "Web Apps - Update Application Settings", "- List Application Settings".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.management import resources as table
from keyless.management.arm import json_response, read_object, texts_of
from keyless.management.resource_type import SubOperation
from keyless.model.errors import invalid, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.store.engine import Migration, Store, Tx
from keyless.store.sealing import Sealer

MIGRATION = Migration(
    "web", (("CREATE TABLE app_settings(app_key TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID",),)
)
MAX_SETTINGS = 500
MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,255}")


@dataclass(frozen=True)
class AppSettings:
    """Reads and replaces the settings of apps."""

    store: Store
    sealer: Sealer

    async def read(self, app: ResourceId) -> dict[str, str]:
        """All settings of an app, as they were written."""
        row = await self.store.row("SELECT sealed FROM app_settings WHERE app_key=?", (app.key,))
        if row is None:
            return {}
        assert isinstance(row[0], bytes)
        return msgspec.json.decode(self.sealer.unseal(row[0], context=_context(app)), type=dict[str, str])

    async def replace(self, app: ResourceId, settings: Mapping[str, str]) -> None:
        """Replace all settings of an app."""
        sealed = self.sealer.seal(msgspec.json.encode(settings), context=_context(app))

        def work(tx: Tx) -> None:
            # an app of the same name that comes later must not find the settings of one that is gone
            if table.read(tx, app) is None:
                raise not_found(f"{app} is not there.", "ResourceNotFound")
            tx.execute("INSERT OR REPLACE INTO app_settings VALUES(?, ?)", (app.key, sealed))

        await self.store.write(work)

    @staticmethod
    def delete(tx: Tx, app: ResourceId) -> None:
        """Forget an app's settings, inside the write that deletes it."""
        tx.execute("DELETE FROM app_settings WHERE app_key=?", (app.key,))

    def operations(self) -> dict[tuple[str, str], SubOperation]:
        """The operations below a site."""
        return {
            ("PUT", "config/appsettings"): SubOperation("Microsoft.Web/sites/config/write", self._put, changes=True),
            ("POST", "config/appsettings/list"): SubOperation("Microsoft.Web/sites/config/list/action", self._list),
        }

    async def _put(self, call: Call, app: Resource) -> Response:
        settings = texts_of(await read_object(call.request), "properties", MAX_SETTINGS)
        for name, value in settings.items():
            if not _NAME.fullmatch(name) or "\x00" in value:
                raise invalid(
                    f"{name!r} cannot be a setting: letters, digits, '_', '.', ':' and '-'.", "InvalidSetting"
                )
        if sum(len(name) + len(value.encode()) for name, value in settings.items()) > MAX_BYTES:
            raise invalid(f"The settings of an app have at most {MAX_BYTES} bytes together.", "SettingsTooLarge")
        await self.replace(app.id, settings)
        return _show(app, settings)

    async def _list(self, _call: Call, app: Resource) -> Response:
        return _show(app, await self.read(app.id))


def _show(app: Resource, settings: Mapping[str, str]) -> Response:
    shown = {"id": f"{app.id}/config/appsettings", "name": "appsettings", "type": "Microsoft.Web/sites/config"}
    return json_response(200, shown | {"properties": dict(settings)})


def _context(app: ResourceId) -> bytes:
    return b"app-settings\0" + app.key.encode()
