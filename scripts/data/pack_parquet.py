#!/usr/bin/env python3
"""Turns Parquet tables into data set files of dltrain, by way of the same table as CSV.

    pip install pyarrow
    python3 scripts/data/pack_parquet.py visits.parquet --label bought --standardize -o visits

Several files are one table. Options behind them are those of `dltrain data pack csv`; columns of texts are
--categorical and dates --date by themselves. DLTRAIN names the program where it is not in PATH.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet


def plain(column, is_label):
    """A column as CSV has it: dates as texts, yes and no as 1 and 0."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return pa.compute.strftime(column.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_boolean(column.type) and not is_label:
        return column.cast(pa.int8())
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("files", nargs="+")
    for option in ["label", "categorical", "index", "date", "drop"]:
        parser.add_argument(f"--{option}", default="", required=option == "label", type=lambda text: text.split(","))
    given, rest = parser.parse_known_args()
    roles = vars(given)
    files = roles.pop("files")
    schema, named = pa.parquet.read_schema(files[0]), sum(roles.values(), [])
    for name, kind in zip(schema.names, schema.types):
        is_text = pa.types.is_string(kind) or pa.types.is_dictionary(kind)
        role = "date" if pa.types.is_temporal(kind) else "categorical" if is_text else ""
        if role and name not in named:
            roles[role] = [column for column in roles[role] if column] + [name]
    program = shutil.which(os.environ.get("DLTRAIN", "dltrain")) or sys.exit("set DLTRAIN to the path of dltrain")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/table.csv", "wb") as output:
            for number, batch in enumerate(b for file in files for b in pa.parquet.ParquetFile(file).iter_batches()):
                columns = {name: plain(batch.column(name), name in given.label) for name in schema.names}
                pa.csv.write_csv(pa.table(columns), output, pa.csv.WriteOptions(include_header=number == 0))
        told = [[f"--{role}", ",".join(columns)] for role, columns in roles.items() if any(columns)]
        sys.exit(subprocess.run([program, "data", "pack", "csv", output.name] + sum(told, []) + rest).returncode)


if __name__ == "__main__":
    main()
