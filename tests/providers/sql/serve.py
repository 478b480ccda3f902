"""A server like `keyless up`, with the engine of the tests behind the gateway."""

from __future__ import annotations

import logging
import os
import sys

from keyless.bootstrap.run import serve
from keyless.config import read_config
from tests.providers.sql.memory_engine import MemoryEngine


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    port, descriptor = map(int, sys.argv[1:])

    def ready(_instance: object) -> None:
        os.write(descriptor, b"1")
        os.close(descriptor)

    serve(read_config(os.environ, port=port), ready, lambda _find, _secret: MemoryEngine())


if __name__ == "__main__":
    main()
