import Activations
import Foundation
import LinearAlgebra
import Neurons
import Probes
import Reports

extension Page {
  /// A probe's page: its scores with every control in words, its direction, and a source's texts coloured by it.
  ///
  /// - Parameters:
  ///   - name: The probe's.
  ///   - source: Documents to colour; those that it gets most wrong come first. nil leaves texts out.
  ///   - layers: Scores of the same procedure at other layers, where they were computed.
  ///   - count: Documents of each kind that are shown.
  ///   - piece: A token's text by its id, where the source has no texts.
  /// - Throws: `probe.otherModel`, `probe.otherSite`, and what reading throws.
  public init(
    _ probe: Probe, name: String, source: (any ActivationSource)? = nil, layers: StudyResult? = nil, count: Int = 10,
    piece: (@Sendable (Int32) -> String)? = nil
  ) throws {
    let record = probe.record
    self.init(
      kind: "Probe", title: name, lead: record.lead, facts: record.facts,
      source: record.origin.words)
    var scores: [PageBlock] = [
      .table(
        PageTable(
          "On examples that no fit and no choice has seen", record.regression?.table() ?? record.evaluation.table()))
    ]
    if let warnings = record.warnings, !warnings.isEmpty {
      scores += warnings.map { .note("Note: \($0.message)") }
    }
    add("How well it reads the concept", scores)
    if let controls = record.controls {
      add(
        "When not to believe it",
        note:
          "The same procedure on the same examples and folds, with something taken away. A sentence stands here only "
          + "where the interval of the difference leaves 0 out.",
        controls.implications.map { .paragraph($0.prefix(1).uppercased() + $0.dropFirst() + ".") } + [
          .table(PageTable("Controls", controls.table()))
        ])
    }
    if let layers { add("Where in the depth", [.figure(layers.figure())]) }
    add(
      "Its direction", note: "The direction as a sum of the site's columns, the largest first.", probe.directionBlocks)
    if let curve = record.learningCurve { add("How it grows with examples", [.figure(curve.figure())]) }
    if let source { try addTexts(probe, source, count: count, piece: piece) }
  }

  private mutating func addTexts(
    _ probe: Probe, _ source: any ActivationSource, count: Int, piece: (@Sendable (Int32) -> String)?
  ) throws {
    let own: any ActivationSource = try source.throughExpert(of: [probe.record.site.name]) ?? source
    let readings = try Self.readings(probe, own)
    guard probe.classifier.bias.count == 1 else {
      add("Texts", try Self.mistakes(probe, own, readings, count: count, piece: piece))
      return
    }
    let documents = try own.documents
    let column = documents.labels[probe.record.settings.concept.column]
    var texts = PageTexts(source: own, probe: probe, documents: documents, piece: piece)
    let scored = readings.indices.filter { readings[$0].score.isFinite }
    let byScore = scored.sorted { readings[$0].score > readings[$1].score }
    func block(_ title: String, _ chosen: some Sequence<Int>) throws -> PageBlock? {
      let examples = try chosen.prefix(count).map { try texts.example(readings[$0], column) }
      return examples.isEmpty ? nil : .examples(PageExamples(title, scale: texts.scale(of: readings), examples))
    }
    let classes = probe.record.classes
    let wrong = scored.filter { isWrong(readings[$0], column, probe) }.sorted {
      abs(readings[$0].score) > abs(readings[$1].score)
    }
    add(
      "Most wrong",
      note: "Documents whose label and score disagree most. Documents that it learnt from are among those looked "
        + "at. The number is the document's score, above 0 for “\(classes.last ?? "")”; a token's colour is its own score.",
      [try block("", wrong)].compactMap(\.self))
    add(
      "Texts, token by token",
      [
        try block("Highest: “\(classes.last ?? "")”", byScore),
        try block("Lowest: “\(classes.first ?? "")”", byScore.reversed()),
      ].compactMap(\.self))
  }

  private func isWrong(_ reading: PageReading, _ column: [Label?]?, _ probe: Probe) -> Bool {
    guard let label = column?[reading.document]?.description, probe.record.classes.count == 2 else { return false }
    let classes = probe.record.classes
    let isPositive = label == classes[1]
    guard isPositive || label == classes[0] || classes[0] == "not \(classes[1])" else { return false }
    return isPositive != (reading.score > 0)
  }

  /// Of many classes: where the predicted one is not the label.
  private static func mistakes(
    _ probe: Probe, _ source: any ActivationSource, _ readings: [PageReading], count: Int,
    piece: (@Sendable (Int32) -> String)?
  ) throws -> [PageBlock] {
    let documents = try source.documents
    guard let column = documents.labels[probe.record.settings.concept.column] else { return [] }
    let wrong = readings.filter { reading in
      guard let said = reading.predicted, let label = column[reading.document]?.description,
        probe.record.classes.contains(label)
      else { return false }
      return probe.record.classes[said] != label
    }
    let rows = try wrong.sorted { $0.score > $1.score }.prefix(count * 5).map { reading -> [PageTable.Cell] in
      [
        .init(documents.ids[reading.document]), .init(column[reading.document]?.description ?? ""),
        .init(reading.predicted.map { probe.record.classes[$0] } ?? ""),
        .init(String((try source.text(ofDocument: reading.document) ?? "").onOneLine.prefix(120))),
      ]
    }
    guard !rows.isEmpty else { return [] }
    return [
      .table(
        PageTable(
          "Documents whose label it misses, the surest mistakes first",
          columns: [.init("document"), .init("label"), .init("it says"), .init("begins with")], rows: rows))
    ]
  }

  private static func readings(_ probe: Probe, _ source: any ActivationSource) throws -> [PageReading] {
    let places = Dictionary(
      try source.documents.ids.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    return try probe.read(source).compactMap { reading in
      guard let document = places[reading.id] else { return nil }
      let score: Float
      if let scores = reading.scores {
        score = scores.count == 1 ? scores[0] : scores.max() ?? .nan
      } else {
        score = reading.tokenScores.max() ?? .nan
      }
      return PageReading(
        document: document, score: score, predicted: reading.predictedClass, rows: reading.rows,
        tokens: reading.tokenScores)
    }
  }
}

/// A document that a probe has read.
private struct PageReading {
  var document: Int
  var score: Float
  var predicted: Int?
  var rows: [Int]
  var tokens: [Float]
}

/// Writes documents out with the scores of their tokens.
private struct PageTexts {
  let probe: Probe
  let documents: DocumentTable
  var reader: ContextReader?
  let source: any ActivationSource
  /// Tokens of a document that are shown.
  static let most = 160

  init(
    source: any ActivationSource, probe: Probe, documents: DocumentTable, piece: (@Sendable (Int32) -> String)?
  ) {
    (self.source, self.probe, self.documents) = (source, probe, documents)
    reader = try? ContextReader(source: source, piece: piece)
  }

  /// The absolute score that has the full colour: nine in ten tokens lie below it.
  func scale(of readings: [PageReading]) -> Float {
    let sizes = readings.lazy.flatMap(\.tokens).map(abs).filter(\.isFinite).sorted()
    return sizes.isEmpty ? 1 : max(sizes[sizes.count * 9 / 10], 1e-6)
  }

  mutating func example(_ reading: PageReading, _ column: [Label?]?) throws -> PageExamples.Example {
    var tokens: [PageToken] = []
    if source.rowKind == .token, reading.tokens.count == reading.rows.count {
      let window = documents.tokens(of: reading.document).prefix(Self.most)
      let scores = Dictionary(zip(reading.rows, reading.tokens), uniquingKeysWith: { first, _ in first })
      let found = try reader?.tokens(in: window, document: reading.document) ?? []
      tokens = found.enumerated().map { place, token in
        PageToken(token.text, id: token.id, position: place, value: scores[window.lowerBound + place])
      }
    } else {
      tokens = [PageToken(String((try source.text(ofDocument: reading.document) ?? "").prefix(400)))]
    }
    return PageExamples.Example(
      value: reading.score, label: column?[reading.document]?.description, document: documents.ids[reading.document],
      tokens: tokens)
  }
}

extension ProbeRecord {
  fileprivate var what: String {
    regression != nil
      ? "a number"
      : classes.count <= 3 ? classes.map { "“\($0)”" }.joined(separator: " from ") : "\(classes.count) classes"
  }

  fileprivate var lead: String {
    let score =
      regression.map { "R² \(Format.fixed($0.scores.r2))" }
      ?? "balanced accuracy \(Format.fixed(evaluation.scores.balancedAccuracy))"
    return "Tells \(what) at \(site.name): \(score) on examples held back."
  }

  fileprivate var facts: [Page.Fact] {
    [
      .init("method", settings.method.rawValue), .init("site", site.name),
      .init("learnt from", "\(Format.count(trainingExamples)) examples of \(Format.count(trainingGroups)) groups"),
      .init("judged on", "\(Format.count(evaluation.examples)) examples of \(Format.count(evaluation.groups)) groups"),
    ]
  }
}

extension Probe {
  fileprivate var directionBlocks: [PageBlock] {
    let isNeuron = record.site.name.hasSuffix("mlp.hook_post")
    var sums = record.sums ?? [signedSum(most: 12)]
    if sums.count == 1 { sums[0].terms = signedSum(most: 12).terms }
    return sums.prefix(12).flatMap { sum -> [PageBlock] in
      let bars = sum.terms.prefix(12).map { term in
        (
          name: isNeuron
            ? record.site.layer.map { "L\($0).\(term.column)" } ?? "\(term.column)" : "column \(term.column)",
          value: term.coefficient
        )
      }
      var blocks: [PageBlock] = [.bars(PageBars("“\(sum.label)”", Array(bars), decimals: 3))]
      let kept = sum.kept.compactMap { kept in
        kept.auroc.map { Page.Fact(kept.terms.map { "\($0) terms alone" } ?? "all terms", "AUROC \(Format.fixed($0))") }
      }
      if !kept.isEmpty { blocks.append(.facts(kept)) }
      return blocks
    }
  }
}
