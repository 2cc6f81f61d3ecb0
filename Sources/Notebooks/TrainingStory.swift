import Activations
import Diagnostics
import Foundation

extension Notebook {
  /// From a capture to scikit-learn and PyTorch.
  static func training(_ facts: StoreFacts) throws -> Notebook {
    let site = try facts.requireSite("a site with a row for each token") { site in
      site.name.hasSuffix("hook_resid_post") || !facts.store.sites.contains { $0.name.hasSuffix("hook_resid_post") }
    }
    guard let labels = facts.labelValues else { throw facts.noLabels }
    let folder = facts.path.hasSuffix("/index.h5") ? String(facts.path.dropLast("/index.h5".count)) : nil
    let shards = folder.map { "sorted(Path(\($0.python)).glob(\"shard-*.h5\"))" } ?? "[Path(STORE)]"
    return Notebook(
      [
        .text(
          "title",
          """
          # From a capture to scikit-learn and PyTorch

          A store is a table of numbers with a row for each token. Here a classifier of scikit-learn learns from it, and a PyTorch
          `Dataset` reads it shard by shard, so that a store larger than memory can be trained on.
          """)
      ]
        + StoreCells.opening(
          facts,
          imports: """

            from pathlib import Path

            from sklearn.linear_model import LogisticRegression
            from sklearn.metrics import balanced_accuracy_score, confusion_matrix
            from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
            """) + [
          .code("tables", StoreCells.tables),
          .text(
            "rows-text",
            """
            ## Rows to learn from

            A document's row is the mean over its tokens. Documents of the same group (pieces of one text, or templates of one kind)
            must not stand on both sides of a split, or a test only asks what was learnt by heart.
            """),
          .code(
            "rows",
            """
            SITE = {{SITE}}
            label = {{LABELS}}
            plain = (tokens["special"] == 0).to_numpy()
            means = pd.DataFrame(read(SITE)[plain]).groupby(tokens["document"].to_numpy()[plain]).mean()
            X, y = means.to_numpy(), label[means.index]
            group = documents["group"].where(documents["group"] != "", documents["id"])[means.index].to_numpy()
            X, y, group = X[y != ""], y[y != ""], group[y != ""]
            print(X.shape, "rows and columns;", len(np.unique(y)), "labels;", len(np.unique(group)), "groups")
            """.filled(["SITE": site.name.python, "LABELS": labels])),
          .text(
            "classifier-text",
            """
            ## scikit-learn

            Each document is judged by a classifier that saw no document of its group.
            """),
          .code(
            "classifier",
            """
            folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=0)
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
            predicted = cross_val_predict(model, X, y, groups=group, cv=folds)
            generator = np.random.default_rng(0)
            shuffled = generator.permutation(y)
            by_chance = cross_val_predict(model, X, shuffled, groups=group, cv=folds)
            print(f"balanced accuracy {balanced_accuracy_score(y, predicted):.3f}; "
                  f"with shuffled labels {balanced_accuracy_score(shuffled, by_chance):.3f}; "
                  f"a guess gives {1 / len(np.unique(y)):.3f}")
            """),
          .code(
            "confusion",
            """
            names = np.unique(y)
            matrix = confusion_matrix(y, predicted, labels=names, normalize="true")
            plt.figure(figsize=(0.3 * len(names) + 2, 0.3 * len(names) + 1.2))
            plt.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
            plt.xticks(range(len(names)), names, rotation=90)
            plt.yticks(range(len(names)), names)
            plt.xlabel("predicted")
            plt.ylabel("label")
            plt.colorbar(shrink=0.7)
            plt.tight_layout()
            """),
          .text(
            "torch-text",
            """
            ## PyTorch

            The `Dataset` below opens a shard when its first row is asked for, and opens it anew in each worker process (an HDF5 file
            must not be shared between processes). Rows are read in blocks, since one row at a time is slow.
            """),
          .code(
            "torch",
            """
            try:
                import torch
            except ImportError:
                torch = None
                print("PyTorch is not installed here, so the cells below are skipped: pip install torch")
            """),
          .code(
            "dataset",
            """
            if torch is not None:

                class Shards(torch.utils.data.IterableDataset):
                    "Blocks of rows of a site: values [block, width] and each row's document."

                    def __init__(self, paths, site, block=1024):
                        self.paths, self.site, self.block = list(paths), site, block

                    def __iter__(self):
                        worker = torch.utils.data.get_worker_info()
                        paths = self.paths if worker is None else self.paths[worker.id :: worker.num_workers]
                        for path in paths:
                            with h5py.File(path) as shard:
                                data, document = shard["activations"][self.site], shard["tokens/document"]
                                for start in range(0, data.shape[0], self.block):
                                    rows = slice(start, start + self.block)
                                    values = data[rows]
                                    if data.attrs["dtype"] == "bfloat16":
                                        values = torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
                                    elif data.attrs["dtype"] == "uint8":
                                        q = shard["quantization"][self.site]
                                        values = torch.from_numpy(q["offset"][:] + q["scale"][:] * values)
                                    else:
                                        values = torch.from_numpy(values)
                                    yield values.float(), torch.from_numpy(document[rows]).long()

                paths = {{SHARDS}}
                loader = torch.utils.data.DataLoader(Shards(paths, SITE), batch_size=None)
                seen = sum(len(values) for values, _ in loader)
                print("shard files:", len(paths), "| rows:", seen)
            """.filled(["SHARDS": shards])),
          .text(
            "torch-train-text",
            "A linear classifier of tokens, trained on the documents of three folds and judged on the fourth."),
          .code(
            "torch-train",
            """
            if torch is not None:
                torch.manual_seed(0)
                names = sorted(set(label) - {""})
                number = torch.tensor([names.index(name) if name else -1 for name in label])
                train_rows, test_rows = next(folds.split(X, y, group))
                index = means.index.to_numpy()[label[means.index] != ""]
                is_test = torch.zeros(len(label), dtype=torch.bool)
                is_test[torch.from_numpy(index[test_rows]).long()] = True
                width = f["activations"][SITE].shape[1]
                scale = 1 / max(float(X.std()), 1e-6)
                linear = torch.nn.Linear(width, len(names))
                optimizer = torch.optim.Adam(linear.parameters(), lr=1e-3)
                for epoch in range(3):
                    correct = total = 0
                    for values, document in loader:
                        target, test = number[document], is_test[document]
                        logits = linear(values * scale)
                        train = ~test & (target >= 0)
                        loss = torch.nn.functional.cross_entropy(logits[train], target[train])
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                        test &= target >= 0
                        correct += int((logits[test].argmax(1) == target[test]).sum())
                        total += int(test.sum())
                    print(f"epoch {epoch + 1}: loss {loss.item():.3f}, accuracy on tokens of other documents {correct / max(total, 1):.3f}")
            """),
          .text(
            "end",
            """
            ## From here

            - `unfold export tensors STORE -o activations.safetensors` (or `.npz`) writes the same rows for tools that do not read HDF5.
            - `unfold probe sweep STORE` does what the first half does at every layer, with controls.
            """),
        ])
  }
}

extension StoreFacts {
  var noLabels: Fault {
    Fault(
      .badData, "notebook.noLabels", "The store's documents have no labels, which this notebook needs",
      file: store.url.path, expected: "a column with at least two labels", found: "none",
      advice: "add labels with `unfold store label`, or capture a labelled corpus")
  }
}
