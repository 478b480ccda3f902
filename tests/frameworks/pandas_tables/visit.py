"""Tables to a database and back with pandas and SQLAlchemy; prints ok. Its argument is the database's URL."""

import sys
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
from sqlalchemy import create_engine, inspect, types

GOODS = pd.DataFrame(
    {
        "id": range(1, 201),
        "name": [f"thing {number} ß" for number in range(1, 201)],
        "price": [number / 8 for number in range(200)],
        "there": [number % 2 == 0 for number in range(200)],
        "made": [datetime(2024, 1, 1 + number % 28, 3, 4, 5) for number in range(200)],
        "note": [None if number % 3 else "x" * 300 for number in range(200)],
    }
)


def written(engine, **how):
    """A table, there and back."""
    GOODS.to_sql("goods", engine, index=False, if_exists="replace", **how)
    back = pd.read_sql("SELECT * FROM goods ORDER BY id", engine)
    back["made"] = back["made"].astype(GOODS["made"].dtype)
    back["note"] = back["note"].astype(object).where(back["note"].notna(), None)
    wanted = GOODS.assign(note=GOODS["note"].astype(object).where(GOODS["note"].notna(), None))
    pd.testing.assert_frame_equal(back, wanted, check_dtype=False)


engine = create_engine(sys.argv[1])
written(engine)
written(engine, chunksize=100)
written(engine, method="multi", chunksize=50)
written(create_engine(sys.argv[1], fast_executemany=True))

chosen = {"price": types.Numeric(10, 3), "name": types.NVARCHAR(40), "made": types.Date()}
GOODS.head(10).to_sql("chosen", engine, schema="dbo", dtype=chosen, index_label="row")
table = pd.read_sql_table("chosen", engine, schema="dbo", index_col="row", coerce_float=False)
assert table["price"].tolist()[1] == Decimal("0.125"), table["price"].tolist()
assert table["made"].tolist()[0] in (date(2024, 1, 1), pd.Timestamp("2024-01-01")), table["made"].tolist()
columns = {column["name"]: str(column["type"]) for column in inspect(engine).get_columns("chosen")}
assert columns["name"].startswith("NVARCHAR(40)"), columns
assert columns["price"] == "NUMERIC(10, 3)", columns

GOODS.head(5).to_sql("goods", engine, index=False, if_exists="append")
parts = list(pd.read_sql("SELECT id FROM goods WHERE id <= ? ORDER BY id", engine, params=(5,), chunksize=4))
assert [len(part) for part in parts] == [4, 4, 2], parts
try:
    GOODS.to_sql("goods", engine, if_exists="fail")
except ValueError:
    print("ok")
