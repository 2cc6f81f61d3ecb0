import Diagnostics
import StrictJSON

/// Reads the parts of a tokenizer.json. Whatever it does not know is refused by name and place.
struct TokenizerReader {
  let root: JSONReader

  init(_ root: JSONReader) { self.root = root }

  func parts() throws -> TokenizerParts {
    let normalizer = try root.optional("normalizer").map(normalizer)
    var preTokenizer = try root.optional("pre_tokenizer").map(preTokenizer)
    var reader = try ModelReader(root.required("model"))
    let added = try addedTokens(&reader.vocabulary, normalizer)
    let isByteLevel = Self.usesByteLevel(preTokenizer) || Self.usesByteLevel(normalizer)
    // Where writing bytes in GPT-2's alphabet is the last step before a vocabulary that knows all 256, the model reads
    // the bytes themselves.
    var readsBytes = false
    if let steps = preTokenizer?.steps, case .byteLevel? = steps.last, reader.spellsEveryByte {
      preTokenizer = .sequence(Array(steps.dropLast()))
      readsBytes = true
    }
    let model = try reader.model(readsBytes: readsBytes)
    if preTokenizer == nil, case .bytePairs(let pairs) = model, !readsBytes, reader.mayCutBeforeWordMarks(pairs) {
      preTokenizer = .beforeWordMarks
    }
    return TokenizerParts(
      vocabulary: reader.vocabulary, added: added, normalizer: normalizer, preTokenizer: preTokenizer, model: model,
      postProcessor: try root.optional("post_processor").map { try postProcessor($0, reader.vocabulary) }
        ?? PostProcessor(),
      decoder: try root.optional("decoder").map(decoder), isByteLevel: isByteLevel)
  }

  private static func usesByteLevel(_ step: PreTokenizer?) -> Bool {
    step?.steps.contains { if case .byteLevel = $0 { true } else { false } } ?? false
  }

  private static func usesByteLevel(_ step: Normalizer?) -> Bool {
    switch step {
    case .byteLevel?: true
    case .sequence(let steps)?: steps.contains { usesByteLevel($0) }
    default: false
    }
  }

  static func unsupported(_ reader: JSONReader, _ what: String, _ name: String, known: String) -> Fault {
    Fault(
      .badData, "tokenizer.unsupported", "This tokenizer has a \(what) that Unfold does not know", file: reader.file,
      place: reader.path, expected: known, found: "\"\(name)\"",
      advice: "use a model with another tokenizer, or give tokens in place of text")
  }

  // MARK: Added tokens

  private func addedTokens(_ vocabulary: inout Vocabulary, _ normalizer: Normalizer?) throws -> AddedTokens {
    var added = AddedTokens()
    var matched: [AddedTokens.Token] = []
    for entry in try root.optional("added_tokens")?.array() ?? [] {
      let content = try entry.required("content").string()
      let id = try ModelReader.checkedID(entry.required("id"))
      func flag(_ key: String, _ standard: Bool) throws -> Bool { try entry.optional(key)?.bool() ?? standard }
      let isSpecial = try flag("special", false)
      let token = AddedTokens.Token(
        id: id, content: content, isSingleWord: try flag("single_word", false), stripsLeft: try flag("lstrip", false),
        stripsRight: try flag("rstrip", false), isNormalized: try flag("normalized", !isSpecial), isSpecial: isSpecial)
      switch vocabulary.add(content, id: id) {
      case .added, .sameAsBefore: break
      case .pieceHasID(let other):
        throw Fault(
          .badData, "tokenizer.addedTokenMismatch", "An added token has another id in the vocabulary",
          file: entry.file, place: entry.path, expected: "\"\(content)\" with id \(other)", found: "id \(id)")
      case .idHasPiece(let other): throw ModelReader.duplicateID(entry, id, content, other)
      }
      added.all[id] = token
      if !content.isEmpty { matched.append(token) }
    }
    // Special tokens come before the others where two have the same content.
    for token in matched.filter(\.isSpecial) + matched.filter({ !$0.isSpecial }) {
      if !token.isNormalized {
        added.verbatim.add(token, pattern: Array(token.content.utf8))
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
      added.normalized.add(token, pattern: pattern)
    }
    return added
  }

  // MARK: Normalizers

  private func pattern(_ reader: JSONReader) throws -> Pattern {
    if let text = try reader.optional("String") { return .string(Array(try text.string().utf8)) }
    let text = try reader.required("Regex")
    return .regex(try RegularExpression(try text.string(), file: text.file, place: text.path))
  }

  private func normalizer(_ reader: JSONReader) throws -> Normalizer {
    let type = try reader.required("type").string()
    switch type {
    case "Sequence": return .sequence(try reader.required("normalizers").array().map(normalizer))
    case "NFC": return .unicode(.canonicalComposition)
    case "NFD": return .unicode(.canonicalDecomposition)
    case "NFKC": return .unicode(.compatibleComposition)
    case "NFKD": return .unicode(.compatibleDecomposition)
    case "Lowercase": return .lowercase
    case "StripAccents": return .stripAccents
    case "Strip":
      return .strip(
        left: try reader.optional("strip_left")?.bool() ?? true,
        right: try reader.optional("strip_right")?.bool() ?? true)
    case "Replace":
      return .replace(
        try pattern(reader.required("pattern")),
        with: try reader.required("content").string().unicodeScalars.map(\.value))
    case "Prepend": return .prepend(try reader.required("prepend").string().unicodeScalars.map(\.value))
    case "ByteLevel": return .byteLevel
    case "BertNormalizer":
      let lowercase = try reader.optional("lowercase")?.bool() ?? true
      return .bert(
        BertNormalization(
          cleanText: try reader.optional("clean_text")?.bool() ?? true,
          handleChineseCharacters: try reader.optional("handle_chinese_chars")?.bool() ?? true,
          stripAccents: try reader.optional("strip_accents")?.bool() ?? lowercase, lowercase: lowercase))
    default:
      throw Self.unsupported(
        reader, "normalizer", type,
        known:
          "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, ByteLevel or BertNormalizer"
      )
    }
  }

  // MARK: Pre-tokenizers

  private func preTokenizer(_ reader: JSONReader) throws -> PreTokenizer {
    let type = try reader.required("type").string()
    switch type {
    case "Sequence": return .sequence(try reader.required("pretokenizers").array().map(preTokenizer))
    case "ByteLevel":
      var steps: [PreTokenizer] = []
      if try reader.optional("add_prefix_space")?.bool() ?? true { steps.append(.prefixSpace) }
      if try reader.optional("use_regex")?.bool() ?? true { steps.append(.scanner(.gpt2)) }
      return .sequence(steps + [.byteLevel])
    case "Split": return try split(reader)
    case "Metaspace": return .metaspace(try metaspace(reader))
    case "Whitespace": return .whitespaceWords
    case "WhitespaceSplit": return .characters(.whitespace, .removed)
    case "BertPreTokenizer":
      return .sequence([.characters(.whitespace, .removed), .characters(.bertPunctuation, .isolated)])
    case "Punctuation": return .characters(.punctuation, try behavior(reader, standard: .isolated))
    case "Digits":
      let individual = try reader.optional("individual_digits")?.bool() ?? false
      return .characters(.digit, individual ? .isolated : .contiguous)
    default:
      throw Self.unsupported(
        reader, "pre-tokenizer", type,
        known:
          "Sequence, ByteLevel, Split, Metaspace, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation or Digits")
    }
  }

  private func behavior(_ reader: JSONReader, standard: SplitBehavior) throws -> SplitBehavior {
    guard let value = try reader.optional("behavior") else { return standard }
    guard let behavior = SplitBehavior(rawValue: try value.string()) else {
      throw value.unexpected(SplitBehavior.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return behavior
  }

  private func split(_ reader: JSONReader) throws -> PreTokenizer {
    let behavior = try behavior(reader, standard: .isolated)
    let inverted = try reader.optional("invert")?.bool() ?? false
    let source = try reader.required("pattern")
    // The known patterns match everywhere, so that keeping every match alone is all there is to do.
    if behavior == .isolated || (behavior == .removed && inverted), let text = try source.optional("Regex"),
      let scanner = WordScanner(pattern: try text.string())
    {
      return .scanner(scanner)
    }
    return .split(try pattern(source), behavior, inverted: inverted)
  }

  private func metaspace(_ reader: JSONReader) throws -> PreTokenizer.Metaspace {
    var prefix = PreTokenizer.Metaspace.Prefix.always
    if let scheme = try reader.optional("prepend_scheme") {
      guard let known = PreTokenizer.Metaspace.Prefix(rawValue: try scheme.string()) else {
        throw scheme.unexpected("always, first or never")
      }
      prefix = known
    } else if try reader.optional("add_prefix_space")?.bool() == false {
      prefix = .never
    }
    return PreTokenizer.Metaspace(
      replacement: try scalar(reader.optional("replacement"), standard: "▁").value, prefix: prefix,
      splits: try reader.optional("split")?.bool() ?? true)
  }

  private func scalar(_ reader: JSONReader?, standard: Unicode.Scalar) throws -> Unicode.Scalar {
    guard let reader else { return standard }
    let scalars = try reader.string().unicodeScalars
    guard let first = scalars.first, scalars.count == 1 else { throw reader.unexpected("one character") }
    return first
  }

  // MARK: Post-processors

  private func postProcessor(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> PostProcessor {
    let type = try reader.required("type").string()
    var result = PostProcessor()
    switch type {
    case "Sequence":
      for step in try reader.required("processors").array() {
        let step = try postProcessor(step, vocabulary)
        result.trimmings += step.trimmings
        result.prefix = step.prefix + result.prefix
        result.suffix += step.suffix
      }
    case "ByteLevel":
      if try reader.optional("trim_offsets")?.bool() ?? true {
        result.trimmings = [.init(addsPrefixSpace: try reader.optional("add_prefix_space")?.bool() ?? true)]
      }
    case "TemplateProcessing": (result.prefix, result.suffix) = try template(reader, vocabulary)
    case "BertProcessing", "RobertaProcessing":
      result.prefix = [try special(reader.required("cls"), vocabulary)]
      result.suffix = [try special(reader.required("sep"), vocabulary)]
      if type == "RobertaProcessing", try reader.optional("trim_offsets")?.bool() ?? true {
        result.trimmings = [.init(addsPrefixSpace: try reader.optional("add_prefix_space")?.bool() ?? true)]
      }
    default:
      throw Self.unsupported(
        reader, "post-processor", type,
        known: "Sequence, ByteLevel, TemplateProcessing, BertProcessing or RobertaProcessing")
    }
    return result
  }

  /// A pair such as `["[CLS]", 101]`.
  private func special(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> Int32 {
    let parts = try reader.array()
    guard parts.count == 2 else { throw reader.unexpected("a piece and its id") }
    return try known(parts[1], vocabulary)
  }

  private func known(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> Int32 {
    let id = try ModelReader.checkedID(reader)
    guard vocabulary.piece(id) != nil else {
      throw Fault(
        .badData, "tokenizer.unknownSpecialToken", "The post-processor adds a token that the vocabulary lacks",
        file: reader.file, place: reader.path, expected: "the id of a token", found: "\(id)")
    }
    return id
  }

  /// The tokens before and after the text in a template for single sequences.
  private func template(_ reader: JSONReader, _ vocabulary: Vocabulary) throws -> (prefix: [Int32], suffix: [Int32]) {
    var ids: [ExactString: [Int32]] = [:]
    for (name, token) in try reader.optional("special_tokens")?.members() ?? [] {
      ids[ExactString(name)] = try token.required("ids").array().map { try known($0, vocabulary) }
    }
    var prefix: [Int32] = []
    var suffix: [Int32] = []
    var afterText = false
    let single = try reader.required("single")
    for step in try single.array() {
      if let token = try step.optional("SpecialToken") {
        let name = try token.required("id")
        guard let known = ids[ExactString(try name.string())] else {
          throw name.unexpected("a name in special_tokens")
        }
        if afterText { suffix += known } else { prefix += known }
      } else {
        _ = try step.required("Sequence")
        guard !afterText else { throw single.unexpected("the text once", found: "the text twice") }
        afterText = true
      }
    }
    guard afterText else { throw single.unexpected("the text once", found: "a template without the text") }
    return (prefix, suffix)
  }

  // MARK: Decoders

  private func decoder(_ reader: JSONReader) throws -> Decoder {
    let type = try reader.required("type").string()
    switch type {
    case "Sequence": return .sequence(try reader.required("decoders").array().map(decoder))
    case "ByteLevel": return .byteLevel
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Strip":
      func count(_ key: String) throws -> Int {
        let value = try reader.optional(key)
        let count = try value?.integer() ?? 0
        guard count >= 0 else { throw (value ?? reader).unexpected("a count") }
        return count
      }
      return .strip(
        try scalar(reader.optional("content"), standard: " "), start: try count("start"), stop: try count("stop"))
    case "Replace":
      return .replace(try pattern(reader.required("pattern")), with: try reader.required("content").string())
    case "Metaspace":
      let options = try metaspace(reader)
      guard let mark = Unicode.Scalar(options.replacement) else { throw reader.unexpected("a character") }
      return .metaspace(mark, stripsFirst: options.prefix != .never)
    case "WordPiece":
      return .wordPiece(
        prefix: try reader.optional("prefix")?.string() ?? "##",
        cleansUp: try reader.optional("cleanup")?.bool() ?? true)
    case "BPEDecoder": return .bytePair(suffix: try reader.optional("suffix")?.string() ?? "</w>")
    default:
      throw Self.unsupported(
        reader, "decoder", type,
        known: "Sequence, ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, WordPiece or BPEDecoder")
    }
  }
}

extension PreTokenizer {
  /// The step's steps, nested sequences laid out flat.
  var steps: [PreTokenizer] {
    if case .sequence(let steps) = self { steps.flatMap(\.steps) } else { [self] }
  }
}
