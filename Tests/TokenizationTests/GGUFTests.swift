import Diagnostics
import Foundation
import StrictJSON
import Testing
import Tokenization

@Suite("Vocabularies of GGUF files") struct GGUFTests {
  @Test(
    "Published vocabularies give the published ids", .enabled(if: SharedData.has("gguf-vocabularies")),
    arguments: ["gpt-2", "llama-spm", "phi-3", "bert-bge"])
  func published(name: String) throws {
    let file = SharedData.file("gguf-vocabularies/ggml-vocab-\(name).gguf")
    let tokenizer = try Tokenizer(gguf: GGUFFile(file).vocabulary, file: file.path)
    func lines(_ ending: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: "\(file.path).\(ending)")), as: UTF8.self)
    }
    let texts = try lines("inp").components(separatedBy: "\n__ggml_vocab_test__\n")
    let ids = try lines("out").split(separator: "\n", omittingEmptySubsequences: false)
    #expect(texts.count > 40 && ids.count >= texts.count)
    for (text, line) in zip(texts, ids) {
      let wanted = line.split(separator: " ").compactMap { Int32($0) }
      #expect(try tokenizer.encode(text, addSpecialTokens: false).ids == wanted, "\(text.debugDescription)")
    }
  }

  /// A SentencePiece vocabulary: pieces with scores, and every byte.
  private func pieces(_ pieces: [(String, Float)], model: String = "llama") -> GGUFVocabulary {
    var vocabulary = GGUFVocabulary(model: model, tokens: ["<unk>", "<s>", "</s>"])
    vocabulary.scores = [0, 0, 0]
    vocabulary.types = [2, 3, 3]
    for (piece, score) in pieces {
      vocabulary.tokens.append(piece)
      vocabulary.scores.append(score)
      vocabulary.types.append(1)
    }
    return vocabulary
  }

  @Test("The highest score merges first, the leftmost among equals") func scores() throws {
    var vocabulary = pieces([
      ("▁", -9), ("a", -9), ("b", -9), ("c", -9), ("ab", -2), ("bc", -1), ("aa", -3), ("▁a", -4), ("abc", -5),
    ])
    var tokenizer = try Tokenizer(gguf: vocabulary, file: "v.gguf")
    func spelt(_ text: String) throws -> [String?] { try tokenizer.encode(text).ids.map(tokenizer.piece) }
    #expect(try spelt("abc") == ["<s>", "▁a", "bc"])
    #expect(try spelt("aaa") == ["<s>", "▁", "aa", "a"])
    #expect(try spelt(" c</s>b") == ["<s>", "▁", "▁", "c", "</s>", "▁", "b"])
    #expect(try spelt("x") == ["<s>", "▁", "<unk>"])
    #expect(try tokenizer.encode("aaa").starts == [0, 0, 0, 2])
    #expect(try spelt("") == ["<s>"])
    #expect(try tokenizer.decode(tokenizer.encode("abc aa", addSpecialTokens: false).ids) == "abc aa")
    vocabulary.addsSpacePrefix = false
    vocabulary.addsBegin = false
    vocabulary.addsEnd = true
    tokenizer = try Tokenizer(gguf: vocabulary, file: "v.gguf")
    #expect(try spelt("abc") == ["abc", "</s>"])
    #expect(tokenizer.endIDs == [2])
  }

  @Test("Bytes spell what no piece does") func bytes() throws {
    var vocabulary = pieces([("▁", -1), ("a", -2)])
    for byte in 0..<256 {
      let digits = String(byte, radix: 16, uppercase: true)
      vocabulary.tokens.append("<0x\(byte < 16 ? "0" : "")\(digits)>")
      vocabulary.scores.append(0)
      vocabulary.types.append(6)
    }
    let tokenizer = try Tokenizer(gguf: vocabulary, file: "v.gguf")
    let ids = try tokenizer.encode("aé", addSpecialTokens: false).ids
    #expect(ids.map(tokenizer.piece) == ["▁", "a", "<0xC3>", "<0xA9>"])
    #expect(try tokenizer.decode(ids) == "aé")
    // The spelling of a byte's token is text like any other.
    #expect(try tokenizer.encode("<0x41>", addSpecialTokens: false).count == 7)
  }

  @Test("A unigram vocabulary") func unigram() throws {
    var vocabulary = pieces(
      [("▁", -3), ("a", -3), ("b", -3), ("▁ab", -2), ("ab", -5), ("ba", -2.5), ("<x>", -1)], model: "t5")
    vocabulary.types[9] = 4
    vocabulary.endID = 2
    vocabulary.unknownID = 0
    var tokenizer = try Tokenizer(gguf: vocabulary, file: "v.gguf")
    func spelt(_ text: String) throws -> [String?] { try tokenizer.encode(text).ids.map(tokenizer.piece) }
    #expect(try spelt("ab") == ["▁ab", "</s>"])
    #expect(try spelt("aba") == ["▁ab", "a", "</s>"])
    #expect(try spelt("  ab") == ["▁", "▁", "▁ab", "</s>"])
    #expect(try spelt("ab <x>xy b") == ["▁ab", "▁", "<x>", "▁", "<unk>", "▁", "b", "</s>"])
    vocabulary.removesExtraWhitespace = true
    tokenizer = try Tokenizer(gguf: vocabulary, file: "v.gguf")
    #expect(try spelt("  ab   b  ") == ["▁ab", "▁", "b", "</s>"])
    #expect(try tokenizer.encode("  ab   b  ").starts == [2, 7, 7, 0])
  }

  @Test("A WordPiece vocabulary") func wordPiece() throws {
    var vocabulary = GGUFVocabulary(
      model: "bert", tokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁run", "ning", "▁e", "▁,", "▁["])
    vocabulary.types = [3, 3, 3, 3, 1, 1, 1, 1, 1]
    (vocabulary.unknownID, vocabulary.classificationID, vocabulary.separatorID) = (1, 2, 3)
    let tokenizer = try Tokenizer(gguf: vocabulary, file: "v.gguf")
    #expect(try tokenizer.encode("Running, É [zz").ids == [2, 4, 5, 7, 6, 8, 1, 3])
    #expect(tokenizer.piece(5) == "##ning")
    #expect(try tokenizer.decode([4, 5, 7]) == "running,")
    vocabulary.lowercases = false
    #expect(try Tokenizer(gguf: vocabulary, file: "v").encode("Run run", addSpecialTokens: false).ids == [1, 4])
  }

  @Test("SentencePiece's own ids, from its vocabularies") func sentencePiece() throws {
    try compare(Fixture.url("sentencepiece.json"))
  }

  @Test("As many texts as the script was asked for", .enabled(if: SharedData.moreSentencePieceCases != nil))
  func moreSentencePiece() throws {
    for folder in SharedData.moreSentencePieceCases?.split(separator: ":") ?? [] {
      try compare(URL(filePath: String(folder)).appending(path: "sentencepiece.json"))
    }
  }

  private func compare(_ file: URL) throws {
    let root = JSONReader(try JSONValue(parsing: [UInt8](Data(contentsOf: file)), file: file.path), file: file.path)
    for entry in try root.array() {
      let name = try entry.required("name").string()
      var vocabulary = GGUFVocabulary(
        model: try entry.required("model").string(),
        tokens: try entry.required("tokens").array().map { try $0.string() })
      vocabulary.scores = try entry.required("scores").array().map { Float(try $0.number()) }
      vocabulary.types = try entry.required("types").integers()
      vocabulary.unknownID = 0
      vocabulary.endID = 2
      vocabulary.addsSpacePrefix = try entry.required("add_space_prefix").bool()
      vocabulary.removesExtraWhitespace = try entry.required("remove_extra_whitespaces").bool()
      let map = try entry.required("precompiled_charsmap").string()
      vocabulary.characterMap = [UInt8](try #require(Data(base64Encoded: map)))
      let tokenizer = try Tokenizer(gguf: vocabulary, file: name)
      var wrong = 0
      for (text, ids) in zip(try entry.required("texts").array(), try entry.required("ids").array()) {
        let text = try text.string()
        let found = try tokenizer.encode(text, addSpecialTokens: false).ids
        if found == (try ids.integers()) { continue }
        wrong += 1
        if wrong > 5 { continue }
        let pieces = found.map { tokenizer.piece($0) ?? "" }
        Issue.record(
          "\(name): \(text.debugDescription) \(found) for \(try ids.integers()) \(pieces) for \(try ids.integers().map { tokenizer.piece($0) ?? "" })"
        )
      }
      #expect(wrong == 0, "\(name)")
    }
  }

  @Test(
    "Cut as the family's tokenizer cuts",
    arguments: [
      ("deepseek-v3", "deepseek-v3"), ("deepseek-coder", "deepseek-coder"), ("gpt-oss", "gpt-4o"), ("bloom", "bloom"),
      ("command-r", "command-r"), ("glm", "chatglm-bpe"), ("aya", "tiny_aya"), ("opt", "gpt-2"),
      ("exaone", "exaone-moe"), ("command-r", "smollm"),
    ])
  func families(name: String, cut: String) throws {
    let family = try Tokenizer(contentsOf: Fixture.url("families/\(name).json"))
    let merges = try Fixture.json("families/\(name).json").required("model").required("merges").array()
    var vocabulary = GGUFVocabulary(model: "gpt2", tokens: family.pieces.map { $0 ?? "" })
    vocabulary.types = family.pieces.indices.map { family.isSpecial(Int32($0)) ? 3 : 1 }
    vocabulary.merges = try merges.map { try $0.array().map { try $0.string() }.joined(separator: " ") }
    vocabulary.preTokenizer = cut
    let tokenizer = try Tokenizer(gguf: vocabulary, file: name)
    for text in try Fixture.json("families/texts.json").array().map({ try $0.string() }) {
      if cut == "smollm", text.unicodeScalars.contains(where: { $0.value > 0x2FF }) { continue }
      let encoding = try tokenizer.encode(text, addSpecialTokens: false)
      let wanted = try family.encode(text, addSpecialTokens: false)
      #expect(encoding.ids == wanted.ids, "\(text.debugDescription)")
    }
  }

  @Test("Every name of a way to cut can be used") func cuts() throws {
    let texts = try Fixture.json("families/texts.json").array().map { try $0.string() }
    let gpt2 = try Fixture.json("gpt2.json").required("model")
    var tokens = [String](repeating: "", count: try gpt2.required("vocab").members().count)
    for (piece, id) in try gpt2.required("vocab").members() { tokens[try id.integer()] = piece }
    var vocabulary = GGUFVocabulary(model: "gpt2", tokens: tokens)
    vocabulary.merges = try gpt2.required("merges").array().map { merge in
      try merge.array().map { try $0.string() }.joined(separator: " ")
    }
    vocabulary.preTokenizer = "nothing"
    var known: [String] = []
    do {
      _ = try Tokenizer(gguf: vocabulary, file: "v")
    } catch let fault as Fault {
      #expect(fault.name == "tokenizer.unsupported")
      known = fault.expected?.components(separatedBy: ", ") ?? []
    }
    #expect(known.count > 70)
    for name in known where !["gemma4", "granite-embed-multi-311m", "sarvam-moe"].contains(name) {
      vocabulary.preTokenizer = name
      let tokenizer = try Tokenizer(gguf: vocabulary, file: "v")
      for text in texts {
        let decoded = try tokenizer.decode(tokenizer.encode(text).ids).utf8
        let isWhole =
          decoded.elementsEqual(text.utf8) || decoded.elementsEqual(text.precomposedStringWithCanonicalMapping.utf8)
        #expect(isWhole, "\(name): \(text.debugDescription)")
      }
    }
  }

  @Test("Random vocabularies give a fault or a tokenizer, never a crash")
  func random() throws {
    var generator = Generator(state: 23)
    let bits = ["a", "b", "▁", "é", "가", "<0x41>", "", " ", "##", "[", "]", "Ġ", "\n", "🙂", "\u{301}"]
    func piece() -> String {
      (0..<Int.random(in: 0...4, using: &generator)).map { _ in bits.randomElement(using: &generator) ?? "" }.joined()
    }
    var made = 0
    for _ in 0..<2000 {
      let model = ["gpt2", "llama", "bert", "t5", "gemma4"].randomElement(using: &generator) ?? "gpt2"
      var vocabulary = GGUFVocabulary(
        model: model, tokens: (0..<Int.random(in: 1...40, using: &generator)).map { _ in piece() })
      let count = vocabulary.tokens.count
      vocabulary.scores = (0..<count).map { _ in Float(Int.random(in: -4...1, using: &generator)) }
      vocabulary.types = (0..<count).map { _ in Int32.random(in: 0...7, using: &generator) }
      vocabulary.unknownID = Bool.random(using: &generator) ? 0 : nil
      vocabulary.preTokenizer = ["default", "llama-bpe", "gemma4"].randomElement(using: &generator)
      vocabulary.removesExtraWhitespace = Bool.random(using: &generator)
      vocabulary.addsSpacePrefix = Bool.random(using: &generator)
      if let a = vocabulary.tokens.first(where: { $0.count > 1 && $0.first != " " }), let first = a.first {
        vocabulary.merges = ["\(first) \(a.dropFirst())"]
      }
      do {
        let tokenizer = try Tokenizer(gguf: vocabulary, file: "v")
        made += 1
        for text in ["", " ", "ab é▁ \n\n가🙂 [x]", "aaa\u{301}##b  "] {
          let encoding = try tokenizer.encode(text)
          _ = try tokenizer.decode(encoding.ids)
          #expect(zip(encoding.starts, encoding.ends).allSatisfy { $0 >= 0 && $0 <= $1 })
        }
      } catch is Fault {}
    }
    #expect(made > 500)
  }

  @Test("What contradicts itself is refused") func contradictions() throws {
    let whole = pieces([("▁", -1), ("a", -2)])
    func expect(_ name: String, _ change: (inout GGUFVocabulary) -> Void) {
      var vocabulary = whole
      change(&vocabulary)
      expectFault(name) { _ = try Tokenizer(gguf: vocabulary, file: "v.gguf") }
    }
    expect("tokenizer.unsupported") { $0.model = "rwkv" }
    expect("tokenizer.badVocabulary") { $0.tokens = [] }
    expect("tokenizer.badVocabulary") { $0.scores = [] }
    expect("tokenizer.badVocabulary") { $0.scores[2] = .nan }
    expect("tokenizer.badVocabulary") { $0.types.removeLast() }
    expect("tokenizer.badVocabulary") { $0.beginID = 5 }
    expect("tokenizer.badVocabulary") { $0.paddingID = -1 }
    expect("tokenizer.badVocabulary") { $0.furtherEndIDs = [1 << 40] }
    expect("tokenizer.missingMerges") { $0.model = "gpt2" }
    for merge in ["", " ", "a", "a b", "▁ a", "a ▁ a"] {
      expect("tokenizer.badMerge") { ($0.model, $0.merges) = ("gpt2", [merge]) }
    }
    expect("tokenizer.badCharacterMap") { ($0.model, $0.characterMap) = ("t5", [1, 2, 3]) }
  }
}
