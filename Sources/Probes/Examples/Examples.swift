import Activations
import Diagnostics
import Foundation
import LinearAlgebra

/// The examples of a concept in a source: which rows each is made of, its class and its group. No activations yet.
package struct Examples: Sendable {
  package var classes: [String] = []
  /// Each example's class.
  package var labels: [Int32] = []
  /// Each example's number, where labels are numbers to predict and the classes their halves; else empty.
  package var values: [Double] = []
  /// Where the halves part.
  package var median: Double?
  /// Each example's group, numbered from 0: by the corpus's group, else by the document (all its pieces).
  package var groups: [Int] = []
  /// For each row of the source the example it belongs to, or −1.
  package var exampleOfRow: [Int32]
  /// For each example its last row.
  package var lastRow: [Int] = []
  /// For each example how many rows it is pooled from.
  package var rowCounts: [Int32] = []
  /// Documents left out, by reason.
  package var unlabelled = 0
  package var empty = 0

  package var count: Int { labels.count }
}

extension Examples {
  /// Finds the examples of a concept.
  ///
  /// - Parameter numeric: takes labels as numbers to predict; the classes are then the halves at their median.
  /// - Throws: `probe.noLabels`, `probe.singleClass`, `probe.unknownLabel`, `probe.tooManyClasses`, `probe.labelNaN`,
  ///   `probe.pooledSource`, `probe.labelsDoNotMatch`; with numbers `probe.notNumeric`, `probe.constantTarget`.
  package init(
    _ concept: Concept, of source: some ActivationSource, specialTokens: Bool, numeric: Bool = false, most: Int,
    seed: UInt64
  ) throws {
    switch concept.level {
    case .document:
      try self.init(documentsOf: source, concept: concept, specialTokens: specialTokens, numeric: numeric)
    case .token: try self.init(tokensOf: source, concept: concept, specialTokens: specialTokens, numeric: numeric)
    }
    if numeric {
      let halves = try Self.halves(of: values)
      labels = halves.labels
      classes = halves.names
      median = halves.median
    }
    if count > most { keep(most, seed: seed) }
  }

  /// The largest number that a regression is asked to predict.
  static let largest = 1e15

  /// The numbers as two classes, at most and above their median (where that is the largest, below it).
  ///
  /// - Throws: `probe.constantTarget`, `probe.labelNaN`.
  static func halves(of values: [Double]) throws -> (labels: [Int32], names: [String], median: Double) {
    guard values.allSatisfy(\.isFinite) else {
      throw Fault(
        .badData, "probe.labelNaN", "A number to predict is NaN or infinite", expected: "finite numbers",
        found: "\(values.count { !$0.isFinite }) of \(values.count) that are not",
        advice: "leave the label out where it is not known")
    }
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last, first < last else {
      throw Fault(
        .badData, "probe.constantTarget", "All examples have the same number, so there is nothing to predict",
        expected: "numbers that differ", found: sorted.first.map { "\(Label.number($0))" } ?? "no examples",
        advice: "choose another label, or leave out the texts that have this one")
    }
    // Weights and scores are 32-bit floats, and squares of them are summed.
    guard max(abs(first), abs(last)) <= largest, last - first >= 1 / largest else {
      throw Fault(
        .badData, "probe.targetRange", "The numbers to predict are too large or too close to one another",
        expected: "numbers from -\(largest) to \(largest) that differ by \(1 / largest) or more",
        found: "\(Label.number(first)) to \(Label.number(last))",
        advice: "give them in another unit, or their logarithms")
    }
    var median = sorted[(sorted.count - 1) / 2]
    if median == last { median = sorted.last { $0 < last } ?? first }
    return (
      values.map { $0 > median ? 1 : 0 }, ["at most \(Label.number(median))", "above \(Label.number(median))"], median
    )
  }

  private static func number(of label: Label, place: @autoclosure () -> String) throws -> Double {
    let number: Double
    switch label {
    case .number(let own): number = own
    case .text(let text):
      guard let own = Label.decimal(text) else {
        throw Fault(
          .badData, "probe.notNumeric", "A label is not a number, which a regression needs", place: place(),
          expected: "a finite number in decimal, such as -2.5 or 1e3", found: "\"\(text.prefix(80))\"",
          advice: "leave the label out where it is not known, or choose a classifier for labels that are names")
      }
      number = own
    }
    guard number.isFinite else {
      throw Fault(
        .badData, "probe.labelNaN", "A number to predict is NaN or infinite", place: place(),
        expected: "a finite number", found: "\(number)", advice: "leave the label out where it is not known")
    }
    return number
  }

  private init(
    documentsOf source: some ActivationSource, concept: Concept, specialTokens: Bool, numeric: Bool
  ) throws {
    let documents = try source.documents
    // A field that was asked for and that no document has is a column of nothing.
    guard let column = documents.labels[concept.column], column.contains(where: { $0 != nil }) else {
      let names = documents.labels.filter { $1.contains { $0 != nil } }.keys.sorted()
      throw Fault(
        .badData, "probe.noLabels", "The documents have no labels of this name", place: concept.column,
        expected: names.isEmpty ? "labelled documents" : "one of \(names.joined(separator: ", "))",
        found: names.isEmpty ? "no labels at all" : concept.column,
        advice: try source.spans.count > 0
          ? "its spans are labelled: probe them at token level"
          : "capture a corpus with a label field, or add labels with `unfold store label`")
    }
    let names =
      numeric
      ? nil
      : try ClassNames(
        present: try concept.taking(
          Set(column.indices.compactMap { try Self.name(of: column[$0], document: documents.ids[$0]) }),
          place: "label column \(concept.column)"), positive: concept.positive, addingBackground: false,
        place: "label column \(concept.column)")
    var groupNumbers = GroupNumbers()
    classes = names?.names ?? []
    exampleOfRow = [Int32](repeating: -1, count: source.rowCount)

    // The whole table at once: a read for each document would cost more than all of its tokens.
    var takesPart = [Bool](repeating: false, count: source.rowCount)
    for row in try source.places(in: 0..<source.rowCount, countingSpecialTokens: specialTokens) {
      takesPart[row] = true
    }
    var previous = -1  // the example of the document before, if this may be its next piece
    for document in 0..<documents.count {
      guard let label = try Self.name(of: column[document], document: documents.ids[document]), concept.takes(label)
      else {
        unlabelled += 1
        previous = -1
        continue
      }
      // Pieces of a document that was split are one example, unless rows are whole documents already.
      let continues =
        source.rowKind == .token && previous >= 0 && documents.continues(document)
      let rows = source.rowKind == .token ? documents.tokens(of: document) : document..<document + 1
      let used = rows.filter { takesPart[$0] }
      guard let last = used.last else {
        if documents.pieces[document] == 0 { empty += 1 }
        continue
      }
      if !continues {
        previous = labels.count
        labels.append(names?.number(of: label) ?? 0)
        if numeric, let own = column[document] {
          values.append(try Self.number(of: own, place: "document \(documents.ids[document])"))
        }
        groups.append(groupNumbers.number(documents, document))
        lastRow.append(last)
        rowCounts.append(0)
      }
      for row in used { exampleOfRow[row] = Int32(previous) }
      lastRow[previous] = last
      rowCounts[previous] += Int32(used.count)
    }
    if !numeric { try requireClasses(place: "label column \(concept.column)") }
  }

  private init(
    tokensOf source: some ActivationSource, concept: Concept, specialTokens: Bool, numeric: Bool
  ) throws {
    guard source.rowKind == .token else {
      throw Fault(
        .badData, "probe.pooledSource", "The rows are whole documents, so their tokens cannot be told apart",
        expected: "a store captured with --pool none", found: "a pooled store",
        advice: "capture again without pooling, or probe at document level")
    }
    let documents = try source.documents
    let spans = try source.spans
    guard spans.count > 0 else {
      throw Fault(
        .badData, "probe.noLabels", "The documents have no labelled spans",
        expected: "spans with start, end and label", found: "none",
        advice: "capture a corpus with spans, add them with `unfold store label`, or probe at document level")
    }
    let present = try concept.taking(Set(spans.rows.map { $0.label.description }), place: "spans")
    // One label in all: every token is an example, with or without it. Several: tokens under no span have no label that
    // is known (in a set of parts of speech, those left out for balance are nouns too), and take no part.
    let background = !numeric && present.count == 1
    let names =
      numeric
      ? nil
      : try ClassNames(
        present: present, positive: concept.positive, addingBackground: concept.positive == nil || background,
        place: "spans")
    classes = names?.names ?? []
    exampleOfRow = [Int32](repeating: -1, count: source.rowCount)
    var groupNumbers = GroupNumbers()
    var matched = Set<Int>()  // spans that lie over a token
    var suspects: [Int] = []  // documents with spans that end behind the last token
    for document in 0..<documents.count {
      let own = spans.spans(of: document)
      let range = documents.tokens(of: document)
      let tokens = try source.tokens(in: range)
      if !own.isEmpty {
        let end = tokens.ends.max() ?? 0
        if own.contains(where: { $0.end > end }) { suspects.append(document) }
      }
      var group: Int?
      for (offset, row) in range.enumerated() {
        if tokens.special[offset] != 0, !specialTokens { continue }
        let start = tokens.starts[offset]
        let end = tokens.ends[offset]
        // The label that the token lies under longest; of equal ones the first.
        var label: Int32 = background ? 0 : -1
        var longest: Int32 = 0
        var value: Double?
        var isOther = false  // under a label that takes no part
        for (index, span) in zip(own.indices, own) where span.start < end && start < span.end {
          matched.insert(index)
          guard concept.takes(span.label.description) else {
            isOther = true
            continue
          }
          let number = names?.number(of: span.label.description) ?? 0
          if min(end, span.end) - max(start, span.start) > longest {
            longest = min(end, span.end) - max(start, span.start)
            label = number
            if numeric {
              value = try Self.number(of: span.label, place: "a span of document \(documents.ids[document])")
            }
          }
        }
        guard label >= 0, longest > 0 || !isOther else { continue }
        if let value { values.append(value) }
        if group == nil { group = groupNumbers.number(documents, document) }
        exampleOfRow[row] = Int32(labels.count)
        labels.append(label)
        groups.append(group ?? 0)
        lastRow.append(row)
        rowCounts.append(1)
      }
    }
    try requireMatch(spans, matched: matched, suspects: suspects, documents: documents, source: source)
    if !numeric { try requireClasses(place: "spans") }
  }

  /// Refuses spans that were counted otherwise than the tokens: in bytes, in tokens, or over another text.
  ///
  /// A span that no token lies under is either behind where a document was cut off, or wrong. Where the text is known,
  /// one that ends behind the text's end is wrong for certain; else spans are refused when more than a twentieth of those
  /// before the last token's end match nothing.
  private func requireMatch(
    _ spans: SpanTable, matched: Set<Int>, suspects: [Int], documents: DocumentTable, source: some ActivationSource
  ) throws {
    for document in suspects {
      guard let length = try source.text(ofDocument: document).map(\.unicodeScalars.count),
        let span = spans.spans(of: document).first(where: { Int($0.end) > length })
      else { continue }
      throw Fault(
        .badData, "probe.labelsDoNotMatch", "A labelled span ends behind its document's text",
        place: Self.place(of: span, in: documents), expected: "offsets in Unicode scalars, at most \(length)",
        found: "\(span.end)",
        advice: "count spans in characters of the text that was captured, not in bytes or tokens")
    }
    var ends: [Int32: Int32] = [:]  // the last token's end in each document with unmatched spans
    var astray = 0
    var example: SpanRow?
    for (index, span) in spans.rows.enumerated() where !matched.contains(index) {
      let document = Int(span.document)
      guard document >= 0, document < documents.count else { continue }
      if ends[span.document] == nil {
        ends[span.document] = try source.tokens(in: documents.tokens(of: document)).ends.max() ?? 0
      }
      if span.start < ends[span.document] ?? 0 {
        astray += 1
        if example == nil { example = span }
      }
    }
    guard labels.isEmpty || matched.isEmpty || astray * 20 > astray + matched.count else { return }
    throw Fault(
      .badData, "probe.labelsDoNotMatch", "Labelled spans lie under no token",
      place: (example ?? spans.rows.first).map { Self.place(of: $0, in: documents) },
      expected: "spans counted in Unicode scalars of the texts that were captured",
      found: "\(spans.count - matched.count) of \(spans.count) spans without a token",
      advice: "label the very texts that were captured; another tokenizer's offsets do not fit")
  }

  private static func place(of span: SpanRow, in documents: DocumentTable) -> String {
    let number = Int(span.document)
    let name = documents.ids.indices.contains(number) ? documents.ids[number] : "number \(number)"
    return "document \(name), span \(span.start)–\(span.end) (\(span.label))"
  }

  /// Numbers groups in the order of their first example.
  private struct GroupNumbers {
    private var numbers: [String: Int] = [:]

    mutating func number(_ documents: DocumentTable, _ document: Int) -> Int {
      // A group and a document of one name stay apart.
      let key = documents.groups[document].map { "g\($0)" } ?? "d\(documents.ids[document])"
      if let number = numbers[key] { return number }
      numbers[key] = numbers.count
      return numbers.count - 1
    }
  }

  private static func name(of label: Label?, document: String) throws -> String? {
    if case .number(let number) = label, number.isNaN {
      throw Fault(
        .badData, "probe.labelNaN", "A label is not a number", place: "document \(document)",
        expected: "a class or a number", found: "NaN", advice: "leave the label out where it is not known")
    }
    return label?.description
  }

  private func requireClasses(place: String) throws {
    let counts = labels.counts(of: classes.count)
    let present = counts.count { $0 > 0 }
    guard present < 2 else { return }
    throw Fault(
      .badData, "probe.singleClass", "All examples have the same label, so there is nothing to tell apart",
      place: place, expected: "examples of \(classes.joined(separator: " and "))",
      found: zip(classes, counts).map { "\($1) of \($0)" }.joined(separator: ", "),
      advice: "add examples without the concept")
  }

  /// Keeps a seeded choice of the examples.
  private mutating func keep(_ most: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed, stream: "examples")
    let chosen = generator.choice(most, of: count)
    var newNumber = [Int32](repeating: -1, count: count)
    for (new, old) in chosen.enumerated() { newNumber[old] = Int32(new) }
    labels = chosen.map { labels[$0] }
    if !values.isEmpty { values = chosen.map { values[$0] } }
    groups = chosen.map { groups[$0] }
    lastRow = chosen.map { lastRow[$0] }
    rowCounts = chosen.map { rowCounts[$0] }
    for row in exampleOfRow.indices where exampleOfRow[row] >= 0 {
      exampleOfRow[row] = newNumber[Int(exampleOfRow[row])]
    }
  }
}
