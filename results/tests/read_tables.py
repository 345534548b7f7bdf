"""Prints what other programs read from Parquet files, as JSON.

    python3 read_tables.py FOLDER

One entry for each of pandas (with pyarrow), polars and DuckDB that is installed; in it one entry a
file, with the names of the columns and the rows. Written against pandas 2.3, pyarrow 26, polars 2.1
and DuckDB 2.0.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path


def by_pandas(path):
    import pandas

    frame = pandas.read_parquet(path, dtype_backend="numpy_nullable").astype(object)
    frame = frame.where(frame.notna(), None)
    return {"columns": list(frame.columns), "rows": frame.values.tolist()}


def by_polars(path):
    import polars

    frame = polars.read_parquet(path)
    return {"columns": frame.columns, "rows": frame.rows()}


def by_duckdb(path):
    import duckdb

    answer = duckdb.execute("select * from read_parquet(?)", [str(path)])
    names = [column[0] for column in answer.description]
    return {"columns": names, "rows": answer.fetchall()}


READERS = {
    "pandas": (by_pandas, ("pandas", "pyarrow")),
    "polars": (by_polars, ("polars",)),
    "duckdb": (by_duckdb, ("duckdb",)),
}

files = sorted(Path(sys.argv[1]).glob("*.parquet"))
answer = {
    name: {path.stem: read(path) for path in files}
    for name, (read, needs) in READERS.items()
    if all(find_spec(module) for module in needs)
}
print(json.dumps(answer))
