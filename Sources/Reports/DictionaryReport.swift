import Dictionaries
import Foundation
import LinearAlgebra
import Probes

extension DictionaryEvaluation {
  /// All figures for people.
  public func report(_ style: TerminalStyle) -> String {
    var lines = [
      style.bold("\(architecture) of \(Format.count(latents)) latents") + (k.map { ", k = \($0)" } ?? "")
        + ", \(site)" + (target == site ? "" : " → \(target)") + ", judged on \(Format.count(rows)) rows of "
        + "\(Format.count(documents)) documents"
    ]
    var table = TextTable([.left("measure"), .right("value"), .left("95 %"), .left("")])
    func row(_ name: String, _ value: String, _ note: String = "", _ interval: Interval? = nil, digits: Int = 4) {
      table.append([
        name, value,
        interval.map { "\(Format.fixed($0.low, digits)) … \(Format.fixed($0.high, digits))" } ?? "", note,
      ])
    }
    row("L0", Format.fixed(l0, 2), "active latents of a row", intervals?.l0, digits: 2)
    row(
      "explained variance", Format.fixed(explainedVariance, 4), "one global mean, ratio of sums",
      intervals?.fvu.map { Interval(low: 1 - $0.high, high: 1 - $0.low) })
    row("FVU", Format.fixed(fvu, 4), "fraction of variance unexplained", intervals?.fvu)
    row("cosine", Format.fixed(cosine, 4), "of activation and reconstruction")
    row("norm ratio", Format.fixed(normRatio, 4), "‖reconstruction‖ / ‖activation‖")
    row("dead latents", Format.count(deadLatents), Format.percent(Double(deadLatents) / Double(max(latents, 1))))
    row("always on", Format.count(alwaysOnLatents), "active in more than half of the rows")
    row("nearest direction", Format.fixed(meanNearestCosine, 3), "mean of each latent's largest decoder cosine")
    row("near duplicates", Format.count(nearDuplicates), "directions with a cosine above 0.9 to another")
    lines.append(table.rendered(style))
    if let crosscoder { lines += ["", crosscoder.report(style)] }
    if let splice { lines += ["", splice.report(style)] }
    if let line = density.line { lines.append(line) }
    if !probing.isEmpty {
      lines += ["", style.bold("k-sparse probing (accuracy on held-out documents)"), probingTable(style)]
    }
    if let absorption { lines += ["", absorption.report(style)] }
    return lines.joined(separator: "\n")
  }

  private func probingTable(_ style: TerminalStyle) -> String {
    guard let first = probing.first else { return "" }
    let columns = first.scores.map { "\($0.basis == "latents" ? "latents" : $0.basis.lastPart) k=\($0.k)" }
    var table = TextTable([.left("concept"), .left("data set")] + columns.map { .right($0) })
    for probe in probing {
      table.append([probe.concept, probe.dataset] + probe.scores.map { Format.fixed($0.accuracy) })
    }
    if probing.count > 1 {
      let means = first.scores.indices.map { place in
        let values = probing.compactMap { $0.scores.indices.contains(place) ? $0.scores[place].accuracy : nil }
        return Format.fixed(values.reduce(0, +) / Double(max(values.count, 1)))
      }
      table.append(["mean", "\(probing.count) concepts"] + means)
    }
    return table.rendered(style)
  }
}

extension SpliceMeasures {
  /// What the model loses, with intervals over documents.
  fileprivate func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .left("model"), .right("cross-entropy"), .left("95 %"), .right("KL"), .left("95 %"),
    ])
    func cells(_ value: Double, _ interval: Interval?) -> [String] {
      [
        Format.fixed(value, 4),
        interval.map { "\(Format.fixed($0.low, 4)) … \(Format.fixed($0.high, 4))" } ?? "",
      ]
    }
    func row(_ name: String, _ run: Run, _ intervals: Intervals.Run?) {
      table.append([name] + cells(run.loss, intervals?.loss) + cells(run.divergence, intervals?.divergence))
    }
    table.append(["as it is"] + cells(cleanLoss, intervals?.cleanLoss) + ["", ""])
    row("dictionary spliced in", spliced, intervals?.spliced)
    row("mean in its place", mean, intervals?.mean)
    row("zeros in its place", zero, intervals?.zero)
    table.append(
      ["recovered against the mean"] + cells(lossRecoveredFromMean, intervals?.lossRecoveredFromMean)
        + cells(divergenceRecoveredFromMean, intervals?.divergenceRecoveredFromMean))
    table.append(
      ["recovered against zeros"] + cells(lossRecoveredFromZero, intervals?.lossRecoveredFromZero)
        + cells(divergenceRecoveredFromZero, intervals?.divergenceRecoveredFromZero))
    return style.bold(
      "spliced into \(Format.count(tokens)) tokens of \(Format.count(documents)) documents, nats a token over "
        + "\(Format.count(predictions)) predictions") + "\n" + table.rendered(style)
  }
}

extension String {
  /// The last part of a hook's name, with the layer: `3.hook_resid_post`.
  var lastPart: String {
    let parts = split(separator: ".")
    return parts.count > 2 && parts[0] == "blocks" ? "\(parts[1]).\(parts[parts.count - 1])" : self
  }
}

extension DictionaryEvaluation.DensityHistogram {
  /// The occupied bins as a line of bars on a logarithmic scale.
  fileprivate var line: String? {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }) else {
      return nil
    }
    let bars = TerminalChart.sparkline(counts[first...last].map { log1p(Double($0)) }, lower: 0)
    return "density (log)  10^\(Format.fixed(edges[first], 1)) \(bars) 10^\(Format.fixed(edges[last + 1], 1))"
  }
}

extension FeatureAbsorption {
  /// The letters and their means.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .left("letter"), .right("words"), .right("probe F1"), .right("latents"), .right("their F1"),
      .right("absorption"), .right("full"),
    ])
    for letter in letters {
      table.append([
        letter.letter, "\(letter.words)", Format.fixed(letter.probeF1, 2), "\(letter.mainLatents.count)",
        Format.fixed(letter.mainF1, 2), letter.absorption.map { Format.fixed($0, 2) } ?? "–",
        letter.fullAbsorption.map { Format.fixed($0, 2) } ?? "–",
      ])
    }
    return style.bold("feature absorption, first letters of \(Format.count(words)) words") + "\n"
      + table.rendered(style)
      + "\nmean over letters whose probe reaches an F1 of 0.6 (– where it does not): absorption "
      + "\(Format.fixed(meanAbsorption)), full \(Format.fixed(meanFullAbsorption)), "
      + "\(Format.fixed(meanMainLatents, 1)) main latents"
  }
}

extension LatentExample {
  /// The text around the token on one line, the token marked.
  public func line(_ style: TerminalStyle, width: Int = 84) -> String {
    let token = self.token.onOneLine
    let room = max(8, width - token.displayWidth)
    let left = String(before.onOneLine.suffix(room * 2 / 3))
    let right = after.onOneLine.truncated(toDisplayWidth: max(4, room - left.displayWidth))
    return left + (style.isColored ? style.bold(style.shaded(token, intensity: 0.7)) : "[\(token)]") + right
  }
}

extension LatentFeature {
  /// All that is known of the latent.
  public func report(_ style: TerminalStyle, neuronSite: String? = nil) -> String {
    var title = style.bold("latent \(latent)")
    if let concept = concepts.first {
      title +=
        "  " + style.cyan(concept.concept) + "  (AUROC \(Format.fixed(concept.heldOutAUROC, 2)), precision "
        + "\(Format.fixed(concept.precision, 2)), recall \(Format.fixed(concept.recall, 2)) on held-out documents)"
    }
    var lines = [
      title,
      "active in \(Format.percent(density)) of rows, mean \(Format.fixed(mean, 2)), at most "
        + Format.fixed(Double(largest), 2),
    ]
    for example in examples {
      let value = Format.fixed(Double(example.value), 2)
      lines.append(
        String(repeating: " ", count: max(0, 7 - value.count)) + value + "  "
          + style.dim(
            (example.label ?? example.document).truncated(toDisplayWidth: 12)
              .padding(toLength: 12, withPad: " ", startingAt: 0)) + "  " + example.line(style))
    }
    func tokens(_ name: String, _ list: [TokenEffect]) {
      guard !list.isEmpty else { return }
      let text = list.map { "\"\($0.text.onOneLine)\" \(Format.fixed(Double($0.effect), 2))" }
      lines.append(style.bold(name) + "  " + text.joined(separator: "  "))
    }
    tokens("promotes", promoted)
    tokens("suppresses", suppressed)
    func related(_ name: String, _ list: [Related]) {
      guard !list.isEmpty else { return }
      let text = list.prefix(5).map { "\($0.index) (\(Format.fixed(Double($0.value), 2)))" }
      lines.append(style.bold(name) + "  " + text.joined(separator: "  "))
    }
    if let sites {
      let text = sites.map { "\($0.site.lastPart) \(Format.percent(Double($0.share)))" }
      lines.append(style.bold("lives at") + "  " + text.joined(separator: "  "))
    }
    related("largest coordinates", aligned)
    related("correlated neurons", correlated)
    related("nearest latents", nearest)
    return lines.joined(separator: "\n")
  }
}

extension DictionaryFeatures {
  public func report(_ style: TerminalStyle) -> String {
    let head =
      "\(Format.count(latents)) latents at \(site) over \(Format.count(rows)) rows: L0 \(Format.fixed(l0, 1)), "
      + "\(Format.count(deadLatents)) never active"
    return ([head] + features.map { $0.report(style, neuronSite: neuronSite) }).joined(separator: "\n\n")
  }
}

extension [ConceptLatent] {
  /// Latents and what they separate.
  public func table() -> TextTable {
    var table = TextTable([
      .left("concept"), .left("data set"), .right("latent"), .right("AUROC"), .right("held out"),
      .right("precision"), .right("recall"),
    ])
    for row in self {
      table.append([
        row.concept, row.dataset ?? "the corpus", "\(row.latent)", Format.fixed(row.auroc),
        Format.fixed(row.heldOutAUROC), Format.fixed(row.precision), Format.fixed(row.recall),
      ])
    }
    return table
  }
}

extension TextLatents {
  public func report(_ style: TerminalStyle) -> String {
    func name(_ latent: Int, _ value: Float) -> String { "\(latent) (\(Format.fixed(Double(value), 2)))" }
    var byToken = TextTable([.left("token"), .right("active"), .text("strongest latents")])
    for token in tokens where token.active > 0 {
      byToken.append([
        token.text, "\(token.active)", token.latents.map { name($0.index, $0.value) }.joined(separator: "  "),
      ])
    }
    var all = TextTable([.right("latent"), .right("tokens"), .right("largest"), .left("at")])
    for peak in overall {
      all.append([
        "\(peak.latent)", "\(peak.tokens)", Format.fixed(Double(peak.value), 2),
        tokens.indices.contains(peak.token) ? tokens[peak.token].text : "",
      ])
    }
    return byToken.rendered(style) + "\n\n" + style.bold("over the whole text") + "\n" + all.rendered(style)
  }
}

extension NeuronUnfolding {
  /// The latents, one a label, beside what the neuron makes of each label.
  public func table() -> TextTable {
    var table = TextTable([
      .left("feature"), .right("latent"), .right("precision"), .right("recall"), .right("AUROC"),
      .right("neuron's AUROC"), .right("r with neuron"), .text("fires at"),
    ])
    for (place, concept) in concepts.enumerated() {
      table.append([
        concept.concept, "\(concept.latent)", Format.fixed(concept.precision, 2), Format.fixed(concept.recall, 2),
        Format.fixed(concept.heldOutAUROC, 2),
        meanings.first { $0.concept == concept.concept }.map { Format.fixed($0.auroc, 2) } ?? "–",
        Format.fixed(Double(correlations[place]), 2), tokens(of: concept.latent),
      ])
    }
    return table
  }

  /// The first few different tokens that a latent fires at.
  private func tokens(of latent: Int) -> String {
    var seen = Set<String>()
    return (features.first { $0.latent == latent }?.examples ?? [])
      .map { $0.token.trimmingCharacters(in: .whitespacesAndNewlines) }
      .filter { !$0.isEmpty && seen.insert($0).inserted }.prefix(5).joined(separator: " ")
  }

  /// For each of the neuron's labels the latents that carry it there.
  public func partsTable() -> TextTable {
    var table = TextTable([
      .left("neuron's documents"), .right("carried"), .right("latent"), .left("separates"), .right("precision"),
      .right("recall"), .right("AUROC"), .text("fires at"),
    ])
    var last = ""
    for part in parts {
      table.append([
        part.meaning == last ? "" : part.meaning, Format.percent(part.share), "\(part.latent.latent)",
        part.latent.concept, Format.fixed(part.latent.precision, 2), Format.fixed(part.latent.recall, 2),
        Format.fixed(part.latent.heldOutAUROC, 2), tokens(of: part.latent.latent),
      ])
      last = part.meaning
    }
    return table
  }

  public func report(_ style: TerminalStyle, examples count: Int = 1) -> String {
    let mixed = meanings.filter { $0.topShare >= 0.1 }.prefix(4)
      .map { "\($0.concept) \(Format.percent($0.topShare))" }.joined(separator: ", ")
    var lines = [
      style.bold("neuron \(neuron) of \(site)") + ": its top documents are \(mixed)", "",
    ]
    if !parts.isEmpty {
      lines += [
        style.bold("unfolded: the latents that carry the neuron's activation at its highest token of these documents"),
        partsTable().rendered(style), "",
      ]
    }
    lines += [
      style.bold("\(concepts.count) features of the dictionary, each named by the label that it separates best"),
      table().rendered(style), "",
    ]
    for concept in concepts {
      guard let feature = features.first(where: { $0.latent == concept.latent }) else { continue }
      for example in feature.examples.prefix(count) {
        let name = "\(concept.concept) \(concept.latent)".truncated(toDisplayWidth: 20)
        let space = String(repeating: " ", count: max(0, 20 - name.displayWidth))
        lines.append(style.dim(name) + space + "  " + example.line(style, width: 72))
      }
    }
    return lines.joined(separator: "\n")
  }
}
