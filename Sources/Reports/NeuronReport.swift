import Foundation
import Neurons

extension NeuronExample {
  /// The tokens around the place, each on a background as strong as the neuron's activation there, the marked one
  /// between brackets where there is no colour.
  public func line(_ style: TerminalStyle, scale: Float) -> String {
    tokens.enumerated().map { position, token in
      let text = token.text.onOneLine
      guard style.isColored else { return position == marked ? "[\(text)]" : text }
      let value = position == marked ? self.value : token.value ?? 0
      let shaded = style.shaded(text, intensity: Double(value / max(abs(scale), 1e-9)))
      return position == marked ? style.bold(shaded) : shaded
    }
    .joined()
  }
}

extension NeuronExamples {
  /// The top examples, strongest first; for gated neurons the most negative ones too.
  public func report(_ style: TerminalStyle, count: Int = 10) -> String {
    var lines: [String] = []
    let scale = max(abs(top.first?.value ?? 0), abs(bottom.first?.value ?? 0))
    func list(_ title: String, _ examples: [NeuronExample]) {
      guard !examples.isEmpty else { return }
      lines.append(style.bold(title))
      for example in examples.prefix(count) {
        let value = Format.fixed(Double(example.value), 2)
        let name = (example.label ?? example.document).truncated(toDisplayWidth: 14)
        let padding = String(repeating: " ", count: max(0, 7 - value.count))
        let space = String(repeating: " ", count: 14 - name.displayWidth)
        lines.append("\(padding)\(value)  \(style.dim(name))\(space)  \(example.line(style, scale: scale))")
      }
    }
    list("top examples", top)
    list("most negative examples", bottom)
    return lines.joined(separator: "\n")
  }
}

extension NeuronCard {
  /// The whole card: how the neuron is distributed, where it fires, what it writes.
  public func report(_ style: TerminalStyle, count: Int = 10) -> String {
    var lines = [style.bold("neuron \(neuron)") + "  \(neuron.site), column \(neuron.index)"]
    if let statistics {
      lines.append(
        "fires on \(Format.percent(statistics.firing)) of \(Format.count(statistics.count)) tokens; mean "
          + "\(Format.fixed(statistics.mean)), standard deviation \(Format.fixed(statistics.standardDeviation)), from "
          + "\(Format.fixed(Double(statistics.minimum))) to \(Format.fixed(Double(statistics.maximum)))")
      lines.append(
        "skewness \(Format.fixed(statistics.skewness, 2)), kurtosis \(Format.fixed(statistics.kurtosis, 2)) "
          + "(3 for a normal distribution)")
    }
    if let line = histogram?.line { lines.append(line) }
    if let lexicalShare {
      lines.append("\(Format.percent(lexicalShare)) of its top examples are one token form")
    }
    lines += ["", examples.report(style, count: count)]
    if !quantiles.isEmpty {
      lines += ["", style.bold("samples over its range")]
      for quantile in quantiles.reversed() {
        for example in quantile.examples.prefix(1) {
          let range = "\(Int(quantile.from * 100))–\(Int(quantile.to * 100)) %"
          let value = Format.fixed(Double(example.value), 2)
          lines.append(
            range.padding(toLength: 10, withPad: " ", startingAt: 0)
              + value.padding(toLength: 8, withPad: " ", startingAt: 0)
              + example.line(style, scale: examples.top.first?.value ?? 1))
        }
      }
    }
    if let weights { lines += ["", weights.report(style)] }
    return lines.joined(separator: "\n")
  }
}

extension NeuronCard.Histogram {
  /// The occupied bins as a line of bars, on a logarithmic scale, since almost all tokens lie near zero.
  fileprivate var line: String? {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }),
      edges.count == counts.count + 1
    else { return nil }
    let bars = TerminalChart.sparkline(counts[first...last].map { log1p(Double($0)) }, lower: 0)
    return "histogram (log)  \(Format.fixed(Double(edges[first]), 2)) \(bars) "
      + Format.fixed(Double(edges[last + 1]), 2)
  }
}

extension NeuronWeightSummary {
  /// The tokens it promotes and suppresses, and the size of what it reads and writes.
  public func report(_ style: TerminalStyle) -> String {
    func list(_ effects: [TokenEffect]) -> String {
      effects.map { "\"\($0.text.onOneLine)\" \(Format.fixed(Double($0.effect), 2))" }.joined(separator: "  ")
    }
    return [
      style.bold("promotes  ") + list(promoted),
      style.bold("suppresses  ") + list(suppressed),
      "reads with norm \(Format.fixed(inputNorm, 2))"
        + (inputBias.map { " and bias \(Format.fixed($0, 2))" } ?? "")
        + ", writes with norm \(Format.fixed(outputNorm, 2)); cosine of the two "
        + "\(Format.fixed(inputOutputCosine, 2)); kurtosis over the vocabulary \(Format.fixed(vocabularyKurtosis, 1))",
    ]
    .joined(separator: "\n")
  }
}

extension ConceptNeurons {
  public func table() -> TextTable {
    var table = TextTable([
      .left("neuron"), .left("for"), .right("AUROC"), .right("held out"), .right("inside"), .right("outside"),
      .right("difference / σ"),
    ])
    for row in ranked {
      table.append([
        "\(row.neuron)", row.label, Format.fixed(row.auroc), row.heldOutAUROC.map { Format.fixed($0) } ?? "–",
        Format.fixed(row.meanInside, 2), Format.fixed(row.meanOutside, 2), Format.fixed(row.difference, 2),
      ])
    }
    return table
  }
}

extension TextNeurons {
  /// The strongest neurons at each token, and overall.
  public func report(_ style: TerminalStyle) -> String {
    func name(_ neuron: NeuronActivation) -> String {
      let value = Format.fixed(Double(neuron.value), 2)
      return "\(neuron.neuron) \(value)" + (neuron.deviations.map { " (\(Format.fixed($0, 1)) σ)" } ?? "")
    }
    var byToken = TextTable([.left("token"), .text("neurons that fire most")])
    for token in tokens where !token.neurons.isEmpty {
      byToken.append([token.text, token.neurons.prefix(4).map(name).joined(separator: "   ")])
    }
    var all = TextTable([
      .left("neuron"), .right("activation"), .right("corpus mean"), .right("σ above"), .left("at"),
    ])
    for neuron in overall {
      let token = tokens.indices.contains(neuron.token) ? tokens[neuron.token].text : ""
      all.append([
        "\(neuron.neuron)", Format.fixed(Double(neuron.value), 3), neuron.mean.map { Format.fixed($0) } ?? "–",
        neuron.deviations.map { Format.fixed($0, 1) } ?? "–", token,
      ])
    }
    return byToken.rendered(style) + "\n\n" + style.bold("overall") + "\n" + all.rendered(style)
  }
}

extension PolysemanticNeuron {
  /// The neuron's two meanings, with examples of each.
  public func report(_ style: TerminalStyle, examples count: Int = 3) -> String {
    var lines = [
      style.bold("neuron \(neuron)") + " fires for two unrelated things: "
        + meanings.map { style.bold($0.label) }.joined(separator: " and ")
    ]
    let scale = meanings.flatMap(\.examples).map { abs($0.value) }.max() ?? 1
    for meaning in meanings {
      lines.append(
        "\(style.cyan(meaning.label)): separates such documents from the rest with AUROC "
          + "\(Format.fixed(meaning.separation, 2)); fires at "
          + meaning.tokens.prefix(6).map { "\"\($0.onOneLine)\"" }.joined(separator: " "))
      for example in meaning.examples.prefix(count) {
        lines.append("  \(Format.fixed(Double(example.value), 2))  \(example.line(style, scale: scale))")
      }
    }
    lines.append(
      style.dim(
        "the two are answered alike by other neurons: r = \(Format.fixed(relatedness, 2)); effective number of "
          + "concepts \(Format.fixed(effectiveConcepts, 1))"
          + (monosemanticity.map { "; monosemanticity score \(Format.fixed($0, 2))" } ?? "")))
    return lines.joined(separator: "\n")
  }
}
