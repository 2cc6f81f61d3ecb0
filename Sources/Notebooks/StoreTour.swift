import Activations

extension Notebook {
  /// A tour of a store: what lies where, and how to look at it.
  static func tour(_ facts: StoreFacts) throws -> Notebook {
    let site = try facts.requireSite("a site with a row for each token") {
      $0.name.hasSuffix("mlp.hook_post") || !facts.hasNeurons
    }
    try facts.requireStatistics(of: site.name)
    var cells: [Cell] = [
      .text(
        "title",
        """
        # A tour of a store

        A store holds what a model computed while it read texts: for each token, the values at each *site* (a place inside the
        model). This notebook shows what lies where.
        """)
    ]
    cells += StoreCells.opening(facts)
    cells += [
      .text(
        "inside-text",
        """
        ## What is inside

        Each line is a dataset: its name, its shape and its type. Statistics have the same columns for every site, so only
        one site's are listed.
        """),
      .code(
        "inside",
        """
        rows = []
        first = next(iter(f["statistics"]))
        for group in f:
            for name in f[group]:
                item = f[group][name]
                if isinstance(item, h5py.Dataset):
                    rows.append((f"{group}/{name}", item.shape, item.dtype))
                elif name == first:
                    rows += [(f"{group}/{name}/{part}", data.shape, data.dtype) for part, data in item.items()]
        pd.DataFrame(rows, columns=["dataset", "shape", "type"])
        """),
      .text(
        "run-text",
        """
        ## How it was made

        The file says which model, which corpus and which settings made it.
        """),
      .code(
        "run",
        """
        run = json.loads(f.attrs["run"])
        pd.Series({**run["settings"], "model": run["origin"]["model"], "corpus": ", ".join(run["origin"]["corpus"])}).sort_index()
        """),
      .text(
        "tables-text",
        """
        ## Tokens and documents

        `tokens` has a row for each token: its number in the vocabulary, its place in its document, and where it stands in the
        document's text. `special` is 1 for a token that the tokenizer added (such as the begin token). `documents` has a row for
        each document.
        """),
      .code("tables", StoreCells.tables + "\ntokens.head()"),
      .code("documents", "documents.drop(columns=\"text\").head()"),
      .text("text-text", "`start` and `end` cut a token's characters out of its document's text."),
      .code(
        "text",
        """
        some = tokens[(tokens["document"] == 0) & (tokens["special"] == 0)].head(12)
        [documents["text"][0][a:b] for a, b in zip(some["start"], some["end"])]
        """),
      .text(
        "values-text",
        """
        ## Values

        The row number is the same in `tokens` and in every site, so what a model computed at a token is one look-up. Here the
        norm of the values at each stored site, over the first 2,000 tokens of the text.
        """),
      .code(
        "values",
        """
        plain = np.flatnonzero(tokens["special"][:2000] == 0)
        sites = [name for name in f["activations"] if len(f["activations"][name].shape) == 2 and name not in f.get("rows", [])]
        norms = {name: np.linalg.norm(read(name, slice(0, 2000))[plain], axis=1) for name in sites}
        plt.boxplot(list(norms.values()), showfliers=False, vert=False)
        plt.yticks(range(1, len(sites) + 1), [name.replace("blocks.", "").replace("hook_", "") for name in sites])
        plt.xlabel("norm of a token's values")
        plt.tight_layout()
        """),
      .text(
        "statistics-text",
        """
        ## Statistics

        While it read, Unfold kept moments, a histogram and the strongest places of each column of a site. Columns with a high
        kurtosis are near zero almost always and large now and then: those are worth a look.
        """),
      .code(
        "statistics",
        """
        SITE = {{SITE}}
        group = f["statistics"][SITE]
        names = ["mean", "variance", "skewness", "kurtosis", "minimum", "maximum", "firing"]
        statistics = pd.DataFrame({name: group[name][:] for name in names})
        statistics.sort_values("kurtosis", ascending=False).head()
        """.filled(["SITE": site.name.python])),
      .code(
        "histogram",
        """
        column = int(statistics["kurtosis"].idxmax())
        edges, counts = group["histogram_edges"][:], group["histogram"][column]
        plt.stairs(counts, edges, fill=True)
        used = np.flatnonzero(counts)
        plt.xlim(edges[used[0]], edges[used[-1] + 1])
        plt.yscale("symlog")
        plt.xlabel(f"value of column {column}")
        plt.ylabel("tokens")
        plt.tight_layout()
        """),
      .text(
        "top-text",
        """
        ## Where a column is strongest

        `top_value`, `top_row` and `top_document` hold the strongest places, at most one a document. A row number leads back to
        the text; the token is in «».
        """),
      .code(
        "top",
        StoreCells.context + """


          places = [row for row in group["top_row"][column] if row >= 0][:8]
          pd.DataFrame({"value": group["top_value"][column][:len(places)], "text": [context(int(row)) for row in places]})
          """),
    ]
    cells += domains(facts)
    cells.append(
      .text(
        "end",
        """
        ## From here

        - `unfold notebook STORE --topic neurons` writes a notebook about neurons that mean several things.
        - `unfold notebook STORE --topic training` takes the rows to scikit-learn and PyTorch.
        - A large store is read in pieces: `f["activations"][site][a:b]` reads only these rows.
        """))
    return Notebook(cells)
  }

  private static func domains(_ facts: StoreFacts) -> [Cell] {
    guard let labels = facts.labelValues else {
      return [
        .text(
          "domain-text",
          "The documents of this store have no labels. `unfold store label` adds some; then a column can be compared between them."
        )
      ]
    }
    return [
      .text(
        "domain-text",
        """
        ## A column by domain

        The documents have labels. Three lines give a column's values by label: its values, the label of each token's document,
        and the frame.
        """),
      .code(
        "domain",
        """
        domain = {{LABELS}}[f["tokens/document"][:]]
        by_token = pd.DataFrame({"value": read(SITE)[:, column], "domain": domain})[tokens["special"] == 0]
        by_domain = by_token.groupby("domain")["value"].agg(["mean", "max", "count"])
        by_domain.sort_values("mean", ascending=False)
        """.filled(["LABELS": labels])),
      .code(
        "domain-figure",
        """
        by_domain.sort_values("mean")["mean"].plot.barh(figsize=(7, 0.28 * len(by_domain) + 0.8))
        plt.xlabel(f"mean value of column {column}")
        plt.ylabel("")
        plt.tight_layout()
        """),
    ]
  }
}

extension StoreFacts {
  var hasNeurons: Bool { store.sites.contains { $0.name.hasSuffix("mlp.hook_post") && !$0.isRouted } }
}
