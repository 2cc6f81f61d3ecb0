/// A labelled stretch of a document.
public struct SpanRow: Sendable, Equatable {
  /// The row of the document table.
  public var document: Int32
  /// The offset of its first Unicode scalar in the document's text.
  public var start: Int32
  /// The offset after its last.
  public var end: Int32
  public var label: Label

  public init(document: Int32, start: Int32, end: Int32, label: Label) {
    self.document = document
    self.start = start
    self.end = end
    self.label = label
  }
}

/// The token-level labels of a source, in the order of their documents.
public struct SpanTable: Sendable, Equatable {
  public var rows: [SpanRow]

  public init(_ rows: [SpanRow] = []) { self.rows = rows }

  public var count: Int { rows.count }

  /// The spans of one document. O(log n).
  public func spans(of document: Int) -> ArraySlice<SpanRow> {
    func lowerBound(_ wanted: Int) -> Int {
      var low = 0
      var high = rows.count
      while low < high {
        let middle = (low + high) / 2
        if Int(rows[middle].document) < wanted { low = middle + 1 } else { high = middle }
      }
      return low
    }
    return rows[lowerBound(document)..<lowerBound(document + 1)]
  }
}
