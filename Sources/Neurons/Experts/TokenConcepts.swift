import Activations
import Diagnostics
import Probes

/// The concept of each token: its document's label, or that of the span it lies under.
struct TokenConcepts {
  /// The classes that tokens are counted by, and those of them that are concepts (what lies under no span is none).
  let names: [String]
  let listed: [String]
  /// Why labels that are there are not used.
  let leftAside: String?
  private let ofDocument: [Int?]
  private let spans: [Int: [(start: Int32, end: Int32, label: Int)]]
  private let background: Int?

  /// Concepts are compared with other tokens, so there must be two kinds; and each needs tokens.
  private static let usable = 2...200

  init(_ source: some ActivationSource, _ table: DocumentTable, _ settings: ExpertProfiling) throws {
    switch settings.level {
    case .document:
      let column = table.labels[settings.column] ?? []
      let present = Set(column.compactMap { $0?.description })
      let isAskedFor = settings.needsLabels || settings.column != DocumentTable.defaultLabels
      if isAskedFor { try Self.require(present, place: "label column \(settings.column)", table) }
      let isUsable = Self.usable ~= present.count
      leftAside =
        isUsable || present.isEmpty
        ? nil
        : "the documents' labels are \(present.count == 1 ? "all the same" : "\(present.count), too many to be concepts")"
      names = isUsable ? present.sorted() : []
      let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
      ofDocument =
        column.isEmpty
        ? [Int?](repeating: nil, count: table.count) : column.map { $0.flatMap { numbers[$0.description] } }
      listed = names
      (spans, background) = ([:], nil)
    case .token:
      let rows = try source.spans.rows
      let present = Set(rows.map(\.label.description)).sorted()
      guard !present.isEmpty else {
        throw Fault(
          .badData, "neurons.noLabels", "The documents have no labelled spans",
          expected: "spans with start, end and label", found: "none",
          advice: "capture a corpus with spans, add them with `unfold store label`, or count by documents' labels")
      }
      if present.count > Self.usable.upperBound { try Self.require(Set(present), place: "spans", table) }
      // One label in all: every token is under it or not. Several: what lies under none has no label that is known.
      background = present.count == 1 ? 1 : nil
      names = present.count == 1 ? present + ["not \(present[0])"] : present
      listed = present
      let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
      spans = Dictionary(grouping: rows) { Int($0.document) }.mapValues { rows in
        rows.map { ($0.start, $0.end, numbers[$0.label.description] ?? 0) }
      }
      ofDocument = []
      leftAside = nil
    }
  }

  /// The class of a token; nil where it has none.
  func label(ofDocument document: Int, start: Int32, end: Int32) -> Int? {
    if !ofDocument.isEmpty { return ofDocument[document] }
    var label = background
    var longest: Int32 = 0
    for span in spans[document] ?? [] where span.start < end && start < span.end {
      let length = min(end, span.end) - max(start, span.start)
      if length > longest { (longest, label) = (length, span.label) }
    }
    return label
  }

  private static func require(_ present: Set<String>, place: String, _ table: DocumentTable) throws {
    guard !(usable ~= present.count) else { return }
    let columns = table.labels.keys.sorted()
    throw Fault(
      .badData,
      present.isEmpty ? "neurons.noLabels" : present.count == 1 ? "neurons.tooFewLabels" : "neurons.tooManyLabels",
      present.isEmpty
        ? "The documents have no labels of this name" : "These labels cannot be told apart as concepts", place: place,
      expected: "2 to 200 different labels",
      found: present.isEmpty
        ? (columns.isEmpty ? "no labels at all" : columns.joined(separator: ", ")) : "\(present.count)",
      advice: "name another column with --label, or add labels with `unfold store label`")
  }
}
