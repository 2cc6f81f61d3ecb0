/// Cells that the notebooks of stores share.
enum StoreCells {
  static func opening(_ facts: StoreFacts, imports: String = "") -> [Notebook.Cell] {
    [
      .text(
        "where",
        """
        ## Where the store is

        Everything is read with `h5py`; no package of ours is needed. The path counts from this notebook's folder. Change this
        one cell to read another store.
        """),
      .code("paths", "STORE = \(facts.path.python)"),
      .code("imports", importing + imports),
      .text(
        "open-text",
        """
        `index.h5` shows the whole store, however many shard files it has. A site's values lie under `activations/`, one row
        a token. `read` gives rows of a site as float32, whatever number format the store uses.
        """),
      .code("open", reading),
    ]
  }

  private static let importing = """
    import json

    import h5py
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd

    plt.rcParams.update({"figure.dpi": 72, "figure.figsize": (7, 3.2), "axes.spines.top": False, "axes.spines.right": False})
    """

  private static let reading = """
    f = h5py.File(STORE)


    def read(site, rows=slice(None)):
        data = f["activations"][site]
        values = data[rows]
        if data.attrs["dtype"] == "bfloat16":  # HDF5 has no bfloat16: its bits lie as uint16
            return (values.astype(np.uint32) << 16).view(np.float32)
        if data.attrs["dtype"] == "uint8":  # a byte, with a scale and an offset for each column
            q = f["quantization"][site]
            return q["offset"][:] + q["scale"][:] * values
        return values.astype(np.float32)


    print(f.attrs["model"], "with", f["tokens/id"].shape[0], "tokens of", f["documents/id"].shape[0], "documents")
    """

  /// Tables of tokens and documents.
  static let tables = """
    tokens = pd.DataFrame({name: f["tokens"][name][:] for name in f["tokens"]})
    documents = pd.DataFrame({
        name: data.asstr()[:] if h5py.check_string_dtype(data.dtype) else data[:] for name, data in f["documents"].items()
    })
    """

  /// Shows a token among its neighbours.
  static let context = """
    def context(row, before=8, after=4):
        document = tokens["document"][row]
        first = documents["first_token"][document]
        last = first + documents["token_count"][document]
        text = documents["text"][document]

        start, end = tokens["start"], tokens["end"]
        a, b = start[max(row - before, first + 1)], end[min(row + after, last - 1)]
        shown = text[a:start[row]] + " «" + text[start[row]:end[row]].strip() + "» " + text[end[row]:b]
        return " ".join(shown.split())
    """
}
