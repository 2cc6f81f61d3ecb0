/// The tokens of a model and those added to it: pieces by id, ids by piece.
struct Vocabulary: Sendable {
  /// Ids at or beyond this are refused: four million tokens are sixteen times the largest vocabulary in use.
  static let maximumID = 1 << 22

  private(set) var ids: ByteStringTable
  /// The pieces by id; nil where the numbering has a hole.
  private(set) var pieces: [String?] = []

  init(minimumCapacity: Int) {
    ids = ByteStringTable(minimumCapacity: minimumCapacity)
    pieces.reserveCapacity(minimumCapacity)
  }

  /// The number of tokens.
  var count: Int { ids.count }

  enum Outcome {
    case added
    case sameAsBefore
    /// The piece has this id already.
    case pieceHasID(Int32)
    /// The id belongs to this piece already.
    case idHasPiece(String)
  }

  /// Adds a piece; the id must lie in 0..<maximumID.
  mutating func add(_ piece: String, id: Int32) -> Outcome {
    let index = Int(id)
    if index < pieces.count, let holder = pieces[index] {
      return holder.utf8.elementsEqual(piece.utf8) ? .sameAsBefore : .idHasPiece(holder)
    }
    var piece = piece
    if let known = piece.withUTF8({ ids.insert($0, id) }) { return .pieceHasID(known) }
    while pieces.count <= index { pieces.append(nil) }
    pieces[index] = piece
    return .added
  }

  /// Gives an id its piece even where another id has the same; the piece then stands for the last.
  mutating func addRepeatable(_ piece: String, id: Int32) {
    var piece = piece
    piece.withUTF8 { ids.set($0, id) }
    while pieces.count <= Int(id) { pieces.append(nil) }
    pieces[Int(id)] = piece
  }

  func piece(_ id: Int32) -> String? {
    guard id >= 0, Int(id) < pieces.count else { return nil }
    return pieces[Int(id)]
  }
}
