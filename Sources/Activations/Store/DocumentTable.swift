/// One row of the document table: a document, or a piece of one that was split.
public struct DocumentRow: Sendable, Equatable {
  public var id: String
  public var text: String?
  public var label: Label?
  /// Labels of the run's further columns (`StoreRun.labelColumns`), by name.
  public var labels: [String: Label] = [:]
  public var group: String?
  /// 0 for a whole document or its first piece, 1 for the second, …
  public var piece: Int32
  /// The row of the token table where the document begins, counted over the whole store.
  public var firstToken: Int
  public var tokenCount: Int

  public init(
    id: String, text: String? = nil, label: Label? = nil, group: String? = nil, piece: Int32 = 0, firstToken: Int,
    tokenCount: Int
  ) {
    self.id = id
    self.text = text
    self.label = label
    self.group = group
    self.piece = piece
    self.firstToken = firstToken
    self.tokenCount = tokenCount
  }

  /// The rows of the token table that belong to the document.
  public var tokens: Range<Int> { firstToken..<firstToken + tokenCount }
}

/// The documents of a source, column by column, without their texts (`ActivationSource.text(ofDocument:)` reads those).
public struct DocumentTable: Sendable, Equatable {
  /// The name of the label column that a corpus's own labels go to.
  public static let defaultLabels = "label"

  public var ids: [String]
  public var groups: [String?]
  public var pieces: [Int32]
  public var firstTokens: [Int]
  public var tokenCounts: [Int]
  /// A column of labels for each name; `label` holds the corpus's own. A column has an element a document.
  public var labels: [String: [Label?]]

  public init() {
    ids = []
    groups = []
    pieces = []
    firstTokens = []
    tokenCounts = []
    labels = [:]
  }

  public init(_ rows: some Sequence<DocumentRow>) {
    self.init()
    var column: [Label?] = []
    for row in rows {
      ids.append(row.id)
      groups.append(row.group)
      pieces.append(row.piece)
      firstTokens.append(row.firstToken)
      tokenCounts.append(row.tokenCount)
      column.append(row.label)
    }
    if column.contains(where: { $0 != nil }) { labels[Self.defaultLabels] = column }
  }

  public var count: Int { ids.count }

  /// Whether a document is the next piece of the one before it.
  public func continues(_ document: Int) -> Bool {
    document > 0 && pieces[document] > 0 && ids[document] == ids[document - 1]
  }

  /// The document that a row of the token table belongs to. O(log n).
  public func document(ofRow row: Int) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if firstTokens[middle] <= row { low = middle + 1 } else { high = middle }
    }
    // Empty documents begin where the next one does; the last that begins at or before the row holds it.
    return max(low - 1, 0)
  }

  /// The rows of the token table that belong to a document.
  public func tokens(of document: Int) -> Range<Int> {
    firstTokens[document]..<firstTokens[document] + tokenCounts[document]
  }
}
