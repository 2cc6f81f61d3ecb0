import Activations

extension Notebook {
  /// Neurons that mean several things.
  static func neurons(_ facts: StoreFacts) throws -> Notebook {
    let site = try facts.requireSite("the neurons of a layer, such as blocks.2.mlp.hook_post") {
      $0.name.hasSuffix("mlp.hook_post")
    }
    guard let labels = facts.labelValues else { throw facts.noLabels }
    return Notebook(
      [
        .text(
          "title",
          """
          # Neurons that mean several things

          A neuron is *polysemantic* where it is strong for things that have nothing to do with each other. This notebook looks
          for such neurons in one layer, shows what they fire for, and asks how many would be found by chance.
          """)
      ] + StoreCells.opening(facts) + [
        .code("tables", StoreCells.tables),
        .text(
          "maxima-text",
          """
          ## One value for each document and neuron

          Documents are compared by their strongest token. `reduceat` takes the maximum over each document's rows; the begin
          token is left out, since its values are often extreme and say nothing about the text.
          """),
        .code(
          "maxima",
          """
          SITE = {{SITE}}
          label = {{LABELS}}
          values = read(SITE)
          values[tokens["special"] == 1] = -np.inf
          has_tokens = (documents["token_count"] > 1) & (label != "")
          maxima = np.maximum.reduceat(values, documents["first_token"][has_tokens].to_numpy())
          label = label[has_tokens]
          labels, number = np.unique(label, return_inverse=True)
          print(maxima.shape[0], "documents,", maxima.shape[1], "neurons,", len(labels), "labels")
          """.filled(["SITE": site.name.python, "LABELS": labels])),
        .text(
          "auroc-text",
          """
          ## How well each neuron tells each label apart

          The AUROC is the chance that a document with the label has a higher value than one without: 1 is perfect, 0.5 is
          nothing. It follows from ranks, so all neurons are done at once.
          """),
        .code(
          "auroc",
          """
          def aurocs(number):
              ranks = pd.DataFrame(maxima).rank().to_numpy()
              result = np.empty((maxima.shape[1], len(labels)))
              for k in range(len(labels)):
                  has = number == k
                  n, m = has.sum(), (~has).sum()
                  result[:, k] = (ranks[has].sum(axis=0) - n * (n + 1) / 2) / (n * m)
              return result


          scores = aurocs(number)
          pd.DataFrame(scores, columns=labels).describe().loc[["mean", "max"]].T.sort_values("max", ascending=False)
          """),
        .text(
          "several-text",
          """
          ## Labels of each neuron

          A neuron *knows* a label here where its AUROC is at least 0.9. Neurons that know two or more are candidates. The count is
          not yet a finding: related labels (two languages, say) are one meaning.
          """),
        .code(
          "several",
          """
          knows = scores >= 0.9
          counts = pd.Series(knows.sum(axis=1)).value_counts().sort_index().rename_axis("labels known").rename("neurons")
          counts.to_frame().T
          """),
        .text(
          "chance-text",
          """
          ## What chance gives

          The same count where the labels are shuffled between documents, five times. What shuffled labels reach needs no
          explanation by meaning.
          """),
        .code(
          "chance",
          """
          generator = np.random.default_rng(0)
          by_chance = [int(((aurocs(generator.permutation(number)) >= 0.9).sum(axis=1) >= 2).sum()) for _ in range(5)]
          print("neurons that know two labels or more:", int((knows.sum(axis=1) >= 2).sum()), "| with shuffled labels:", by_chance)
          """),
        .text(
          "neuron-text",
          """
          ## One neuron

          The neuron that tells its second-best label apart best, among those that

          - know few labels (one that knows many may just be strong for long texts);
          - have two best labels that are not alike: over all neurons, the AUROCs of like labels rise and fall together;
          - are strongest at different tokens in the two, or both would be one meaning: that token.
          """),
        .code(
          "neuron",
          StoreCells.context
            + """


            first, length, names = documents["first_token"].to_numpy(), documents["token_count"].to_numpy(), {{LABELS}}
            alike = np.corrcoef(scores.T)
            two = np.argsort(-scores, axis=1)[:, :2]
            known = knows.sum(axis=1)


            def strongest(neuron, name):
                return np.array([a + values[a:a + n, neuron].argmax() for a, n, l in zip(first, length, names) if l == name and n > 1])


            def shared(neuron):
                "The share of the strongest places of the two best labels at tokens that both have."
                a, b = (tokens["id"].to_numpy()[strongest(neuron, labels[k])] for k in two[neuron])
                return (np.isin(a, b).mean() + np.isin(b, a).mean()) / 2


            few = np.flatnonzero((known >= 2) & (known <= 4) & (alike[two[:, 0], two[:, 1]] < 0.1))
            few = few if len(few) else np.arange(len(scores))
            few = few[np.argsort(-np.sort(scores[few], axis=1)[:, -2])][:50]
            overlap = np.array([shared(n) for n in few])
            neuron = int(few[overlap <= max(0.1, overlap.min())][0])
            best = labels[np.argsort(-scores[neuron])[:4]]
            print("neuron", neuron, "|", ", ".join(f"{name} {scores[neuron][labels == name][0]:.3f}" for name in best),
                  f"| {shared(neuron):.0%} of its strongest places are at tokens that the first two share")
            """.filled(["LABELS": labels])),
        .code(
          "figure",
          """
          order = pd.Series(maxima[:, neuron]).groupby(label).median().sort_values().index
          plt.figure(figsize=(7, 0.28 * len(order) + 0.8))
          plt.boxplot([maxima[label == name, neuron] for name in order], vert=False, showfliers=False)
          plt.yticks(range(1, len(order) + 1), order)
          plt.xlabel(f"strongest value of neuron {neuron} in a document")
          plt.tight_layout()
          """),
        .text("examples-text", "Its strongest places in its best labels; the token is in «»."),
        .code(
          "examples",
          """
          rows = []
          for name in best[:2]:
              places = strongest(neuron, name)
              places = places[np.argsort(-values[places, neuron])][:5]
              rows += [(name, values[place, neuron], context(int(place))) for place in places]
          pd.DataFrame(rows, columns=["label", "value", "text"])
          """),
        .text(
          "doubt-text",
          """
          ## When not to believe it

          - The labels are the corpus's, not the model's: two labels can be one thing to the model.
          - A neuron can fire for one *token* that both labels contain. Look at the tokens in «»: if they are the same, that is
            one meaning.
          - `unfold neurons rank STORE` takes this further: it groups related labels, compares with random directions of the
            layer, and says what is left when single tokens are taken out.
          """),
      ])
  }
}
