"""Opens a store with h5py alone and prints what it sees as JSON: a reader that shares nothing with Unfold.

Usage: python3 store.py STORE   (a folder with index.h5, or one .h5 file)
Needs: h5py 3, numpy.
"""
import json
import os
import sys

import h5py
import numpy


def value(attribute):
    if isinstance(attribute, bytes):
        return attribute.decode()
    if isinstance(attribute, numpy.ndarray):
        return [value(element) for element in attribute]
    return attribute.item() if hasattr(attribute, "item") else attribute


def main(path):
    if os.path.isdir(path):
        path = os.path.join(path, "index.h5")
    result = {"attributes": {}, "datasets": {}}
    with h5py.File(path, "r") as file:
        for name, attribute in file.attrs.items():
            result["attributes"][name] = value(attribute)

        def visit(name, node):
            if not isinstance(node, h5py.Dataset):
                return
            entry = {"dtype": str(node.dtype), "shape": list(node.shape), "virtual": bool(node.is_virtual)}
            entry["attributes"] = {key: value(attribute) for key, attribute in node.attrs.items()}
            if h5py.check_string_dtype(node.dtype) is not None:
                entry["first"] = [text.decode() for text in node[:4]]
            elif node.ndim > 0 and node.dtype.kind in "fiu":
                data = node[...]
                if entry["attributes"].get("dtype") == "bfloat16":
                    data = (data.astype(numpy.uint32) << 16).view(numpy.float32)
                finite = data[numpy.isfinite(data)] if data.dtype.kind == "f" else data
                entry["sum"] = float(finite.astype(numpy.float64).sum())
            result["datasets"]["/" + name] = entry

        file.visititems(visit)
        result["order"] = list(file["activations"])
    print(json.dumps(result, sort_keys=True))


main(sys.argv[1])
