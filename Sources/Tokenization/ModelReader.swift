import Diagnostics
import StrictJSON

/// Reads the `model` of a tokenizer.json: its vocabulary at once, the rest when the tokens added to it are known.
struct ModelReader {
  let reader: JSONReader
  let type: String
  var vocabulary: Vocabulary
  /// The vocabulary without the added tokens.
  private let own: ByteStringTable
  private let ownPieces: [String?]
  /// Of a unigram model: the pieces' scores by id.
  private var scores: [Double] = []

  init(_ reader: JSONReader) throws {
    self.reader = reader
    type = try reader.optional("type")?.string() ?? Self.guessedType(reader)
    guard ["BPE", "WordPiece", "WordLevel", "Unigram"].contains(type) else {
      throw TokenizerReader.unsupported(reader, "model", type, known: "BPE, WordPiece, WordLevel or Unigram")
    }
    if type == "Unigram" {
      (vocabulary, scores) = try Self.scoredVocabulary(reader)
    } else {
      vocabulary = try Self.vocabulary(reader)
    }
    own = vocabulary.ids
    ownPieces = vocabulary.pieces
  }

  /// Older files do not name the model's type.
  private static func guessedType(_ reader: JSONReader) throws -> String {
    if try reader.optional("merges") != nil { return "BPE" }
    if case .array? = try reader.optional("vocab")?.value { return "Unigram" }
    return try reader.optional("max_input_chars_per_word") != nil ? "WordPiece" : "BPE"
  }

  // MARK: Vocabulary

  private static func vocabularyEntry(_ reader: JSONReader) throws -> JSONReader {
    if let entry = try reader.optional("vocab") { return entry }
    throw Fault(
      .badData, "tokenizer.missingVocabulary", "The tokenizer has no vocabulary", file: reader.file,
      place: reader.path, expected: "the key \"vocab\" with the tokens and their ids", found: "no such key")
  }

  /// A unigram model's pieces with their scores, in the order of their ids. Some files repeat a piece.
  private static func scoredVocabulary(_ reader: JSONReader) throws -> (Vocabulary, [Double]) {
    let entry = try vocabularyEntry(reader)
    guard case .array(let elements) = entry.value, elements.count < Vocabulary.maximumID else {
      throw entry.unexpected("an array of fewer than \(Vocabulary.maximumID) pairs of a token and its score")
    }
    var vocabulary = Vocabulary(minimumCapacity: elements.count)
    var scores: [Double] = []
    scores.reserveCapacity(elements.count)
    for (id, element) in elements.enumerated() {
      guard case .array(let pair) = element, pair.count == 2, case .string(let piece) = pair[0] else {
        throw JSONReader(element, file: entry.file, path: "\(entry.path)[\(id)]").unexpected("a token and its score")
      }
      let score = try JSONReader(pair[1], file: entry.file, path: "\(entry.path)[\(id)][1]").number()
      vocabulary.addRepeatable(piece, id: Int32(truncatingIfNeeded: id))
      scores.append(score)
    }
    return (vocabulary, scores)
  }

  private static func vocabulary(_ reader: JSONReader) throws -> Vocabulary {
    let entry = try vocabularyEntry(reader)
    guard case .object(let object) = entry.value else { throw entry.unexpected("an object of tokens and ids") }
    var vocabulary = Vocabulary(minimumCapacity: object.members.count)
    for member in object.members {
      func place() -> JSONReader {
        JSONReader(member.value, file: entry.file, path: "\(entry.path).\(member.key)")
      }
      guard case .integer(let id) = member.value, id >= 0, id < Vocabulary.maximumID else {
        _ = try checkedID(place())
        continue
      }
      if case .idHasPiece(let other) = vocabulary.add(member.key, id: Int32(id)) {
        throw duplicateID(place(), Int32(id), member.key, other)
      }
    }
    return vocabulary
  }

  static func checkedID(_ reader: JSONReader) throws -> Int32 {
    let id = try reader.integer()
    guard id >= 0, id < Vocabulary.maximumID else {
      throw Fault(
        .badData, "tokenizer.idOutOfRange", "A token's id is out of range", file: reader.file, place: reader.path,
        expected: "0 to \(Vocabulary.maximumID - 1)", found: "\(id)")
    }
    return Int32(id)
  }

  static func duplicateID(_ reader: JSONReader, _ id: Int32, _ piece: String, _ other: String) -> Fault {
    Fault(
      .badData, "tokenizer.duplicateID", "Two tokens have the same id", file: reader.file, place: reader.path,
      expected: "an id for each token", found: "\(id) for \"\(other)\" and for \"\(piece)\"")
  }

  /// Whether every byte that occurs in UTF-8 is a token by itself, and words are spelt plainly.
  var spellsEveryByte: Bool {
    guard type == "BPE" else { return false }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = try? reader.optional(key)?.string(), !text.isEmpty { return false }
    }
    return ByteAlphabet.scalars.enumerated().allSatisfy { byte, value in
      if byte == 0xC0 || byte == 0xC1 || byte >= 0xF5 { return true }
      return Unicode.Scalar(value).map { own.value(String($0)) != nil } ?? false
    }
  }

  // MARK: The model

  func model(readsBytes: Bool) throws -> Tokenizer.Model {
    switch type {
    case "WordPiece": return .wordPiece(try wordPiece())
    case "WordLevel":
      return .wordLevel(WordLevelModel(words: own, unknown: try unknownName().flatMap { own.value($0) }))
    case "Unigram": return .unigram(try unigram())
    default: return .bytePairs(try bytePairs(readsBytes: readsBytes))
    }
  }

  /// The complaint about a word that needs an unknown token where the vocabulary has none.
  func missingUnknown() throws -> MissingUnknownToken {
    let key = type == "Unigram" ? "unk_id" : "unk_token"
    return MissingUnknownToken(file: reader.file, place: "\(reader.path).\(key)", name: try unknownName())
  }

  private func unknownName() throws -> String? {
    switch type {
    case "Unigram": nil
    case "BPE": try reader.optional("unk_token")?.string()
    default: try reader.optional("unk_token")?.string() ?? (type == "WordPiece" ? "[UNK]" : "<unk>")
    }
  }

  private func wordPiece() throws -> WordPieceModel {
    let limit = try reader.optional("max_input_chars_per_word")
    let maximum = try limit?.integer() ?? 100
    guard maximum >= 0 else { throw (limit ?? reader).unexpected("a count of characters") }
    return WordPieceModel(
      words: own, pieces: ownPieces, prefix: try reader.optional("continuing_subword_prefix")?.string() ?? "##",
      unknown: try unknownName().flatMap { own.value($0) }, maximumScalars: maximum)
  }

  private func unigram() throws -> UnigramModel {
    var unknown: Int32?
    if let entry = try reader.optional("unk_id") {
      let id = try entry.integer()
      guard scores.indices.contains(id) else {
        throw entry.unexpected("the id of one of the vocabulary's \(scores.count) tokens")
      }
      unknown = Int32(truncatingIfNeeded: id)
    }
    let bytes = try reader.optional("byte_fallback")?.bool() ?? false ? byteTokens() : nil
    return try UnigramModel(
      pieces: own, spelling: ownPieces, scores: scores, unknown: unknown, byteFallback: bytes, file: reader.file,
      place: reader.path)
  }

  /// The ids of `<0x00>` … `<0xFF>`, with −1 for one that is missing.
  private func byteTokens() -> [Int32] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return own.value("<0x\(byte < 16 ? "0" : "")\(digits)>") ?? -1
    }
  }

  private func bytePairs(readsBytes: Bool) throws -> BytePairModel {
    if let dropout = try reader.optional("dropout"), try dropout.number() > 0 {
      throw dropout.unexpected(
        "null or 0", advice: "set it to null in the file: with dropout the same text gives other tokens each time")
    }
    let prefix = try reader.optional("continuing_subword_prefix")?.string() ?? ""
    let name = try unknownName()
    let unknown = name.flatMap { own.value($0) }
    let byteFallback = try reader.optional("byte_fallback")?.bool() ?? false ? byteTokens() : nil
    let ignoresMerges = try reader.optional("ignore_merges")?.bool() ?? false
    var words = own
    let alphabet: BytePairModel.Alphabet
    if readsBytes {
      alphabet = .bytes(
        ByteAlphabet.scalars.map { value in Unicode.Scalar(value).flatMap { own.value(String($0)) } ?? -1 })
      words = ignoresMerges ? Self.byteWords(ownPieces) : ByteStringTable(minimumCapacity: 0)
    } else {
      alphabet = .scalars(BytePairModel.ScalarIDs(ownPieces))
    }
    return BytePairModel(
      alphabet: alphabet, merges: try merges(prefix: Array(prefix.utf8)), words: words, ignoresMerges: ignoresMerges,
      unknown: unknown, refusesUnknown: name != nil && unknown == nil,
      fusesUnknown: try reader.optional("fuse_unk")?.bool() ?? false, byteFallback: byteFallback,
      continuingPrefix: Array(prefix.utf8),
      endSuffix: Array((try reader.optional("end_of_word_suffix")?.string() ?? "").utf8))
  }

  /// The pieces by the bytes they stand for; those with characters outside the alphabet stand for none.
  static func byteWords(_ pieces: [String?]) -> ByteStringTable {
    var words = ByteStringTable(minimumCapacity: pieces.count)
    for (id, piece) in pieces.enumerated() {
      guard let piece, let bytes = ByteAlphabet.bytes(of: piece.unicodeScalars) else { continue }
      _ = bytes.withUnsafeBufferPointer { words.insert($0, Int32(id)) }
    }
    return words
  }

  /// The merges, written as pairs (`["Ġ", "t"]`) or as strings (`"Ġ t"`).
  private func merges(prefix: [UInt8]) throws -> PairTable {
    guard let entry = try reader.optional("merges") else {
      throw Fault(
        .badData, "tokenizer.missingMerges", "A byte-pair tokenizer has no merges", file: reader.file,
        place: reader.path, expected: "the key \"merges\" with an array of pairs", found: "no such key",
        advice: "get the tokenizer.json again, or convert the tokenizer anew")
    }
    guard case .array(let elements) = entry.value else { throw entry.unexpected("an array of pairs") }
    var table = PairTable(minimumCapacity: elements.count)
    var joined: [UInt8] = []
    var rank: UInt32 = 0
    for (index, element) in elements.enumerated() {
      func bad(_ expected: String, _ found: String) -> Fault {
        Fault(
          .badData, "tokenizer.badMerge", "A merge of the tokenizer cannot be used", file: entry.file,
          place: "\(entry.path)[\(index)]", expected: expected, found: found)
      }
      var left: String
      var right: String
      switch element {
      case .array(let pair):
        guard pair.count == 2, case .string(let first) = pair[0], case .string(let second) = pair[1] else {
          throw bad("two strings", "an array of \(pair.count) elements")
        }
        (left, right) = (first, second)
      case .string(let text):
        if index == 0, text.utf8.starts(with: "#version".utf8) { continue }
        let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw bad("two tokens with a space between", "\"\(text)\"") }
        (left, right) = (String(Substring(parts[0])), String(Substring(parts[1])))
      default: throw bad("two tokens", element.kind)
      }
      guard let leftID = own.value(left) else { throw bad("tokens of the vocabulary", "\"\(left)\"") }
      guard let rightID = own.value(right) else { throw bad("tokens of the vocabulary", "\"\(right)\"") }
      joined.removeAll(keepingCapacity: true)
      left.withUTF8 { joined.append(contentsOf: $0) }
      // The second token loses the prefix that marks it as a continuation: as many bytes as the prefix has.
      right.withUTF8 { joined.append(contentsOf: $0.dropFirst(prefix.count)) }
      guard let merged = own.value(joined) else {
        throw bad("a merge that makes a token of the vocabulary", "\"\(String(decoding: joined, as: UTF8.self))\"")
      }
      table.set(leftID, rightID, rank: rank, merged: merged)
      rank += 1
    }
    return table
  }

  func mayCutBeforeWordMarks(_ model: BytePairModel) -> Bool { Self.mayCutBeforeWordMarks(model, ownPieces) }

  /// Whether a text may be cut before each run of "▁" without changing its tokens: no merge makes a token with a "▁"
  /// after another character, and "▁" itself is a token.
  static func mayCutBeforeWordMarks(_ model: BytePairModel, _ pieces: [String?]) -> Bool {
    guard !model.ignoresMerges, model.continuingPrefix.isEmpty, model.endSuffix.isEmpty else { return false }
    let mark: Unicode.Scalar = "▁"
    var hasMark = false
    for case let piece? in pieces {
      var afterOther = false
      for scalar in piece.unicodeScalars {
        if scalar == mark, afterOther { return false }
        if scalar != mark { afterOther = true }
      }
      if piece.utf8.elementsEqual("▁".utf8) { hasMark = true }
    }
    return hasMark
  }
}
