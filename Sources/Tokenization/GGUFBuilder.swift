import Diagnostics

/// Makes the parts of a tokenizer from the values of a GGUF file.
struct GGUFBuilder {
  enum TokenType: Int32 {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  let source: GGUFVocabulary
  let file: String
  /// The pieces by id, spelt as in a tokenizer.json.
  private(set) var pieces: [String]
  private(set) var namedIDs: [String: Int32] = [:]
  private(set) var endIDs: [Int32] = []

  init(_ source: GGUFVocabulary, file: String) throws {
    self.source = source
    self.file = file
    pieces = source.tokens
    guard Self.models.contains(source.model) else {
      throw Fault(
        .badData, "tokenizer.unsupported", "The file has a vocabulary that Unfold does not know", file: file,
        place: "tokenizer.ggml.model", expected: Self.models.joined(separator: ", "), found: "\"\(source.model)\"",
        advice: "use the model's folder in Hugging Face layout, or give tokens in place of text")
    }
    guard !source.tokens.isEmpty, source.tokens.count < Vocabulary.maximumID else {
      throw bad("tokens", "1 to \(Vocabulary.maximumID - 1) tokens", "\(source.tokens.count)")
    }
    func check(_ count: Int, _ key: String, isNeeded: Bool) throws {
      if count == source.tokens.count || (count == 0 && !isNeeded) { return }
      throw bad(key, "\(source.tokens.count), one for each token", "\(count)")
    }
    try check(source.types.count, "token_type", isNeeded: false)
    try check(source.scores.count, "scores", isNeeded: source.model == "llama" || source.model == "t5")
    if let id = source.scores.firstIndex(where: \.isNaN) { throw bad("scores[\(id)]", "a number", "nan") }
    for (id, piece) in pieces.enumerated() where piece.isEmpty { pieces[id] = "[EMPTY_\(id)]" }
    try nameIDs()
  }

  static let models = ["gpt2", "llama", "bert", "t5", "gemma4"]

  func bad(_ key: String, _ expected: String, _ found: String) -> Fault {
    Fault(
      .badData, "tokenizer.badVocabulary", "The file's vocabulary contradicts itself", file: file,
      place: "tokenizer.ggml.\(key)", expected: expected, found: found, advice: "convert or get the file again")
  }

  // MARK: Special tokens

  private mutating func nameIDs() throws {
    // What files leave out because it is the custom.
    let customary: [String: Int] =
      switch source.model {
      case "llama": ["bos_token": 1, "eos_token": 2, "unk_token": 0]
      case "bert": ["cls_token": 101, "sep_token": 102, "unk_token": 100, "pad_token": 0, "mask_token": 103]
      case "t5": ["eos_token": 1, "unk_token": 2, "pad_token": 0]
      default: [:]
      }
    let isBERT = source.model == "bert"
    for (name, key, given) in [
      ("bos_token", "bos_token_id", source.beginID), ("eos_token", "eos_token_id", source.endID),
      ("unk_token", "unknown_token_id", source.unknownID), ("sep_token", "seperator_token_id", source.separatorID),
      ("pad_token", "padding_token_id", source.paddingID), ("mask_token", "mask_token_id", source.maskID),
      ("cls_token", "cls_token_id", source.classificationID ?? (isBERT ? source.beginID : nil)),
    ] {
      if let given {
        namedIDs[name] = try checked(given, key)
      } else if let id = customary[name], id < source.tokens.count {
        namedIDs[name] = Int32(truncatingIfNeeded: id)
      }
    }
    endIDs = namedIDs["eos_token"].map { [$0] } ?? []
    for id in source.furtherEndIDs {
      let id = try checked(id, "eot_token_id or eom_token_id")
      if !endIDs.contains(id) { endIDs.append(id) }
    }
  }

  private func checked(_ id: Int, _ key: String) throws -> Int32 {
    guard source.tokens.indices.contains(id) else {
      throw bad(key, "an id below \(source.tokens.count)", "\(id)")
    }
    return Int32(truncatingIfNeeded: id)
  }

  /// What is put around a text.
  private func postProcessor(addsBegin: Bool, addsEnd: Bool, addsSeparator: Bool = false) -> PostProcessor {
    var result = PostProcessor()
    if source.model == "bert" {
      if source.addsBegin ?? true, let id = namedIDs["cls_token"] { result.prefix = [id] }
      if source.addsSeparator ?? true, let id = namedIDs["sep_token"] { result.suffix = [id] }
      return result
    }
    if source.addsBegin ?? addsBegin, let id = namedIDs["bos_token"] { result.prefix = [id] }
    if source.addsEnd ?? addsEnd, let id = namedIDs["eos_token"] {
      result.suffix = [id]
    } else if source.addsSeparator ?? addsSeparator, let id = namedIDs["sep_token"] {
      result.suffix = [id]
    }
    return result
  }

  func type(_ id: Int) -> TokenType {
    source.types.isEmpty ? .normal : TokenType(rawValue: source.types[id]) ?? .normal
  }

  /// The tokens that are found before anything else happens to a text.
  private func addedTokens(_ vocabulary: Vocabulary, alsoAdded: (String) -> Bool = { _ in false }) throws -> AddedTokens
  {
    var builder = AddedTokensBuilder(vocabulary: vocabulary)
    for (id, piece) in pieces.enumerated() {
      let type = type(id)
      let isSpecial = type == .control || type == .unknown
      guard isSpecial || type == .userDefined || alsoAdded(piece) else { continue }
      builder.append(
        AddedTokens.Token(
          id: Int32(truncatingIfNeeded: id), content: piece, isSingleWord: false, stripsLeft: false, stripsRight: false,
          isNormalized: false, isSpecial: isSpecial))
    }
    return try builder.tokens(nil)
  }

  private func vocabulary() -> Vocabulary {
    var vocabulary = Vocabulary(minimumCapacity: pieces.count)
    for (id, piece) in pieces.enumerated() { vocabulary.addRepeatable(piece, id: Int32(truncatingIfNeeded: id)) }
    return vocabulary
  }

  private var missingUnknown: MissingUnknownToken {
    MissingUnknownToken(file: file, place: "tokenizer.ggml.unknown_token_id", name: nil)
  }

  // MARK: Models

  func parts() throws -> TokenizerParts {
    switch source.model {
    case "llama": try sentencePieceParts()
    case "bert": try wordPieceParts()
    case "t5": try unigramParts()
    case "gemma4": try characterPairParts(cut: #"[^\n]+|[\n]+"#)
    default: try bytePairParts()
    }
  }

  private func bytePairParts() throws -> TokenizerParts {
    let name = source.preTokenizer ?? "default"
    guard let cut = GGUFCut.named(name) else {
      throw Fault(
        .badData, "tokenizer.unsupported", "The vocabulary cuts texts in a way that Unfold does not know", file: file,
        place: "tokenizer.ggml.pre", expected: GGUFCut.names.joined(separator: ", "), found: "\"\(name)\"",
        advice: "use the model's folder in Hugging Face layout, or give tokens in place of text")
    }
    if !cut.readsBytes { return try characterPairParts(cut: cut.patterns[0]) }
    let vocabulary = vocabulary()
    var steps = try cut.patterns.map(step)
    let bytes = ByteAlphabet.scalars.map { value in
      Unicode.Scalar(value).flatMap { vocabulary.ids.value(String($0)) } ?? -1
    }
    let readsBytes = bytes.enumerated().allSatisfy { byte, id in id >= 0 || [0xC0, 0xC1].contains(byte) || byte >= 0xF5
    }
    if !readsBytes { steps.append(.byteLevel) }
    let ignores = cut.ignoresMerges
    let words =
      !ignores
      ? ByteStringTable(minimumCapacity: 0) : readsBytes ? ModelReader.byteWords(pieces) : vocabulary.ids
    let model = BytePairModel(
      alphabet: readsBytes ? .bytes(bytes) : .scalars(BytePairModel.ScalarIDs(pieces)),
      merges: try merges(vocabulary.ids), words: words, ignoresMerges: ignores, unknown: namedIDs["unk_token"],
      refusesUnknown: false, fusesUnknown: false, byteFallback: nil, continuingPrefix: [], endSuffix: [])
    return TokenizerParts(
      vocabulary: vocabulary, added: try addedTokens(vocabulary),
      normalizer: cut.composes ? .unicode(.canonicalComposition) : nil, preTokenizer: .sequence(steps),
      model: .bytePairs(model), missingUnknown: missingUnknown,
      postProcessor: postProcessor(addsBegin: cut.addsBegin, addsEnd: false, addsSeparator: cut.addsSeparator),
      decoder: .byteLevel, isByteLevel: true)
  }

  private func step(_ pattern: String) throws -> PreTokenizer {
    if let scanner = WordScanner(pattern: pattern) { return .scanner(scanner) }
    let regex = try RegularExpression(pattern, file: file, place: "tokenizer.ggml.pre")
    return .split(.regex(regex), .isolated, inverted: false)
  }

  /// Byte pairs over characters, spaces written as word marks; tokens of line ends are found first.
  private func characterPairParts(cut: String) throws -> TokenizerParts {
    let vocabulary = vocabulary()
    let model = BytePairModel(
      alphabet: .scalars(BytePairModel.ScalarIDs(pieces)), merges: try merges(vocabulary.ids),
      words: ByteStringTable(minimumCapacity: 0), ignoresMerges: false, unknown: namedIDs["unk_token"],
      refusesUnknown: false, fusesUnknown: true, byteFallback: byteTokens(vocabulary.ids), continuingPrefix: [],
      endSuffix: [])
    return TokenizerParts(
      vocabulary: vocabulary,
      added: try addedTokens(vocabulary) { piece in piece.utf8.allSatisfy { $0 == 0x0A } },
      normalizer: Self.marksSpaces, preTokenizer: try step(cut), model: .bytePairs(model),
      missingUnknown: missingUnknown, postProcessor: postProcessor(addsBegin: true, addsEnd: false),
      decoder: Self.sentencePieceDecoder(stripsFirst: false), isByteLevel: false)
  }

  private func sentencePieceParts() throws -> TokenizerParts {
    let vocabulary = vocabulary()
    let spelling = spelling([.normal, .userDefined, .unused])
    let model = BytePairModel(
      alphabet: .scalars(BytePairModel.ScalarIDs(spelling)), merges: scoredMerges(spelling),
      words: ByteStringTable(minimumCapacity: 0), ignoresMerges: false, unknown: namedIDs["unk_token"],
      refusesUnknown: false, fusesUnknown: true, byteFallback: byteTokens(vocabulary.ids), continuingPrefix: [],
      endSuffix: [])
    let addsPrefix = source.addsSpacePrefix ?? true
    return TokenizerParts(
      vocabulary: vocabulary, added: try addedTokens(vocabulary),
      normalizer: addsPrefix ? .sequence([.prepend([0x2581]), Self.marksSpaces]) : Self.marksSpaces,
      preTokenizer: ModelReader.mayCutBeforeWordMarks(model, spelling) ? .beforeWordMarks : nil,
      model: .bytePairs(model), missingUnknown: missingUnknown,
      postProcessor: postProcessor(addsBegin: true, addsEnd: false),
      decoder: Self.sentencePieceDecoder(stripsFirst: addsPrefix), isByteLevel: false)
  }

  private func unigramParts() throws -> TokenizerParts {
    let vocabulary = vocabulary()
    var kept = ByteTrie()
    var scores = source.scores.map(Double.init)
    var lowest = Float.infinity
    for (id, piece) in pieces.enumerated() {
      switch type(id) {
      case .normal: lowest = min(lowest, source.scores[id])
      case .userDefined:
        scores[id] = 0
        // Where this trie has no room, neither has that of all pieces, which says so.
        _ = kept.insert(piece.utf8, Int32(truncatingIfNeeded: id))
      default: break
      }
    }
    let spelling = spelling([.normal, .userDefined, .unused])
    var model = try UnigramModel(
      pieces: ByteStringTable(minimumCapacity: 0), spelling: spelling, scores: scores, unknown: namedIDs["unk_token"],
      byteFallback: nil, file: file, place: "tokenizer.ggml.tokens")
    model.unknownScore = Double((lowest.isFinite ? lowest : 0) - 10)
    let map = source.characterMap
    let addsPrefix = source.addsSpacePrefix ?? true
    let normalization = SentencePieceNormalization(
      map: map.isEmpty
        ? nil : try CharacterMap(map, file: file, place: "tokenizer.ggml.precompiled_charsmap"),
      kept: kept, addsPrefix: addsPrefix, mergesSpaces: source.removesExtraWhitespace ?? false)
    return TokenizerParts(
      vocabulary: vocabulary, added: try addedTokens(vocabulary), normalizer: .sentencePiece(normalization),
      preTokenizer: nil, model: .unigram(model), missingUnknown: missingUnknown,
      postProcessor: postProcessor(addsBegin: false, addsEnd: true),
      decoder: Self.sentencePieceDecoder(stripsFirst: addsPrefix), isByteLevel: false)
  }

  private func wordPieceParts() throws -> TokenizerParts {
    var builder = self
    builder.spellAsWordPiece()
    let vocabulary = builder.vocabulary()
    let lowercase = source.lowercases ?? true
    let model = WordPieceModel(
      words: vocabulary.ids, pieces: builder.pieces, prefix: "##", unknown: namedIDs["unk_token"], maximumScalars: 100)
    return TokenizerParts(
      vocabulary: vocabulary, added: try builder.addedTokens(vocabulary),
      normalizer: .bert(
        BertNormalization(
          cleanText: true, handleChineseCharacters: true, stripAccents: source.stripsAccents ?? lowercase,
          lowercase: lowercase)),
      preTokenizer: .sequence([.characters(.whitespace, .removed), .characters(.bertPunctuation, .isolated)]),
      model: .wordPiece(model), missingUnknown: missingUnknown,
      postProcessor: postProcessor(addsBegin: true, addsEnd: false),
      decoder: .wordPiece(prefix: "##", cleansUp: true), isByteLevel: false)
  }

  /// Files mark a word's beginning with "▁" rather than its continuation with "##"; bracketed tokens have neither.
  private mutating func spellAsWordPiece() {
    guard pieces.contains(where: { $0.utf8.starts(with: "▁".utf8) }) else { return }
    for (id, piece) in pieces.enumerated() {
      if piece.utf8.starts(with: "▁".utf8) {
        pieces[id] = String(decoding: piece.utf8.dropFirst("▁".utf8.count), as: UTF8.self)
      } else if type(id) == .normal, !(piece.utf8.first == 0x5B && piece.utf8.last == 0x5D && piece.utf8.count > 2) {
        pieces[id] = "##" + piece
      }
    }
  }

  // MARK: Tables

  /// The pieces by id, nil for those of other types than these.
  private func spelling(_ types: Set<TokenType>) -> [String?] {
    pieces.enumerated().map { types.contains(type($0)) ? $1 : nil }
  }

  private func byteTokens(_ ids: ByteStringTable) -> [Int32] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return ids.value("<0x\(byte < 16 ? "0" : "")\(digits)>") ?? -1
    }
  }

  private func merges(_ ids: ByteStringTable) throws -> PairTable {
    guard !source.merges.isEmpty else {
      throw Fault(
        .badData, "tokenizer.missingMerges", "A byte-pair tokenizer has no merges", file: file,
        place: "tokenizer.ggml.merges", expected: "pairs of tokens", found: "none",
        advice: "convert the model anew")
    }
    var table = PairTable(minimumCapacity: source.merges.count)
    for (rank, merge) in source.merges.enumerated() {
      // A piece may itself begin with a space.
      let bytes = Array(merge.utf8)
      guard let cut = bytes.dropFirst().firstIndex(of: 0x20), let left = ids.value(Array(bytes[..<cut])),
        let right = ids.value(Array(bytes[(cut + 1)...])),
        let merged = ids.value(Array(bytes[..<cut] + bytes[(cut + 1)...]))
      else {
        throw Fault(
          .badData, "tokenizer.badMerge", "A merge of the tokenizer cannot be used", file: file,
          place: "tokenizer.ggml.merges[\(rank)]",
          expected: "two tokens of the vocabulary with a space between, which together make a third",
          found: "\"\(merge.prefix(80))\"")
      }
      if table.isFree(left, right) { table.set(left, right, rank: UInt32(truncatingIfNeeded: rank), merged: merged) }
    }
    return table
  }

  /// SentencePiece merges any two neighbours that make a piece, the highest score first: every way to cut a piece in two
  /// is a merge, and equal scores have equal ranks.
  private func scoredMerges(_ spelling: [String?]) -> PairTable {
    var ids = ByteStringTable(minimumCapacity: spelling.count)
    for case (let id, var piece?) in spelling.enumerated() {
      piece.withUTF8 { ids.set($0, Int32(truncatingIfNeeded: id)) }
    }
    var ranks: [UInt32] = Array(repeating: 0, count: spelling.count)
    let order = spelling.indices.sorted { source.scores[$0] > source.scores[$1] }
    for (place, id) in order.enumerated() where place > 0 {
      let previous = order[place - 1]
      ranks[id] = ranks[previous] + (source.scores[previous] == source.scores[id] ? 0 : 1)
    }
    var found: [(left: Int32, right: Int32, merged: Int32)] = []
    for case (let id, var piece?) in spelling.enumerated() {
      piece.withUTF8 { bytes in
        guard ids.value(bytes) == Int32(truncatingIfNeeded: id) else { return }
        for cut in bytes.indices.dropFirst() where !UTF8Reading.isContinuation(bytes[cut]) {
          guard let left = ids.value(UnsafeBufferPointer(rebasing: bytes[..<cut])),
            let right = ids.value(UnsafeBufferPointer(rebasing: bytes[cut...]))
          else { continue }
          found.append((left, right, Int32(truncatingIfNeeded: id)))
        }
      }
    }
    var table = PairTable(minimumCapacity: found.count)
    for merge in found { table.set(merge.left, merge.right, rank: ranks[Int(merge.merged)], merged: merge.merged) }
    return table
  }

  private static let marksSpaces = Normalizer.replace(.string([0x20]), with: [0x2581])

  private static func sentencePieceDecoder(stripsFirst: Bool) -> Decoder {
    var steps: [Decoder] = [.replace(.string(Array("▁".utf8)), with: " "), .byteFallback, .fuse]
    if stripsFirst { steps.append(.strip(" ", start: 1, stop: 0)) }
    return .sequence(steps)
  }
}
