"""read_results.py DIR: read a fetched policy and every Parquet file under DIR
and print what they hold as one JSON object.

    {"policy":  {"metadata": {...}, "tensors": {NAME: {dtype, shape, sum, sha256}}},
     "tables":  {PATH: {"rows": N, "columns": {NAME: {type, nulls, sum?, counts?}}}}}

A sum is over all numbers of a column, those in lists included. Counts are
given for columns of text that have at most 64 different values.
"""

import hashlib
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import safe_open
from safetensors.numpy import load_file

MOST_COUNTS = 64


def policy(path):
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
    return {
        "metadata": metadata,
        "tensors": {name: tensor(t) for name, t in sorted(load_file(path).items())},
    }


def tensor(array):
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "sum": float(array.sum(dtype="float64")),
        "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
    }


def table(path):
    read = pq.read_table(path)
    names = read.column_names
    return {"rows": read.num_rows, "columns": {name: column(read.column(name)) for name in names}}


def column(values):
    summary = {"type": str(values.type), "nulls": values.null_count}
    while pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = pc.list_flatten(values)
    kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        summary["sum"] = float(pc.sum(values).as_py() or 0)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        counts = values.value_counts().to_pylist()
        if len(counts) <= MOST_COUNTS:
            summary["counts"] = {str(c["values"]): c["counts"] for c in counts}
    return summary


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    if not folder.is_dir():
        sys.exit(f"{folder} is not a folder")
    found = {"tables": {}}
    weights = folder / "policy.safetensors"
    if weights.exists():
        found["policy"] = policy(weights)
    for path in sorted(folder.rglob("*.parquet")):
        found["tables"][path.relative_to(folder).as_posix()] = table(path)
    json.dump(found, sys.stdout, sort_keys=True)


if __name__ == "__main__":
    main()
