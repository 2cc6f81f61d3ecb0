import Activations
import Probes

extension Notebook {
  /// A probe, and when not to believe it.
  static func probe(_ probe: Probe, path: String, store: StoreFacts?) -> Notebook {
    let concept = probe.record.classes.last ?? "the concept"
    var cells: [Cell] = [
      .text(
        "title",
        """
        # A probe, and when not to believe it

        A probe is a linear classifier of a model's inner values. A high score is easy to get and easy to misread. This notebook
        shows what the score is worth: its interval, what simpler things reach, and where the direction points.
        """),
      .text(
        "where",
        """
        ## Where the files are

        Paths count from this notebook's folder. A probe is one safetensors file; its record (scores, controls, settings) is
        JSON in the file's header.
        """),
      .code("paths", "PROBE = \(path.python)" + (store.map { "\nSTORE = \($0.path.python)" } ?? "")),
      .code("imports", TensorCells.importing),
      .text("load-text", TensorCells.text),
      .code(
        "load",
        TensorCells.reading + """


          tensors, metadata = load(PROBE)
          record = json.loads(metadata["probe"])
          print("classes:", " / ".join(record["classes"]), "| site:", record["site"]["name"], "| model:", record["origin"]["model"])
          print(record["trainingExamples"], "examples learnt from;", record["evaluation"]["examples"], "held back, of",
                record["evaluation"]["groups"], "other groups")
          """),
      .text(
        "scores-text",
        """
        ## The scores and their intervals

        The score is measured on groups of documents that the probe never saw. The interval says how far it could have come out
        otherwise, had other groups been drawn. A score of 1.0 with an interval from 0.2 says little: too few examples were
        held back. `majority` is what always naming the commoner class gives.
        """),
      .code(
        "scores",
        """
        evaluation = record["evaluation"]
        intervals = evaluation.get("intervals") or {}
        scores = pd.DataFrame([
            {"score": name, "value": value, "low": (intervals.get(name) or {}).get("low"),
             "high": (intervals.get(name) or {}).get("high"), "majority": evaluation["majority"].get(name)}
            for name, value in evaluation["scores"].items() if value is not None
        ]).set_index("score")
        scores.astype(float).round(3)
        """),
      .code(
        "confusion",
        """
        pd.DataFrame(evaluation["confusion"], index=[f"is {name}" for name in record["classes"]],
                     columns=[f"said {name}" for name in record["classes"]])
        """),
      .text("warnings-text", "What Unfold warned of when the probe was trained:"),
      .code(
        "warnings",
        """
        for warning in record.get("warnings") or [{"message": "nothing"}]:
            print("-", warning["message"])
        """),
      .text(
        "controls-text",
        """
        ## What simpler things reach

        Each control went through the same procedure on the same examples. `difference` is the probe's score minus the
        control's, with its interval. Where the interval holds 0, nothing shows that the probe is better:

        - *words alone*: the same classifier on which words occur, without any model;
        - *embeddings alone*: on the token embeddings, before any layer;
        - *random weights*: on the same site of a model that never learnt anything;
        - *random directions*: the best single cut along directions drawn at random;
        - *shuffled labels*: labels that mean nothing.
        """),
      .code(
        "controls",
        """
        results = (record.get("controls") or {}).get("results", [])
        controls = pd.DataFrame([
            {"control": r["title"], "measure": r["measure"], "probe": r.get("reference"), "score": r.get("score"),
             "difference": (r.get("difference") or {}).get("value"),
             "low": ((r.get("difference") or {}).get("interval") or {}).get("low"),
             "high": ((r.get("difference") or {}).get("interval") or {}).get("high"),
             "p": r.get("pValue"), "note": r.get("notRun", "")}
            for r in results
        ])
        numbers = ["probe", "score", "difference", "low", "high", "p"]
        if len(controls):
            controls[numbers] = controls[numbers].astype(float).round(3)
        controls.fillna("") if len(controls) else print("No controls were run: train the probe with its usual controls.")
        """),
      .code(
        "controls-figure",
        """
        if len(controls):
            shown = controls.dropna(subset=["difference"]).iloc[::-1]
            y = range(len(shown))
            plt.hlines(y, shown["low"].astype(float), shown["high"].astype(float), color="tab:blue")
            plt.plot(shown["difference"].astype(float), y, "o", color="tab:blue")
            plt.axvline(0, color="gray", linestyle=":")
            plt.yticks(y, shown["control"])
            plt.xlabel("probe − control, with its interval; right of the dotted line the probe is better")
            plt.tight_layout()
        """),
      .code(
        "verdict",
        """
        for row in (controls.dropna(subset=["difference"]) if len(controls) else controls).itertuples():
            beyond = row.low > 0
            print(f"{row.control}: the probe is {'better' if beyond else 'not shown to be better'} "
                  f"({row.difference:+.2f}, {row.low:+.2f} to {row.high:+.2f})")
        """),
      .text(
        "direction-text",
        """
        ## The direction

        `weight` is in the site's own units: a row's score is `weight · row + bias`. Few large weights mean that the concept lies
        along a few columns; many small ones that it is spread out.
        """),
      .code(
        "direction",
        """
        weight, bias = tensors["weight"], tensors["bias"]
        share = np.sort(np.abs(weight[-1] * tensors["scale"]))[::-1]
        plt.plot(np.arange(1, len(share) + 1), np.cumsum(share) / share.sum())
        plt.xscale("log")
        plt.xlabel("columns, largest first")
        plt.ylabel("share of all weight")
        plt.ylim(0, 1.02)
        plt.tight_layout()
        """),
    ]
    if let store { cells += applying(store, site: probe.record.site.name, concept: concept) }
    cells.append(
      .text(
        "end",
        """
        ## When not to believe it

        - The interval is wide: hold back more groups (`--test-share`), or judge by cross-validation (`--outer-folds 5`).
        - Words alone are as good: the text gives the answer away, and the probe need not have found anything in the model.
        - Embeddings or random weights are as good: what is found is in the input, not in what the model made of it.
        - All examples are of one kind: a probe of *questions* against poems and code may have found *short sentences*.
          Test it on texts that differ in the concept alone.
        - A probe says that something can be read off, not that the model uses it: `unfold steer` and `unfold ablate` ask that.
        """))
    return Notebook(cells)
  }

  private static func applying(_ store: StoreFacts, site: String, concept: String) -> [Cell] {
    [
      .text(
        "apply-text",
        """
        ## The probe on each token

        The same direction on the tokens of a store. The probe learnt from means over documents; a token's score shows which
        tokens pull the mean up. Most documents below were learnt from, so this illustrates and proves nothing.
        """),
      .code(
        "apply",
        """
        f = h5py.File(STORE)
        data = f["activations"][{{SITE}}]
        values = data[:]
        if data.attrs["dtype"] == "bfloat16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        if data.attrs["dtype"] == "uint8":
            q = f["quantization"][{{SITE}}]
            values = q["offset"][:] + q["scale"][:] * values
        score = values.astype(np.float32).reshape(len(values), -1) @ weight[-1] + bias[-1]
        tokens = pd.DataFrame({name: f["tokens"][name][:] for name in f["tokens"]}).assign(score=score)
        plain = tokens[tokens["special"] == 0]
        by_document = plain.groupby("document")["score"].mean()
        """.filled(["SITE": site.python])),
      store.labelValues.map { labels in
        .code(
          "apply-labels",
          """
          label = {{LABELS}}[by_document.index]
          order = by_document.groupby(label).median().sort_values().index
          plt.figure(figsize=(7, 0.28 * len(order) + 0.8))
          plt.boxplot([by_document[label == name] for name in order], vert=False, showfliers=False)
          plt.yticks(range(1, len(order) + 1), order)
          plt.axvline(0, color="gray", linestyle=":")
          plt.xlabel("mean score of a document; right of the dotted line: " + {{CONCEPT}})
          plt.tight_layout()
          """.filled(["LABELS": labels, "CONCEPT": concept.python]))
      } ?? .code("apply-labels", "by_document.describe()"),
      .text("tokens-text", "The document with the highest score, token by token:"),
      .code(
        "tokens",
        """
        document = by_document.idxmax()
        text = f["documents/text"].asstr()[document]
        some = plain[plain["document"] == document].head(40)
        plt.figure(figsize=(9, 3))
        plt.bar(range(len(some)), some["score"], color=np.where(some["score"] > 0, "tab:blue", "lightgray"))
        plt.xticks(range(len(some)), [text[a:b].strip() or "␣" for a, b in zip(some["start"], some["end"])], rotation=90)
        plt.ylabel("score")
        plt.tight_layout()
        """),
    ]
  }
}
