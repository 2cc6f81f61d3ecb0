import Diagnostics
import StrictJSON

extension TokenizerReader {
  /// The tokens of `added_tokens`, and those that only the files beside the tokenizer.json name.
  func addedTokens(_ vocabulary: inout Vocabulary, _ normalizer: Normalizer?) throws -> AddedTokens {
    var builder = AddedTokensBuilder(vocabulary: vocabulary)
    for entry in try root.optional("added_tokens")?.array() ?? [] {
      try builder.add(token(entry, id: ModelReader.checkedID(entry.required("id"))), entry)
    }
    for file in neighbours {
      for (token, entry) in try tokens(ofNeighbour: file) { try builder.addFurther(token, entry) }
    }
    vocabulary = builder.vocabulary
    return try builder.tokens(normalizer)
  }

  private func token(_ entry: JSONReader, id: Int32) throws -> AddedTokens.Token {
    func flag(_ key: String, _ standard: Bool) throws -> Bool { try entry.optional(key)?.bool() ?? standard }
    let isSpecial = try flag("special", false)
    return AddedTokens.Token(
      id: id, content: try entry.required("content").string(), isSingleWord: try flag("single_word", false),
      stripsLeft: try flag("lstrip", false), stripsRight: try flag("rstrip", false),
      isNormalized: try flag("normalized", !isSpecial), isSpecial: isSpecial)
  }

  /// The tokens that a tokenizer_config.json (`added_tokens_decoder`, tokens by id) or an added_tokens.json (ids by token)
  /// names, in the order of their ids.
  private func tokens(ofNeighbour file: JSONReader) throws -> [(AddedTokens.Token, JSONReader)] {
    guard case .object = file.value else { return [] }
    var tokens: [(AddedTokens.Token, JSONReader)] = []
    if file.file.hasSuffix("added_tokens.json") {
      for (content, entry) in try file.members() {
        let token = AddedTokens.Token(
          id: try ModelReader.checkedID(entry), content: content, isSingleWord: false, stripsLeft: false,
          stripsRight: false, isNormalized: true, isSpecial: false)
        tokens.append((token, entry))
      }
    } else {
      for (key, entry) in try file.optional("added_tokens_decoder")?.members() ?? [] {
        guard let id = Int32(key), id >= 0, id < Vocabulary.maximumID else {
          throw entry.unexpected(
            "an id from 0 to \(Vocabulary.maximumID - 1) as the key", found: "\"\(key.prefix(80))\"")
        }
        tokens.append((try token(entry, id: id), entry))
      }
    }
    return tokens.sorted { $0.0.id < $1.0.id }
  }
}

/// Gathers the tokens that are found in a text before anything else, beside a model's vocabulary.
struct AddedTokensBuilder {
  private(set) var vocabulary: Vocabulary
  private var added: [Int32: AddedTokens.Token] = [:]
  private var ordered: [AddedTokens.Token] = []

  init(vocabulary: Vocabulary) { self.vocabulary = vocabulary }

  /// Adds a token; its piece and its id must not contradict the vocabulary.
  mutating func add(_ token: AddedTokens.Token, _ entry: JSONReader) throws {
    switch vocabulary.add(token.content, id: token.id) {
    case .added, .sameAsBefore: break
    case .pieceHasID(let other):
      throw Fault(
        .badData, "tokenizer.addedTokenMismatch", "An added token has another id in the vocabulary", file: entry.file,
        place: entry.path, expected: "\"\(token.content)\" with id \(other)", found: "id \(token.id)")
    case .idHasPiece(let other): throw ModelReader.duplicateID(entry, token.id, token.content, other)
    }
    append(token)
  }

  /// Adds a token that a file beside the tokenizer.json names; what the tokenizer.json says about a piece goes before.
  mutating func addFurther(_ token: AddedTokens.Token, _ entry: JSONReader) throws {
    var token = token
    if let known = vocabulary.ids.value(token.content) {
      if added[known] != nil { return }
      token.id = known
    } else if case .idHasPiece(let other) = vocabulary.add(token.content, id: token.id) {
      throw ModelReader.duplicateID(entry, token.id, token.content, other)
    }
    append(token)
  }

  /// Adds a token whose piece the vocabulary has.
  mutating func append(_ token: AddedTokens.Token) {
    added[token.id] = token
    if !token.content.isEmpty { ordered.append(token) }
  }

  /// The tokens ready to be found. Special ones come before the others where two have the same content.
  func tokens(_ normalizer: Normalizer?) throws -> AddedTokens {
    var result = AddedTokens()
    result.all = added
    for token in ordered.filter(\.isSpecial) + ordered.filter({ !$0.isSpecial }) {
      if !token.isNormalized {
        result.verbatim.add(token, pattern: Array(token.content.utf8))
        continue
      }
      var pattern = Array(token.content.utf8)
      if let normalizer {
        pattern = try pattern.withUnsafeBufferPointer { bytes in
          var text = AlignedText(document: bytes, source: 0..<bytes.count)
          try normalizer.apply(to: &text)
          return text.withBytes { Array($0) }
        }
      }
      result.normalized.add(token, pattern: pattern)
    }
    return result
  }
}
