import Activations
import Foundation
import Neurons

extension NeuronCard {
  /// The whole card: how the neuron is distributed, where it fires, what it writes.
  public func report(_ style: TerminalStyle, count: Int = 10) -> String {
    var lines = [style.bold("neuron \(neuron)") + "  \(neuron.site), column \(neuron.index)" + place]
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
    if let measures { lines.append(measures.line) }
    if let lexicalShare = measures?[.lexicalShare] ?? lexicalShare {
      lines.append("\(Format.percent(lexicalShare)) of its top examples are one token form")
    }
    if !meanings.isEmpty {
      lines += ["", style.bold("fires for")]
      let scale = examples.top.first?.value ?? 1
      for meaning in meanings {
        lines.append(meaning.heading(style))
        if !meaning.context.isEmpty {
          lines.append("  told by " + meaning.context.map { "\"\($0.onOneLine)\"" }.joined(separator: " "))
        }
        for example in meaning.examples {
          lines.append("  \(Format.fixed(Double(example.value), 2))  \(example.line(style, scale: scale))")
        }
      }
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
    if let neighbours {
      func list(_ some: [NeuronNeighbours.Neighbour]) -> String {
        some.map { "\($0.neuron) \(Format.fixed($0.cosine, 2))" }.joined(separator: "  ")
      }
      lines += [
        "", style.bold("writes like  ") + list(neighbours.writing),
        style.bold("reads like  ") + list(neighbours.reading),
      ]
    }
    if !features.isEmpty {
      lines.append(
        style.bold("features  ")
          + features.map { "\($0.feature) \(Format.fixed($0.strength, 2))" }.joined(separator: "  "))
    }
    if !concepts.isEmpty {
      var table = TextTable([
        .left("concept"), .right("cos with input"), .right("cos with output"), .text("direction from"),
      ])
      for known in concepts.prefix(8) {
        table.append([known.concept, Format.fixed(known.reading), Format.fixed(known.writing), known.origin])
      }
      lines += ["", table.rendered(style)]
    }
    if let ablation { lines += ["", ablation.report(style)] }
    return lines.joined(separator: "\n")
  }

  /// The layer's depth, where it is known.
  private var place: String { depth.map { ", at \(Int(($0 * 100).rounded())) % of the depth" } ?? "" }
}

extension ValueHistogram {
  /// The occupied bins as a line of bars, on a logarithmic scale, since almost all tokens lie near zero.
  fileprivate var line: String? {
    guard let shown = occupied else { return nil }
    let bars = TerminalChart.sparkline(shown.counts.map { log1p(Double($0)) }, lower: 0)
    return "histogram (log)  \(Format.fixed(Double(shown.edges[0]), 2)) \(bars) "
      + Format.fixed(Double(shown.edges[shown.counts.count]), 2)
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

extension NeuronMeasures {
  /// The measures of meaning on one line.
  fileprivate var line: String {
    let shown: [NeuronMeasure] = [
      .consensus, .secondMeaning, .effectiveConcepts, .conceptCount, .monosemanticity, .contextClusters, .clusterSpread,
    ]
    return shown.compactMap { measure in self[measure].map { "\(measure.title) \(Format.fixed($0, 2))" } }
      .joined(separator: ", ")
  }
}
