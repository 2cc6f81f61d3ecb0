import Diagnostics
import Dictionaries
import Foundation

extension Notebook {
  /// A dictionary's features.
  static func dictionary(_ dictionary: SparseAutoencoder, path: String, store: StoreFacts?) throws -> Notebook {
    let configuration = dictionary.configuration
    guard !dictionary.isCrosscoder, !configuration.normalization.isUndoneAtOutput else {
      throw Fault(
        .badData, "notebook.dictionary", "This kind of dictionary is not opened by a notebook",
        expected: "a dictionary of one site whose rows are not normalized one by one",
        found: dictionary.isCrosscoder ? "a crosscoder" : configuration.normalization.rawValue,
        advice: "read it with `unfold sae features`, or write its latents with `unfold sae encode`")
    }
    var cells: [Cell] = [
      .text(
        "title",
        """
        # A dictionary's features

        A sparse dictionary writes each activation as a sum of a few *features* (latents) out of many. This notebook opens one
        with NumPy, counts how often its features fire, and shows what some of them fire for.
        """),
      .text(
        "where",
        "## Where the files are\n\nPaths count from this notebook's folder. Change this one cell to read others."),
      .code("paths", "DICTIONARY = \(path.python)" + (store.map { "\nSTORE = \($0.path.python)" } ?? "")),
      .code("imports", TensorCells.importing + "\nfrom pathlib import Path"),
      .text("load-text", TensorCells.text),
      .code(
        "load",
        TensorCells.reading + """


          folder = Path(DICTIONARY)
          config = json.loads((folder / "cfg.json").read_text())
          weights, _ = load(next(path for path in [folder / "sae_weights.safetensors", folder / "sae.safetensors"] if path.exists()))
          if "encoder.weight" in weights:  # sparsify's names
              weights = {"W_enc": weights["encoder.weight"].T, "b_enc": weights["encoder.bias"], "W_dec": weights["W_dec"], "b_dec": weights["b_dec"]}
              config = {"architecture": "topk", "k": config["k"], "apply_b_dec_to_input": not config.get("transcode", False), **config}
          {name: values.shape for name, values in weights.items()}
          """),
      .text(
        "encode-text",
        """
        ## Encoding

        `encode` gives the features of rows: a product, a bias, and the rule of the dictionary's kind (TopK keeps the k largest,
        JumpReLU those above a threshold, gated ones have a gate of their own, the others cut at zero).
        """),
      .code(
        "encode",
        """
        def encode(x):
            if config.get("apply_b_dec_to_input"):
                x = x - weights["b_dec"]
            products = x @ weights["W_enc"]
            if config["architecture"].startswith("gated"):
                gate = products + weights["b_gate"] > 0
                return gate * np.maximum(products * np.exp(weights["r_mag"]) + weights["b_mag"], 0)
            products += weights["b_enc"]
            norms = np.linalg.norm(weights["W_dec"], axis=1) if config.get("rescale_acts_by_decoder_norm") else 1
            products *= norms
            if config["architecture"].startswith("topk"):
                least = np.partition(products, -config["k"], axis=1)[:, -config["k"], None]
                return np.where(products >= least, np.maximum(products, 0), 0)
            return np.where(products > weights.get("threshold", 0), np.maximum(products, 0), 0)


        def decode(z):
            norms = np.linalg.norm(weights["W_dec"], axis=1) if config.get("rescale_acts_by_decoder_norm") else 1
            return (z / norms) @ weights["W_dec"] + weights["b_dec"]
        """),
      .text(
        "directions-text",
        """
        ## Directions

        Each feature adds its row of `W_dec`. The nearest other direction of each feature says how spread out they are; for
        comparison, as many directions drawn at random.
        """),
      .code(
        "directions",
        """
        def nearest(directions):
            unit = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
            cosines = unit @ unit.T
            np.fill_diagonal(cosines, -1)
            return cosines.max(axis=1)


        chosen = np.random.default_rng(0).permutation(len(weights["W_dec"]))[:2000]
        drawn = np.random.default_rng(0).normal(size=weights["W_dec"][chosen].shape).astype(np.float32)
        bins = np.linspace(0, 1, 50)
        plt.hist(nearest(weights["W_dec"][chosen]), bins, alpha=0.7, label="features")
        plt.hist(nearest(drawn), bins, alpha=0.7, label="random directions")
        plt.xlabel("cosine with the nearest other direction")
        plt.legend()
        plt.tight_layout()
        """),
    ]
    if let store { cells += try reading(store, configuration) }
    cells.append(
      .text(
        "end",
        """
        ## When not to believe it

        - A feature's top texts are its extremes. What it does at small values can be something else: look at the weaker half too.
        - The best feature of a label is the best of thousands: some would look good by chance. `unfold sae features` judges it on
          documents that took no part in the choice.
        - Rebuilding well is not explaining well: `unfold sae evaluate` says what the model loses with the reconstruction in place.
        """))
    return Notebook(cells)
  }

  private static func reading(_ store: StoreFacts, _ configuration: SparseAutoencoder.Configuration) throws -> [Cell] {
    var cells: [Cell] = [
      .text(
        "store-text",
        """
        ## Features on a store

        The store's tokens, encoded in pieces; only what is not zero is kept: the row, the feature and its value.
        """),
      .code(
        "store",
        """
        f = h5py.File(STORE)
        """ + "\n" + StoreCells.tables
          + """

          SITE = {{SITE}}
          data = f["activations"][SITE]
          rows, latents, values = [], [], []
          lost = total = 0.0
          plain = np.flatnonzero(tokens["special"] == 0)[:100_000]
          for start in range(0, len(plain), 4096):
              some = plain[start:start + 4096]
              x = data[some[0]:some[-1] + 1][some - some[0]]
              if data.attrs["dtype"] == "bfloat16":
                  x = (x.astype(np.uint32) << 16).view(np.float32)
              if data.attrs["dtype"] == "uint8":
                  q = f["quantization"][SITE]
                  x = q["offset"][:] + q["scale"][:] * x
              x = x.astype(np.float32).reshape(len(x), -1)
              z = encode(x)
              {{MEASURE}}
              row, latent = np.nonzero(z)
              rows.append(some[row]); latents.append(latent); values.append(z[row, latent])
          active = pd.DataFrame({"row": np.concatenate(rows), "latent": np.concatenate(latents), "value": np.concatenate(values)})
          print(f"{len(plain)} tokens, {len(active) / len(plain):.1f} features active in each{{SHOWN}}")
          """.filled([
            "SITE": configuration.hookIn.python,
            "MEASURE": configuration.isTranscoder
              ? "pass"
              : "lost += ((x - decode(z)) ** 2).sum(); total += ((x - x.mean(axis=0)) ** 2).sum()",
            "SHOWN": configuration.isTranscoder ? "" : "; {1 - lost / total:.1%} of the variance is rebuilt",
          ])),
      .text(
        "density-text",
        """
        ## How often features fire

        A feature that never fires is dead; one that fires at every other token rarely means one thing.
        """),
      .code(
        "density",
        """
        density = active["latent"].value_counts().reindex(range(len(weights["W_dec"])), fill_value=0) / len(plain)
        print((density == 0).sum(), "of", len(density), "features never fire here;", (density > 0.1).sum(), "fire at more than a tenth of the tokens")
        plt.hist(np.log10(density[density > 0]), 50)
        plt.xlabel("log₁₀ of the share of tokens")
        plt.ylabel("features")
        plt.tight_layout()
        """),
    ]
    if let labels = store.labelValues {
      cells += [
        .text(
          "labels-text",
          """
          ## Features that know a label

          For each label the feature whose strongest value in a document tells the label best apart, by AUROC. Features are
          chosen on half of the documents and judged on the other half.
          """),
        .code(
          "labels",
          """
          label = {{LABELS}}
          document = tokens["document"].to_numpy()[active["row"]]
          peak = active.assign(document=document).groupby(["document", "latent"])["value"].max()
          table = peak.unstack(fill_value=0).reindex(range(len(label)), fill_value=0)
          half = np.random.default_rng(0).permutation(len(label)) < len(label) // 2


          def auroc(part, has):
              ranks = part.rank().to_numpy()
              n, m = has.sum(), (~has).sum()
              return (ranks[has].sum(axis=0) - n * (n + 1) / 2) / (n * m)


          found = []
          for name in sorted(set(label) - {""}):
              has = label == name
              best = table.columns[auroc(table[half], has[half]).argmax()]
              found.append((name, best, auroc(table.loc[~half, [best]], has[~half])[0], density[best]))
          best = pd.DataFrame(found, columns=["label", "feature", "AUROC, other half", "share of tokens"])
          best.sort_values("AUROC, other half", ascending=False).round(4)
          """.filled(["LABELS": labels])),
      ]
    }
    let choice =
      store.labelValues == nil
      ? "chosen = active.groupby(\"latent\")[\"value\"].max()[density.between(1e-4, 0.1)].nlargest(4).index"
      : "chosen = best.sort_values(\"AUROC, other half\", ascending=False)[\"feature\"].drop_duplicates().head(4)"
    cells += [
      .text(
        "examples-text",
        "## What they fire for\n\nThe strongest place of a feature in each of five documents; the token is in «»."),
      .code(
        "examples",
        StoreCells.context + """


          \(choice)
          shown = []
          for feature in chosen:
              places = active[active["latent"] == feature].assign(document=lambda a: tokens["document"].to_numpy()[a["row"]])
              strongest = places.sort_values("value", ascending=False).drop_duplicates("document").head(5)
              shown += [(feature, place.value, context(place.row)) for place in strongest.itertuples()]
          pd.DataFrame(shown, columns=["feature", "value", "text"])
          """),
      .text(
        "weak-text",
        "The same features where they fire weakly: five places drawn at random from the lower half of each feature's values."
      ),
      .code(
        "weak",
        """
        shown = []
        for feature in chosen:
            places = active[active["latent"] == feature]
            weak = places[places["value"] < places["value"].max() / 2]
            drawn = weak.sample(min(5, len(weak)), random_state=0)
            shown += [(feature, place.value, context(place.row)) for place in drawn.itertuples()]
        pd.DataFrame(shown, columns=["feature", "value", "text"])
        """),
    ]
    return cells
  }
}
