/// Cells that read a safetensors file with NumPy alone.
enum TensorCells {
  static let importing = """
    import json

    import h5py
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd

    plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3.2), "axes.spines.top": False, "axes.spines.right": False})
    """

  static let text = """
    A safetensors file is a length, a JSON header that says where each tensor lies, and the numbers. A few lines read it;
    `safetensors.numpy.load_file` does the same.
    """

  static let reading = """
    def load(path):
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            data = file.read()
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            types = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8", "I64": "<i8"}
            values = np.frombuffer(data[start:end], types[entry["dtype"]]).reshape(entry["shape"])
            if entry["dtype"] == "BF16":
                values = (values.astype(np.uint32) << 16).view(np.float32)
            tensors[name] = values
        return tensors, header.get("__metadata__", {})
    """
}
