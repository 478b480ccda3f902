"""A session that is held: each line that comes in is a query through DRIVER; `ok` or an error in one line goes out."""

from __future__ import annotations

import sys

from sql_connections import CONNECT, DRIVER


def main() -> None:
    connection = CONNECT[DRIVER]()
    for _ in sys.stdin:
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT 1 AS a")
            assert cursor.fetchone()[0] == 1
            print("ok", flush=True)
        except Exception as error:
            print(" ".join(str(error).split()), flush=True)


main()
