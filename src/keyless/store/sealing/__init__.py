"""Sealing: everything secret is AES-256-GCM under data keys that a master key wraps.

Owns the master key, the data keys and the two sealed forms: messages (rows) and parts (blob bodies in
chunks). Must not know what it seals, nor where sealed bytes are kept.
"""

from __future__ import annotations

from keyless.store.sealing.data_keys import Sealer, new_wrapped_key
from keyless.store.sealing.master_key import MasterKey, create_master_key, key_password, load_master_key
from keyless.store.sealing.parts import PartSealer

__all__ = [
    "MasterKey",
    "PartSealer",
    "Sealer",
    "create_master_key",
    "key_password",
    "load_master_key",
    "new_wrapped_key",
]
