"""`keyless storage`: storage accounts. Owns their declaration; what they hold is `container.py` and `blob.py`."""

from __future__ import annotations

import click

from keyless.cli.life_cycle import Noun, add_create, add_delete, add_list, add_show
from keyless.cli.resources import ACCOUNT

_ACCOUNT = Noun(
    ACCOUNT,
    "storage account",
    "shopdata",
    {"blob URL": "properties.primaryEndpoints.blob"},
    {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}},
    "and every blob in it",
)


@click.group(short_help="Storage accounts, which hold containers.")
def storage() -> None:
    """Storage accounts, which hold containers of blobs.

    \b
    keyless storage create shopdata
    keyless container create shopdata/reports
    keyless blob upload shopdata/reports/may.csv
    """


add_create(storage, _ACCOUNT, "Its name is unique in the whole instance: 3 to 24 lower-case letters or digits.")
add_list(storage, _ACCOUNT)
add_show(storage, _ACCOUNT)
add_delete(storage, _ACCOUNT)
