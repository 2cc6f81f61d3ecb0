import Activations
import Foundation
import Interventions
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
  /// What random directions reach by the measure; nil where none were measured.
  public var null: NullComparison?
  /// What the model loses without the first neurons.
  public var ablations: [AblatedNeuron] = [] {
    didSet {
      verified = VerifiedMeaning.test(ablations) { neuron in
        rows.first { $0.neuron == neuron }?.meanings.flatMap(\.labels) ?? []
      }
    }
  }
  /// The domains that the ablated neurons are said to fire for, put to the test.
  public private(set) var verified: [VerifiedMeaning] = []

  /// - Parameter layers: those that the rows were chosen from.
  /// - Throws: what `MeasuredNeurons.ranked` throws.
  public init(
    _ measured: MeasuredNeurons, by: NeuronMeasure, least: Bool, layers: Set<Int>? = nil, rows: [RankedNeuron]
  ) throws {
    self.by = by
    self.least = least
    neurons = measured.neurons.count
    documents = measured.documentCount
    contexts = measured.contextCount
    concepts = measured.concepts
    regions = measured.regions
    labelsLeftAside = measured.labelsLeftAside
    embedding = measured.embeddingSite
    null = try measured.againstNull(by: by, least: least, layers: layers)
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
      + "\n" + (null?.report() ?? "Nothing random was measured by this, so that no neuron can be said to stand out.")
    guard let first = rows.first else { return intro }
    // The measure asked for leads; the others that are there follow.
    let others: [NeuronMeasure] = [
      .consensus, .conceptCount, .monosemanticity, .lexicalShare, .features,
    ]
    let shown = [by] + others.filter { $0 != by && first.measures[$0] != nil }
    let isCompared = null != nil
    var columns: [TextTable.Column] = [.right("#"), .left("neuron")]
    for measure in shown { columns.append(.right(measure.title)) }
    if isCompared { columns.append(.right("random ≥")) }
    columns += [.right("# less lexical"), .text("fires for")]
    var table = TextTable(columns)
    for row in rows {
      var cells = ["\(row.rank)", "\(row.neuron)" + (row.isAboveNull == true ? " *" : "")]
      for measure in shown { cells.append(row.measures[measure].map { Self.number($0) } ?? "–") }
      // Of both kinds the one that reaches it more often.
      let share = [row.directionsReaching, row.rotationsReaching].compactMap(\.self).max()
      if isCompared { cells.append(share.map { Format.percent($0) } ?? "–") }
      cells.append(row.rankWithoutLexical.map(String.init) ?? "–")
      cells.append(row.meanings.map(\.words).joined(separator: " + "))
      table.append(cells)
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
      text += ["", style.bold("the model without one neuron at a time"), ablationTable().rendered(style), verification]
      if let clearest = clearestAblation { text += ["", clearest.report(style)] }
    }
    return text.joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e6 ? String(Int(value)) : Format.fixed(value, abs(value) < 10 ? 3 : 1)
  }

  /// The ranking as comma-separated values with a header: every measure, and up to three meanings with an example.
  public func csv() -> String {
    let measures = NeuronMeasure.allCases.filter { measure in rows.contains { $0.measures[measure] != nil } }
    var lines = [
      CSV.line(
        [
          "rank", "rank_without_lexical", "neuron", "site", "layer", "index", "random_reaching", "rotated_reaching",
          "above_null",
        ]
          + measures.map { $0.rawValue.replacingOccurrences(of: "-", with: "_") }
          + (1...3).flatMap { ["meaning_\($0)", "tokens_\($0)", "example_\($0)"] })
    ]
    for row in rows {
      var cells = [
        "\(row.rank)", row.rankWithoutLexical.map(String.init) ?? "", "\(row.neuron)", row.neuron.site,
        row.neuron.layer.map(String.init) ?? "", "\(row.neuron.index)",
      ]
      cells += [row.directionsReaching, row.rotationsReaching].map { share in share.map { "\($0)" } ?? "" }
      cells.append(row.isAboveNull.map { "\($0)" } ?? "")
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
      lines.append(CSV.line(cells))
    }
    return lines.joined(separator: "\n")
  }
}

extension NullComparison {
  /// What random directions reach, and what that makes of the neurons.
  func report() -> String {
    func number(_ value: Double) -> String { Format.fixed(value) }
    var lines = ["5 % and 1 % of the neurons reach \(number(reached5)) and \(number(reached1))"]
    for kind in kinds {
      lines.append(
        "of \(Format.count(kind.count)) \(kind.kind.title): \(number(kind.reached5)) and \(number(kind.reached1)) "
          + "(\(kind.spread.map(number).joined(separator: "–")) in \(kind.draws) draws)")
    }
    let counted =
      "\(above == 1 ? "One neuron lies above 99 % of its" : "\(Format.count(above)) neurons lie above 99 % of their") layer's random directions"
    let verdict: String
    if above == 0 {
      verdict =
        "No neuron lies above 99 % of its layer's random directions: by \(measure.title), none stands out from them."
    } else if above <= byChance {
      verdict =
        "\(counted) (*), no more than chance gives (up to \(byChance) of \(Format.count(neurons))): "
        + "as a whole they do not stand out."
    } else {
      verdict = "\(counted) (*), where chance gives up to \(byChance) of \(Format.count(neurons))."
    }
    return lines.joined(separator: "; ") + ".\n" + verdict
  }
}

extension RankedNeuron {
  /// The neuron's meanings, with examples of each.
  public func report(_ style: TerminalStyle, examples count: Int = 3) -> String {
    var lines = [
      style.bold("neuron \(neuron)") + (meanings.count > 1 ? " fires for unrelated things: " : " fires for one thing: ")
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
    if let directionsReaching, let rotationsReaching {
      lines.append(
        "As much is reached by \(Format.percent(directionsReaching)) of random directions of the residual stream and "
          + "\(Format.percent(rotationsReaching)) of rotated axes of its layer's neurons.")
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
