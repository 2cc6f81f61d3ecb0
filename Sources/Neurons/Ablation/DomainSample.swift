import Activations
import Diagnostics
import LinearAlgebra
import Transformer

/// Documents of every domain, as batches for the model.
struct DomainSample {
  private(set) var batches: [TokenBatch] = []
  /// For each batch the source's row of each token.
  private(set) var rows: [[Int]] = []
  private let domains: [String]
  /// For each batch the domain of each document.
  private var domainOf: [[Int]] = []
  private var specialRows: Set<Int> = []

  private static let batchTokens = 4096

  init(_ source: some ActivationSource, column: String, most: Int, seed: UInt64) throws {
    let table = try source.documents
    guard let labels = table.labels[column], labels.contains(where: { $0 != nil }) else {
      let names = table.labels.keys.sorted()
      throw Fault(
        .badData, "neurons.noLabels", "The documents have no labels of this name", place: column,
        expected: names.isEmpty ? "labelled documents" : "one of \(names.joined(separator: ", "))",
        found: names.isEmpty ? "no labels at all" : column,
        advice: "add labels with `unfold store label`, so that the loss can be compared by domain")
    }
    var documents: [String: [Int]] = [:]
    for document in 0..<table.count where table.tokenCounts[document] > 1 {
      if let label = labels[document] { documents[label.description, default: []].append(document) }
    }
    domains = documents.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    guard !domains.isEmpty else {
      throw Fault(
        .badData, "neurons.noTokens", "No document has two tokens, so nothing is predicted",
        expected: "documents of at least two tokens", found: "none")
    }
    var generator = SeededGenerator(seed: seed, stream: "ablation")
    var chosen: [(document: Int, domain: Int)] = []
    for (number, domain) in domains.enumerated() {
      let own = documents[domain] ?? []
      let some = own.count > most ? generator.choice(most, of: own.count).map { own[$0] } : own
      chosen += some.map { ($0, number) }
    }
    var (ids, lengths, places, kinds) = ([Int32](), [Int](), [Int](), [Int]())
    func close() {
      guard !lengths.isEmpty else { return }
      batches.append(TokenBatch(ids: ids, lengths: lengths))
      rows.append(places)
      domainOf.append(kinds)
      (ids, lengths, places, kinds) = ([], [], [], [])
    }
    for (document, domain) in chosen {
      let range = table.tokens(of: document)
      let tokens = try source.tokens(in: range)
      if ids.count + range.count > Self.batchTokens { close() }
      ids += tokens.ids
      lengths.append(range.count)
      places += range
      kinds.append(domain)
      for (offset, row) in range.enumerated() where tokens.special[offset] != 0 { specialRows.insert(row) }
    }
    close()
  }

  func special(_ rows: [Int]) -> [Bool] { rows.map { specialRows.contains($0) } }

  /// The change of the loss by domain and over all.
  func effects(
    before: [[Double?]], after: [[Double?]]
  ) -> (domains: [NeuronAblation.DomainEffect], all: NeuronAblation.DomainEffect) {
    var documents = domains.map { _ in [(loss: Double, change: Double, count: Int)]() }
    for (number, batch) in batches.enumerated() {
      for document in 0..<batch.documentCount {
        var sums = (loss: 0.0, change: 0.0, count: 0)
        for token in batch.rows(of: document) {
          guard let old = before[number][token], let new = after[number][token] else { continue }
          sums.loss += old
          sums.change += new - old
          sums.count += 1
        }
        if sums.count > 0 { documents[domainOf[number][document]].append(sums) }
      }
    }
    func effect(_ name: String, _ some: [(loss: Double, change: Double, count: Int)]) -> NeuronAblation.DomainEffect {
      let predictions = some.reduce(0) { $0 + $1.count }
      let count = Double(max(predictions, 1))
      let change = some.reduce(0) { $0 + $1.change } / count
      // The standard error of a ratio of sums over documents.
      let squares = some.reduce(0.0) { sum, document in
        let d = document.change - change * Double(document.count)
        return sum + d * d
      }
      let n = Double(some.count)
      return NeuronAblation.DomainEffect(
        domain: name, documents: some.count, predictions: predictions, loss: some.reduce(0) { $0 + $1.loss } / count,
        change: change, standardError: n > 1 ? (squares * n / (n - 1)).squareRoot() / count : 0)
    }
    return (zip(domains, documents).map { effect($0, $1) }, effect("all", documents.flatMap { $0 }))
  }

  /// The tokens whose loss grows most, at most one a document.
  func worst(
    _ count: Int, before: [[Double?]], after: [[Double?]]
  ) -> [(domain: String, change: Float, row: Int)] {
    var found: [(domain: String, change: Float, row: Int)] = []
    for (number, batch) in batches.enumerated() {
      for document in 0..<batch.documentCount {
        var best: (change: Double, row: Int)?
        for token in batch.rows(of: document) {
          guard let old = before[number][token], let new = after[number][token] else { continue }
          if new - old > best?.change ?? 0 { best = (new - old, rows[number][token]) }
        }
        if let best { found.append((domains[domainOf[number][document]], Float(best.change), best.row)) }
      }
    }
    found.sort { $0.change != $1.change ? $0.change > $1.change : $0.row < $1.row }
    return Array(found.prefix(count))
  }
}
