/// The tokens of a run of rows, column by column.
public struct TokenTable: Sendable, Equatable {
  /// The vocabulary's ids.
  public var ids: [Int32]
  /// The place in the document's sequence, from 0.
  public var positions: [Int32]
  /// The row of the document table that the token belongs to.
  public var documents: [Int32]
  /// Where the token begins in the document's text, in Unicode scalars.
  public var starts: [Int32]
  /// Where it ends.
  public var ends: [Int32]
  /// 1 where the tokenizer added the token, 0 where it came from the text.
  public var special: [Int32]

  public init(
    ids: [Int32] = [], positions: [Int32] = [], documents: [Int32] = [], starts: [Int32] = [], ends: [Int32] = [],
    special: [Int32] = []
  ) {
    precondition(
      positions.count == ids.count && documents.count == ids.count && starts.count == ids.count
        && ends.count == ids.count && special.count == ids.count, "a token table's columns differ in length")
    self.ids = ids
    self.positions = positions
    self.documents = documents
    self.starts = starts
    self.ends = ends
    self.special = special
  }

  public var count: Int { ids.count }

  public mutating func append(
    id: Int32, position: Int32, document: Int32, start: Int32, end: Int32, special: Bool
  ) {
    ids.append(id)
    positions.append(position)
    documents.append(document)
    starts.append(start)
    ends.append(end)
    self.special.append(special ? 1 : 0)
  }

  public mutating func append(contentsOf other: TokenTable) {
    ids += other.ids
    positions += other.positions
    documents += other.documents
    starts += other.starts
    ends += other.ends
    special += other.special
  }

  mutating func removeAll() { self = TokenTable() }
}
