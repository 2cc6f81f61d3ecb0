import Foundation
import Neurons

extension NeuronAblation.Effect {
  /// The change of the loss by domain, and the tokens that suffer most.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .left("domain"), .right("documents"), .right("tokens"), .right("loss"), .right("change"), .right("± s.e."),
      .right("change / s.e."),
    ])
    for row in domains + [all] {
      table.append([
        row.domain, "\(row.documents)", Format.count(row.predictions), Format.fixed(row.loss),
        Format.signed(row.change, 4), Format.fixed(row.standardError, 4),
        row.standardError > 0 ? Format.fixed(row.change / row.standardError, 1) : "–",
      ])
    }
    var lines = [
      style.bold("without \(neuron)")
        + " (replaced by \(replacement == .zero ? "0" : "its mean, \(Format.fixed(Double(value), 3))")): "
        + "nats a token",
      table.rendered(style),
    ]
    if !worst.isEmpty {
      lines.append(style.bold("predicted worse"))
      let scale = worst.map { abs($0.change) }.max() ?? 1
      for token in worst {
        let name = token.domain.truncated(toDisplayWidth: 14)
        let space = String(repeating: " ", count: 14 - name.displayWidth)
        lines.append(
          "  \(Format.signed(Double(token.change), 2))  \(style.dim(name))\(space)  \(token.example.line(style, scale: scale))"
        )
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension NeuronRanks {
  /// The ablated neurons side by side: a neuron's change of the loss in the domains that it fires for, beside all
  /// others.
  func ablationTable() -> TextTable {
    var table = TextTable([
      .left("without"), .left("in its domains, nats a token (change / s.e.)"), .right("elsewhere"), .right("verified"),
    ])
    for effect in ablations {
      let meanings = rows.first { $0.neuron == effect.neuron }?.meanings.compactMap(\.label) ?? []
      let own = effect.domains.filter { meanings.contains($0.domain) }
      let others = effect.domains.filter { !meanings.contains($0.domain) }
      let predictions = others.reduce(0) { $0 + $1.predictions }
      let elsewhere = others.reduce(0) { $0 + $1.change * Double($1.predictions) } / Double(max(predictions, 1))
      let worse = own.count { $0.isWorse }
      table.append([
        "\(effect.neuron)",
        own.map { "\($0.domain) \(Format.signed($0.change, 4)) (\(Format.signed($0.significance, 1)))" }
          .joined(separator: ", "),
        Format.signed(elsewhere, 4), own.isEmpty ? "–" : "\(worse) of \(own.count)",
      ])
    }
    return table
  }
}

extension NeuronRanks {
  /// The ablation that bears out most: that whose meanings' domains all suffer, the least of them most surely.
  var clearestAblation: NeuronAblation.Effect? {
    func least(_ effect: NeuronAblation.Effect) -> Double {
      let meanings = rows.first { $0.neuron == effect.neuron }?.meanings.compactMap(\.label) ?? []
      return effect.domains.filter { meanings.contains($0.domain) }.map(\.significance).min() ?? -.infinity
    }
    return ablations.max { least($0) < least($1) }
  }
}

extension NeuronAblation.DomainEffect {
  /// The change in standard errors; 0 where there is none.
  var significance: Double { standardError > 0 ? change / standardError : 0 }
  /// Whether the model predicts the domain worse by at least two standard errors.
  var isWorse: Bool { significance >= 2 }
}

extension Format {
  /// A number with its sign.
  static func signed(_ value: Double, _ decimals: Int) -> String {
    value.isFinite ? String(format: "%+.\(decimals)f", value) : "–"
  }
}
