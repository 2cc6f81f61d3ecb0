import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// Documents of a source, by label, as batches for the model.
struct AblationSample {
  /// Some pieces of documents.
  struct Batch {
    var tokens = TokenBatch(ids: [], lengths: [])
    /// The source's row of each token.
    var rows: [Int] = []
    /// Whether the tokenizer added each token.
    var special: [Bool] = []
    /// The document of each piece.
    var documents: [Int] = []
    /// The document of each token.
    var documentOfToken: [Int] {
      documents.enumerated().flatMap { Array(repeating: $0.element, count: tokens.lengths[$0.offset]) }
    }
  }

  private(set) var batches: [Batch] = []
  /// The labels, in the order of their bytes; empty where the documents have none.
  let labels: [String]
  /// Each document's label; nil where it has none.
  private(set) var labelOf: [Int?] = []
  var documentCount: Int { labelOf.count }
  var tokenCount: Int { batches.reduce(0) { $0 + $1.tokens.count } }

  /// - Parameters:
  ///   - column: The labels' name.
  ///   - needsLabels: Whether documents without one are left out, and a source without any refused.
  ///   - most: A seeded choice of so many documents of each label; nil: all.
  ///   - batchTokens: Tokens of a batch at most, unless one piece is longer.
  /// - Throws: `neurons.noLabels`, `neurons.noTokens`.
  init(
    _ source: any ActivationSource, column: String, needsLabels: Bool, most: Int?, seed: UInt64, batchTokens: Int
  ) throws {
    let table = try source.documents
    let known = table.labels[column].flatMap { column in column.contains { $0 != nil } ? column : nil }
    guard known != nil || !needsLabels else { throw Self.noLabels(column, of: table) }
    // A document's pieces follow each other.
    var documents: [Range<Int>] = []
    for row in 0..<table.count {
      if table.continues(row), let last = documents.last {
        documents[documents.count - 1] = last.lowerBound..<row + 1
      } else {
        documents.append(row..<row + 1)
      }
    }
    var byLabel: [String: [Range<Int>]] = [:]
    var unlabelled: [Range<Int>] = []
    for document in documents where document.contains(where: { table.tokenCounts[$0] > 1 }) {
      if let label = known?[document.lowerBound] {
        byLabel[label.description, default: []].append(document)
      } else if !needsLabels {
        unlabelled.append(document)
      }
    }
    labels = byLabel.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    guard !labels.isEmpty || !unlabelled.isEmpty else {
      throw Fault(
        .badData, "neurons.noTokens", "No document has two tokens, so nothing is predicted",
        expected: "documents of at least two tokens", found: "none")
    }
    var generator = SeededGenerator(seed: seed, stream: "ablation")
    func chosen(_ own: [Range<Int>]) -> [Range<Int>] {
      guard let most, own.count > most else { return own }
      return generator.choice(most, of: own.count).map { own[$0] }
    }
    var open = Batch()
    var (ids, lengths) = ([Int32](), [Int]())
    func close() {
      guard !lengths.isEmpty else { return }
      open.tokens = TokenBatch(ids: ids, lengths: lengths)
      batches.append(open)
      (open, ids, lengths) = (Batch(), [], [])
    }
    for (label, some) in labels.enumerated().map({ ($0.offset as Int?, byLabel[$0.element] ?? []) }) + [
      (nil, unlabelled)
    ] {
      for document in chosen(some) {
        labelOf.append(label)
        for piece in document where table.tokenCounts[piece] > 1 {
          let range = table.tokens(of: piece)
          if ids.count + range.count > batchTokens { close() }
          let tokens = try source.tokens(in: range)
          ids += tokens.ids
          lengths.append(range.count)
          open.rows += range
          open.special += tokens.special.map { $0 != 0 }
          open.documents.append(labelOf.count - 1)
        }
      }
    }
    close()
  }

  private static func noLabels(_ column: String, of table: DocumentTable) -> Fault {
    let names = table.labels.keys.sorted()
    return Fault(
      .badData, "neurons.noLabels", "The documents have no labels of this name", place: column,
      expected: names.isEmpty ? "labelled documents" : "one of \(names.joined(separator: ", "))",
      found: names.isEmpty ? "no labels at all" : column,
      advice: "add labels with `unfold store label`, so that the loss can be compared by domain")
  }
}
