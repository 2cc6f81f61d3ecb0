import Foundation
import Neurons
import Transformer

extension ExpertProfile {
  /// The layers' routing, and the experts by the concepts that wake them.
  public func report(_ style: TerminalStyle, count: Int = 20) -> String {
    var parts = [
      "\(Format.count(tokens)) tokens of \(Format.count(documents)) documents in \(Format.count(groups)) groups"
        + (concepts.isEmpty ? "" : "; \(concepts.count) \(concepts.count == 1 ? "concept" : "concepts")")
        + (labelsLeftAside.map { "; not told by concepts: \($0)" } ?? ""),
      layerTable().rendered(style),
    ]
    if !concepts.isEmpty {
      parts.append(
        style.bold("experts, by the concept that surely wakes them most") + "\n" + table(count).rendered(style))
      let confidence = Int((confidence * 100).rounded())
      let chance = Double(intervals) * (1 - self.confidence)
      parts.append(
        style.dim(
          intervals == 0
            ? "no intervals: too few documents of each concept"
            : "\(confidence) % intervals over groups of documents; \(Format.count(excluding)) of \(Format.count(intervals)) "
              + "leave the base rate out, by chance \(Format.fixed(chance, 0)) would"))
    }
    return parts.joined(separator: "\n\n")
  }

  private func layerTable() -> TextTable {
    var table = TextTable([
      .right("layer"), .right("experts"), .right("a token wakes"), .right("load entropy"), .right("router entropy"),
      .right("of at most"), .text("never woken"),
    ])
    for layer in layers {
      table.append([
        "\(layer.layer)", "\(layer.experts)", "\(layer.active)", Format.fixed(layer.loadEntropy),
        layer.routerEntropy.map { Format.fixed($0) } ?? "–", Format.fixed(layer.largestEntropy),
        layer.neverWoken.isEmpty
          ? "none" : "\(layer.neverWoken.count): " + layer.neverWoken.map(String.init).joined(separator: " "),
      ])
    }
    return table
  }

  /// A row an expert, with the concept that surely wakes it most.
  public func table(_ count: Int) -> TextTable {
    var table = TextTable([
      .left("expert"), .right("base rate"), .left("concept"), .right("its tokens"), .right("interval"),
      .right("× base"), .text("next"),
    ])
    for expert in experts.prefix(count) {
      guard let first = expert.concepts.first else {
        table.append([expert.name, Format.percent(expert.baseRate ?? expert.share), "–"])
        continue
      }
      let next = expert.concepts.dropFirst().prefix(2).map { "\($0.label) ×\(Format.fixed($0.lift, 2))" }
      table.append([
        expert.name, Format.percent(expert.baseRate ?? expert.share), first.label, Format.percent(first.share),
        first.low.map { "\(Format.percent($0)) – \(Format.percent(first.high ?? 1))" } ?? "–",
        Format.fixed(first.lift, 2), next.joined(separator: ", "),
      ])
    }
    return table
  }
}

extension [ExpertRoutes] {
  /// A row a token with each layer's experts and weights.
  public func table(pieces: [String]) -> TextTable {
    var table = TextTable([.text("token")] + map { .left("layer \($0.layer)") })
    for (token, piece) in pieces.enumerated() {
      table.append(
        ["\(token) \"\(piece.onOneLine)\""]
          + map { $0.tokens.indices.contains(token) ? Self.words($0.tokens[token]) : "" })
    }
    return table
  }

  private static func words(_ choices: [ExpertRoutes.Choice]) -> String {
    choices.map { "\($0.expert) \(Format.fixed(Double($0.weight), 2))" }.joined(separator: " · ")
  }

  /// A row a token with each layer's experts and weights, as many layers side by side as the line has room for.
  public func report(pieces: [String], _ style: TerminalStyle) -> String {
    let cells = map { layer in layer.tokens.map(Self.words) }
    let names = pieces.enumerated().map { "\($0.offset) \"\($0.element.onOneLine)\"" }
    let first = Swift.min(24, (names.map(\.displayWidth).max() ?? 0))
    var tables: [String] = []
    var from = 0
    while from < count {
      var to = from
      var width = first
      while to < count {
        let own = 2 + Swift.max((cells[to].map(\.displayWidth).max() ?? 0), "layer \(self[to].layer)".displayWidth)
        if to > from, width + own > style.width { break }
        width += own
        to += 1
      }
      var table = TextTable([.text("token")] + self[from..<to].map { .left("layer \($0.layer)") })
      for (token, name) in names.enumerated() {
        table.append(
          [name.truncated(toDisplayWidth: first)]
            + cells[from..<to].map { $0.indices.contains(token) ? $0[token] : "" })
      }
      tables.append(table.rendered(style))
      from = to
    }
    let kinds = Set(map { "\($0.tokens.first?.count ?? 0) of \($0.experts)" }).sorted()
    return tables.joined(separator: "\n\n") + "\n\n"
      + style.dim("experts that each token wakes (\(kinds.joined(separator: ", "))), and by how much each counts")
  }
}
