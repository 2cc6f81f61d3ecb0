import Activations
import LinearAlgebra

/// Documents of a source in an order that follows from their tokens and a seed, not from the order of the corpus.
///
/// Each document's key is a hash of its token ids and the seed; equal documents are told apart by counting them, and are
/// exchangeable. The smallest keys make the sample, so that the same documents in another order give the same one.
package struct DocumentSample: Sendable {
  /// Rows of the document table, a document's pieces together, in the sample's order. Where the source has no such table
  /// each of its rows is a document.
  package let documents: [Range<Int>]
  /// Whether these are all the source's.
  package let isWhole: Bool
  /// The units that intervals draw again: the documents, or where these are many, groups of them by the same order.
  package let units: Int
  /// Of each row of the document table the unit; -1 where it is not in the sample.
  package private(set) var unitOfRow: [Int32]

  /// More units than this narrow no interval and cost memory.
  package static let mostUnits = 2000

  /// One pass over the source's tokens; memory for 40 bytes a document.
  ///
  /// - Parameters:
  ///   - most: how many rows the sample has at least, where not all; whole documents are taken.
  ///   - counting: whether tokens that the tokenizer added count as rows.
  ///   - units: how many units at most.
  package init(
    of source: any ActivationSource, seed: UInt64, most: Int? = nil, specialTokens: Bool = false,
    units mostUnits: Int = DocumentSample.mostUnits
  ) throws {
    let table = try source.documents
    let tableRows = table.count > 0 ? table.count : source.rowCount
    var whole: [Range<Int>] = []
    var documentOfRow = [Int32](repeating: 0, count: tableRows)
    for row in 0..<tableRows {
      if table.count > 0, table.continues(row) {
        whole[whole.count - 1] = whole[whole.count - 1].lowerBound..<row + 1
      } else {
        whole.append(row..<row + 1)
      }
      documentOfRow[row] = Int32(truncatingIfNeeded: whole.count - 1)
    }
    var hashes = [UInt64](repeating: 0, count: whole.count)
    var sizes = [Int](repeating: 0, count: whole.count)
    if table.count == 0 || source.rowKind == .document { sizes = whole.map(\.count) }
    if table.count == 0 { hashes = whole.indices.map { UInt64($0) } }
    for start in stride(from: 0, to: table.count > 0 ? source.tokenCount : 0, by: 1 << 16) {
      let tokens = try source.tokens(in: start..<min(start + 1 << 16, source.tokenCount))
      for place in tokens.ids.indices {
        let document = Int(documentOfRow[Int(tokens.documents[place])])
        hashes[document] = SeededGenerator.mix(hashes[document] ^ UInt64(UInt32(bitPattern: tokens.ids[place])))
        if source.rowKind == .token, specialTokens || tokens.special[place] == 0 { sizes[document] += 1 }
      }
    }
    var copies: [UInt64: UInt64] = [:]
    let keys = hashes.map { hash in
      let copy = copies[hash, default: 0]
      copies[hash] = copy + 1
      return SeededGenerator.mix(SeededGenerator.mix(hash ^ SeededGenerator.mix(seed)) &+ copy)
    }
    let order = whole.indices.filter { sizes[$0] > 0 }.sorted { (keys[$0], $0) < (keys[$1], $1) }
    var (chosen, size) = ([Range<Int>](), 0)
    for document in order where size < most ?? .max {
      chosen.append(whole[document])
      size += sizes[document]
    }
    documents = chosen
    isWhole = chosen.count == order.count
    units = min(chosen.count, max(2, mostUnits))
    unitOfRow = [Int32](repeating: -1, count: tableRows)
    for (place, rows) in chosen.enumerated() {
      for row in rows { unitOfRow[row] = Int32(place % units) }
    }
  }
}
