import Foundation
import Neurons

/// A ranking of neurons, as it is printed.
public struct NeuronRanks: Encodable, Sendable {
  public var by: NeuronMeasure
  public var least: Bool
  /// Neurons that were ranked, over how many documents and contexts.
  public var neurons: Int
  public var documents: Int
  public var contexts: Int
  public var concepts: [String]?
  public var regions: Int?
  /// Why labels that are there were not used.
  public var labelsLeftAside: String?
  public var embedding: String?
  public var rows: [RankedNeuron]
  /// What the model loses without the first neurons.
  public var ablations: [NeuronAblation.Effect] = []

  public init(_ measured: MeasuredNeurons, by: NeuronMeasure, least: Bool, rows: [RankedNeuron]) {
    self.by = by
    self.least = least
    neurons = measured.neurons.count
    documents = measured.documentCount
    contexts = measured.contextCount
    concepts = measured.concepts
    regions = measured.regions
    labelsLeftAside = measured.labelsLeftAside
    embedding = measured.embeddingSite
    self.rows = rows
  }

  /// The ranking as a table, each neuron followed by its meanings with an example each.
  public func report(_ style: TerminalStyle) -> String {
    let kinds =
      concepts.map { "\($0.count) labels" } ?? regions.map { "\($0) regions of the residual stream" } ?? "no kinds"
    let intro =
      "\(Format.count(neurons)) neurons over \(Format.count(documents)) documents, \(Format.count(contexts)) tokens, "
      + "\(kinds); \(least ? "those of fewest meanings first, " : "")by \(by.title)"
      + (labelsLeftAside.map { "\n(\($0))" } ?? "")
    guard let first = rows.first else { return intro }
    // The measure asked for leads; the others that are there follow.
    let others: [NeuronMeasure] = [
      .consensus, .effectiveConcepts, .conceptCount, .monosemanticity, .contextClusters, .lexicalShare, .features,
    ]
    let shown = [by] + others.filter { $0 != by && first.measures[$0] != nil }
    var table = TextTable(
      [.right("#"), .left("neuron")] + shown.map { .right($0.title) } + [.right("# less lexical"), .text("fires for")])
    for row in rows {
      table.append(
        ["\(row.rank)", "\(row.neuron)"] + shown.map { row.measures[$0].map { Self.number($0) } ?? "–" }
          + [
            row.rankWithoutLexical.map(String.init) ?? "–", row.meanings.map(\.words).joined(separator: " + "),
          ])
    }
    let lines = table.rendered(style).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var text = [intro, "", lines[0]]
    for (row, line) in zip(rows, lines.dropFirst()) {
      text.append(line)
      let scale = row.meanings.flatMap(\.examples).map { abs($0.value) }.max() ?? 1
      for meaning in row.meanings {
        guard let example = meaning.examples.first else { continue }
        let name = meaning.words.truncated(toDisplayWidth: 22)
        let space = String(repeating: " ", count: max(0, 22 - name.displayWidth))
        let start = "      \(style.cyan(name))\(space)  \(Format.fixed(Double(example.value), 2))  "
        text.append(start + example.line(style, scale: scale))
      }
    }
    if !ablations.isEmpty {
      text += ["", style.bold("the model without one neuron at a time"), ablationTable().rendered(style)]
      if let clearest = clearestAblation { text += ["", clearest.report(style)] }
    }
    return text.joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e6 ? String(Int(value)) : Format.fixed(value, abs(value) < 10 ? 3 : 1)
  }

  /// The ranking as comma-separated values with a header: every measure, and up to three meanings with an example.
  public func csv() -> String {
    func quoted(_ text: String) -> String {
      text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
        ? "\"\(text.replacingOccurrences(of: "\"", with: "\"\""))\"" : text
    }
    let measures = NeuronMeasure.allCases.filter { measure in rows.contains { $0.measures[measure] != nil } }
    var lines = [
      (["rank", "rank_without_lexical", "neuron", "site", "layer", "index"]
        + measures.map { $0.rawValue.replacingOccurrences(of: "-", with: "_") }
        + (1...3).flatMap { ["meaning_\($0)", "tokens_\($0)", "example_\($0)"] })
        .joined(separator: ",")
    ]
    for row in rows {
      var cells = [
        "\(row.rank)", row.rankWithoutLexical.map(String.init) ?? "", "\(row.neuron)", row.neuron.site,
        row.neuron.layer.map(String.init) ?? "", "\(row.neuron.index)",
      ]
      cells += measures.map { row.measures[$0].map { "\($0)" } ?? "" }
      for number in 0..<3 {
        guard row.meanings.indices.contains(number) else {
          cells += ["", "", ""]
          continue
        }
        let meaning = row.meanings[number]
        cells += [
          meaning.words, meaning.tokens.prefix(6).joined(separator: " "),
          meaning.examples.first?.tokens.map(\.text).joined() ?? "",
        ]
      }
      lines.append(cells.map { quoted($0) }.joined(separator: ","))
    }
    return lines.joined(separator: "\n")
  }
}

extension RankedNeuron {
  /// The neuron's meanings, with examples of each.
  public func report(_ style: TerminalStyle, examples count: Int = 3) -> String {
    var lines = [
      style.bold("neuron \(neuron)") + " fires for unrelated things: "
        + meanings.map { style.bold($0.words) }.joined(separator: " and ")
    ]
    let scale = meanings.flatMap(\.examples).map { abs($0.value) }.max() ?? 1
    for meaning in meanings {
      lines.append(meaning.heading(style))
      for example in meaning.examples.prefix(count) {
        lines.append("  \(Format.fixed(Double(example.value), 2))  \(example.line(style, scale: scale))")
      }
    }
    let figures = [NeuronMeasure.consensus, .effectiveConcepts, .monosemanticity, .lexicalShare].compactMap { measure in
      measures[measure].map { "\(measure.title) \(Format.fixed($0, 2))" }
    }
    lines.append(style.dim(figures.joined(separator: "; ")))
    return lines.joined(separator: "\n")
  }
}

extension NeuronMeaning {
  /// What the meaning is, how clear it is, and where the neuron fires in it.
  func heading(_ style: TerminalStyle) -> String {
    let clear =
      separation.map { "separates such documents from the rest with AUROC \(Format.fixed($0, 2))" }
      ?? "\(Format.percent(topShare)) of the top examples"
    return "\(style.cyan(words)): \(clear); fires at "
      + tokens.prefix(6).map { "\"\($0.onOneLine)\"" }.joined(separator: " ")
  }
}
