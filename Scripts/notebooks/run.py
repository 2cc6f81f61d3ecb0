#!/usr/bin/env python3
"""Validates notebooks, runs each in its own folder, and with --save keeps the outputs in the file.

Fails where a notebook is not valid or a cell raises. Outputs are made the same on every machine: no times, no execution
metadata, no warnings of libraries.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def cleaned(notebook):
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not (o.output_type == "stream" and o.name == "stderr")]
            for output in cell.outputs:
                output.pop("metadata", None) if output.output_type == "stream" else output.update(metadata={})
                # What a figure prints beside its picture (its size, its axes) tells a reader nothing.
                data = output.get("data", {})
                if "image/png" in data:
                    output.data = {"image/png": data["image/png"].strip()}
    return notebook


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--save", action="store_true", help="keep the outputs in the files")
    parser.add_argument("--timeout", type=int, default=300, help="seconds a cell may take")
    options = parser.parse_args()
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    failed = 0
    for path in options.notebooks:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
        client = NotebookClient(
            notebook,
            timeout=options.timeout,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.resolve().parent)}},
        )
        try:
            client.execute()
        except CellExecutionError as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed += 1
            continue
        notebook = cleaned(notebook)
        nbformat.validate(notebook)
        if options.save:
            nbformat.write(notebook, path)
        print(f"{path}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells ran")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
