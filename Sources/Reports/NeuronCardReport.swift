import Foundation
import Neurons

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
