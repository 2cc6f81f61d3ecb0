import LinearAlgebra
import Transformer

/// The documents that are run at once, and where they go in the store.
struct CaptureBatch {
  let pieces: [DocumentPiece]
  let tokens: TokenBatch
  /// The number that the batch's first token, and its first document, have in the store.
  let firstToken: Int
  let firstDocument: Int
  /// The rows that statistics are of, with the documents' numbers in the store.
  let runs: [ColumnGatherer.Run]
  let rowKind: RowKind

  init(
    _ pieces: [DocumentPiece], firstToken: Int, firstDocument: Int, countsSpecialTokens: Bool, rowKind: RowKind
  ) {
    self.pieces = pieces
    self.firstToken = firstToken
    self.firstDocument = firstDocument
    self.rowKind = rowKind
    tokens = TokenBatch(documents: pieces.map(\.ids))
    var runs: [ColumnGatherer.Run] = []
    for (index, piece) in pieces.enumerated() {
      let start = tokens.starts[index]
      let document = Int32(clamping: firstDocument + index)
      var open: Int?
      for token in piece.special.indices where countsSpecialTokens || !piece.special[token] {
        if let last = runs.last, open != nil, last.rows.upperBound == start + token {
          runs[runs.count - 1].rows = last.rows.lowerBound..<start + token + 1
        } else {
          runs.append(.init(rows: start + token..<start + token + 1, document: document))
          open = token
        }
      }
    }
    self.runs = runs
  }

  /// Rows of a site's dataset in this batch: tokens, or documents where they are pooled.
  var rowCount: Int { rowKind == .token ? tokens.count : pieces.count }
  /// The number of the first of them in the store.
  var firstRow: Int { rowKind == .token ? firstToken : firstDocument }
  /// The runs of the rows of a dataset; where documents are pooled, each is a row.
  var datasetRuns: [ColumnGatherer.Run] {
    guard rowKind == .document else { return runs }
    return pieces.indices.map { .init(rows: $0..<$0 + 1, document: Int32(clamping: firstDocument + $0)) }
  }

  /// The runs of the rows that some of the batch's tokens have, ascending, for those that statistics are of.
  func runs(ofTokens tokens: [Int]) -> [ColumnGatherer.Run] {
    var result: [ColumnGatherer.Run] = []
    var place = 0
    for (row, token) in tokens.enumerated() {
      while place < runs.count, runs[place].rows.upperBound <= token { place += 1 }
      guard place < runs.count, runs[place].rows.contains(token) else { continue }
      let document = runs[place].document
      if let last = result.last, last.document == document, last.rows.upperBound == row {
        result[result.count - 1].rows = last.rows.lowerBound..<row + 1
      } else {
        result.append(.init(rows: row..<row + 1, document: document))
      }
    }
    return result
  }

  var documentRows: [DocumentRow] {
    pieces.enumerated().map { index, piece in
      var row = DocumentRow(
        id: piece.id, text: piece.text, label: piece.label, group: piece.group, piece: Int32(clamping: piece.number),
        firstToken: firstToken + tokens.starts[index], tokenCount: piece.ids.count)
      row.labels = piece.labels
      return row
    }
  }

  var tokenTable: TokenTable {
    TokenTable(
      ids: tokens.ids, positions: pieces.flatMap { $0.ids.indices.map { Int32($0) } },
      documents: pieces.enumerated().flatMap { index, piece in
        repeatElement(Int32(clamping: firstDocument + index), count: piece.ids.count)
      },
      starts: pieces.flatMap(\.starts), ends: pieces.flatMap(\.ends),
      special: pieces.flatMap { $0.special.map { $0 ? 1 : 0 } })
  }

  var spanRows: [SpanRow] {
    pieces.enumerated().flatMap { index, piece in
      piece.spans.map {
        SpanRow(
          document: Int32(clamping: firstDocument + index), start: Int32(clamping: $0.start),
          end: Int32(clamping: $0.end), label: $0.label)
      }
    }
  }

  /// The number in the batch of the document that a token belongs to.
  func document(ofToken token: Int) -> Int {
    // The last document that begins at or before the token.
    var low = 0
    var high = pieces.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if tokens.starts[middle] <= token { low = middle } else { high = middle }
    }
    return low
  }
}
