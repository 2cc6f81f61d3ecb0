import Foundation
import Interventions
import Neurons
import Probes

extension AblatedNeuron {
  /// The change of the loss by domain, and the tokens that suffer most.
  public func report(_ style: TerminalStyle) -> String {
    var lines = [
      style.bold("without \(neuron)")
        + " (replaced by \(replacementWords)): nats a token",
      table().rendered(style),
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

  /// The change of the loss by domain, p-values corrected for the number of domains.
  public func table() -> TextTable {
    var table = TextTable([
      .left("domain"), .right("documents"), .right("tokens"), .right("loss"), .right("change"), .right("± s.e."),
      .right("change / s.e."), .right("p (Holm)"),
    ])
    let corrected = HolmCorrection.corrected(domains.map(\.chance))
    for (row, chance) in zip(domains + [all], corrected.map { Format.fixed($0) } + ["–"]) {
      table.append([
        row.domain, "\(row.documents)", Format.count(row.predictions), Format.fixed(row.loss),
        Format.signed(row.change, 4), Format.fixed(row.standardError, 4),
        row.standardError > 0 ? Format.fixed(row.change / row.standardError, 1) : "–", chance,
      ])
    }
    return table
  }
}

extension AblatedNeuron {
  /// What the activation was replaced by, in words.
  public var replacementWords: String {
    switch replacement {
    case .zero: "0"
    case .mean: "its mean" + (value.map { ", \(Format.fixed(Double($0), 3))" } ?? "")
    case .resample: "its value in another document"
    }
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
      let tests = verified.filter { $0.neuron == effect.neuron }
      let domains = tests.map(\.domain)
      let own = effect.domains.filter { domains.contains($0.domain) }
      let others = effect.domains.filter { !domains.contains($0.domain) }
      let predictions = others.reduce(0) { $0 + $1.predictions }
      let elsewhere = others.reduce(0) { $0 + $1.change * Double($1.predictions) } / Double(max(predictions, 1))
      table.append([
        "\(effect.neuron)",
        own.map { domain in
          let mark = tests.contains { $0.domain == domain.domain && $0.isVerified } ? "*" : ""
          return "\(domain.domain) \(Format.signed(domain.change, 4)) (\(Format.signed(domain.significance, 1)))\(mark)"
        }
        .joined(separator: ", "),
        Format.signed(elsewhere, 4), own.isEmpty ? "–" : "\(tests.count(where: \.isVerified)) of \(own.count)",
      ])
    }
    return table
  }

  /// How many domains were tried and how many the ablation bears out.
  var verification: String {
    guard !verified.isEmpty else { return "None of these neurons has a domain to be verified in." }
    let found = verified.count(where: \.isVerified)
    return
      "Of \(verified.count) domains tried, \(found == 0 ? "none is" : found == 1 ? "one is" : "\(found) are") predicted worse "
      + "without the neuron (\(found == 0 ? "" : "*, ")p ≤ 0.05 after Holm's correction for \(verified.count) tries)."
  }

  /// The ablation that bears out most: that with most verified domains, of equals the one whose domains suffer most surely.
  var clearestAblation: AblatedNeuron? {
    func key(_ effect: AblatedNeuron) -> (Int, Double) {
      let own = verified.filter { $0.neuron == effect.neuron }
      return (own.count(where: \.isVerified), -(own.map(\.chance).max() ?? 2))
    }
    return ablations.max { key($0) < key($1) }
  }
}

extension AblatedNeuron.DomainEffect {
  /// The change in standard errors; 0 where there is none.
  var significance: Double { standardError > 0 ? change / standardError : 0 }
}

extension Format {
  /// A number with its sign.
  static func signed(_ value: Double, _ decimals: Int) -> String {
    value.isFinite ? String(format: "%+.\(decimals)f", value) : "–"
  }
}
