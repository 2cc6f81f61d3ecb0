import Foundation
import Neurons

extension ConceptNeurons {
  /// The table with what it rests on.
  public func report(_ style: TerminalStyle) -> String {
    var text = "\(neurons) neurons over \(examples) examples, judged on \(heldOut) others\n"
    if let skippedExperts {
      text += "\(Format.count(skippedExperts)) experts saw too few tokens of each class to be judged\n"
    }
    return text + findings(style)
  }

  /// The table, and what was left out of it.
  public func findings(_ style: TerminalStyle) -> String {
    var lines: [String] = []
    if ranked.isEmpty {
      lines.append("No neuron separates the concept on examples that did not choose it.")
    } else {
      lines.append(table().rendered(style))
    }
    if let other = ranked.first(where: { !$0.firesForConcept }) {
      let count = ranked.count { !$0.firesForConcept }
      lines.append(
        "The last \(count == 1 ? "one fires" : "\(count) fire") for what is not the concept, such as \(other.neuron) for "
          + "\(other.label).")
    }
    if dropped > 0 {
      lines.append(
        "\(Format.count(dropped)) left out: on held-out examples the AUROC's 95 % interval holds 0.5, which is chance.")
    }
    return lines.joined(separator: "\n")
  }

  public func table() -> TextTable {
    var table = TextTable([
      .left("neuron"), .left("fires for"), .right("AUROC"), .right("held out"), .right("95 % interval"),
      .right("inside"), .right("outside"), .right("difference / σ"),
    ])
    for row in ranked {
      table.append([
        "\(row.neuron)", row.label, Format.fixed(row.auroc), row.heldOutAUROC.map { Format.fixed($0) } ?? "–",
        row.heldOutInterval.map { $0.map { Format.fixed($0, 2) }.joined(separator: "–") } ?? "–",
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
