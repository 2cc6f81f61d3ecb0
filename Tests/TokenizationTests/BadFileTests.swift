import Diagnostics
import Foundation
import Testing
import Tokenization

func expectFault(_ name: String, _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
  do {
    try body()
    Issue.record("no fault named \(name)", sourceLocation: sourceLocation)
  } catch let fault as Fault {
    #expect(fault.name == name, "\(fault)", sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error)", sourceLocation: sourceLocation)
  }
}

@Suite("Bad tokenizers") struct BadFileTests {
  private func load(_ json: String) throws -> Tokenizer { try Tokenizer(json: Array(json.utf8), file: "t.json") }

  private func model(_ body: String, _ rest: String = "") -> String {
    "{\"model\": {\"type\": \"BPE\", \(body)}\(rest)}"
  }

  private let ab = #""vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]"#

  @Test(
    "Each fault has its name",
    arguments: [
      ("tokenizer.missingMerges", #"{"model": {"type": "BPE", "vocab": {"a": 0}}}"#),
      ("tokenizer.missingVocabulary", #"{"model": {"type": "BPE", "merges": []}}"#),
      ("tokenizer.badMerge", #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}}"#),
      ("tokenizer.badMerge", #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a z"]}}"#),
      ("tokenizer.badMerge", #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}}"#),
      ("tokenizer.badMerge", #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "a", "a"]]}}"#),
      ("tokenizer.badMerge", #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [3]}}"#),
      ("tokenizer.duplicateID", #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}"#),
      ("tokenizer.idOutOfRange", #"{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}"#),
      ("tokenizer.idOutOfRange", #"{"model": {"type": "BPE", "vocab": {"a": 4294967296}, "merges": []}}"#),
      ("json.unexpected", #"{"model": {"type": "BPE", "vocab": {"a": 1e300}, "merges": []}}"#),
      ("json.unexpected", #"{"model": {"type": "BPE", "vocab": [], "merges": []}}"#),
      ("json.missing", #"{"version": "1.0"}"#),
      ("json.unexpected", "[]"),
      ("json.invalid", #"{"model": {"vocab": {"a": 0, "a": 1}}}"#),
      ("json.invalid", String(repeating: "[", count: 10_000)),
      ("tokenizer.unsupported", #"{"model": {"type": "Nope", "vocab": []}}"#),
      ("json.unexpected", #"{"model": {"type": "Unigram", "vocab": {"a": 0}}}"#),
      ("json.unexpected", #"{"model": {"type": "Unigram", "vocab": [["a", 0, 1]]}}"#),
      ("json.unexpected", #"{"model": {"type": "Unigram", "vocab": [["a", "b"]]}}"#),
      ("json.unexpected", #"{"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 1}}"#),
      ("json.unexpected", #"{"model": {"vocab": {"a": 0}, "merges": [], "dropout": 0.1}}"#),
      ("json.missing", #"{"normalizer": {"type": "Precompiled"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      ("tokenizer.unsupported", #"{"pre_tokenizer": {"type": "Nope"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      ("tokenizer.unsupported", #"{"post_processor": {"type": "Nope"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      ("tokenizer.unsupported", #"{"decoder": {"type": "Nope"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      (
        "tokenizer.addedTokenMismatch",
        #"{"added_tokens": [{"id": 5, "content": "a"}], "model": {"vocab": {"a": 0}, "merges": []}}"#
      ),
      (
        "tokenizer.duplicateID",
        #"{"added_tokens": [{"id": 0, "content": "z"}], "model": {"vocab": {"a": 0}, "merges": []}}"#
      ),
      (
        "tokenizer.unknownSpecialToken",
        #"{"post_processor": {"type": "BertProcessing", "cls": ["x", 9], "sep": ["y", 0]}, "model": {"vocab": {"a": 0}, "merges": []}}"#
      ),
    ])
  func faults(name: String, json: String) { expectFault(name) { _ = try load(json) } }

  @Test(
    "A pattern that cannot be used is refused",
    arguments: [
      "(", ")", "[a", "*a", #"\p{Nope}"#, "(?<=(?=a))b", "[b-a]", #"\"#, "(?z)", "(?{x})", "(*FAIL)", #"\g<0>"#, "[]",
    ])
  func badPattern(pattern: String) throws {
    let text = String(decoding: try JSONEncoder().encode(pattern), as: UTF8.self)
    expectFault("tokenizer.unsupportedPattern") {
      _ = try load(
        model(ab, #", "pre_tokenizer": {"type": "Split", "pattern": {"Regex": \#(text)}, "behavior": "Isolated"}"#))
    }
  }

  @Test("One limit holds for all words of a text", .timeLimit(.minutes(1)))
  func slowWords() throws {
    let words = try load(
      model(
        ab,
        """
        , "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
          {"type": "Split", "pattern": {"Regex": "(a+)+[bc]$"}, "behavior": "Isolated"}]}
        """))
    expectFault("tokenizer.patternTooSlow") {
      _ = try words.encode(Array(repeating: String(repeating: "a", count: 18), count: 2000).joined(separator: " "))
    }
  }

  @Test("A lookbehind tries each of its branches")
  func lookBehind() throws {
    let tokenizer = try load(
      """
      {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?<=a|ab)c"}, "behavior": "Removed"},
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}}
      """)
    #expect(try tokenizer.encode("abc").ids == [0, 1])
    #expect(try tokenizer.encode("acbc").ids == [0, 1, 2])
  }

  @Test(
    "A word without a token is an error where the unknown token is not in the vocabulary",
    arguments: [
      #""type": "WordLevel", "vocab": {"a": 0}, "unk_token": "?""#, #""type": "WordLevel", "vocab": {"a": 0}"#,
      #""type": "WordPiece", "vocab": {"a": 0}, "unk_token": "?""#,
      #""type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "?""#,
      #""type": "Unigram", "vocab": [["a", 0]]"#,
    ])
  func missingUnknown(body: String) throws {
    let tokenizer = try load("{\"model\": {\(body)}, \"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}}")
    #expect(try tokenizer.encode("a a").ids == [0, 0])
    for _ in 0..<2 { expectFault("tokenizer.missingUnknownToken") { _ = try tokenizer.encode("a zz a") } }
    #expect(try tokenizer.encode("a").ids == [0])
  }

  @Test(
    "A damaged table of characters is refused",
    arguments: [
      [], [0], [0, 0, 0, 0], [4, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0, 0],
      [255, 255, 255, 255, 0, 0, 0, 0], [4, 0, 0, 0, 0, 4, 0, 0, 0xFF],
      // A key "a" whose value lies beyond the trie, and one whose text lies beyond the texts.
      trie(key: 0x61, value: nil), trie(key: 0x61, value: 9),
    ] as [[UInt8]])
  func damagedCharacterMap(bytes: [UInt8]) throws {
    expectFault("tokenizer.badCharacterMap") {
      _ = try load(
        """
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "\(Data(bytes).base64EncodedString())"},
         "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}
        """)
    }
  }

  /// A table with one key of one byte: its unit at 256 ^ byte, its value in the unit after that block.
  private static func trie(key: UInt32, value: UInt32?) -> [UInt8] {
    var units = [UInt32](repeating: 0, count: value == nil ? 512 : 1024)
    units[0] = 256 << 10
    units[Int(256 ^ key)] = key | 1 << 8 | 512 << 10
    if let value { units[Int(256 ^ key ^ 512)] = value | 1 << 31 }
    let words = [UInt32(units.count * 4)] + units
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } } + [0x62, 0]
  }

  @Test("Any bytes as a table of characters give a fault or a tokenizer, never a crash")
  func randomCharacterMaps() throws {
    var generator = Generator(state: 3)
    let whole = Self.trie(key: 0x61, value: 0)
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...40, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let json = """
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "\(Data(bytes).base64EncodedString())"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
        """
      guard let tokenizer = try? load(json) else { continue }
      _ = try tokenizer.encode("abc é\u{301} 한국어 aaa")
    }
    #expect(
      try load(
        """
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "\(Data(whole).base64EncodedString())"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
        """
      ).encode("aba").ids == [1, 1, 1])
  }

  @Test(
    "A normalizer that doubles a text again and again is stopped", .timeLimit(.minutes(1)),
    arguments: [
      #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#,
      #"{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "é"}, {"type": "ByteLevel"}]}"#,
    ])
  func growingText(step: String) throws {
    let steps = Array(repeating: step, count: 60).joined(separator: ", ")
    let tokenizer = try load(model(ab, ", \"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [\(steps)]}"))
    expectFault("tokenizer.textGrows") { _ = try tokenizer.encode("a") }
  }

  @Test("Canonically equivalent tokens stay apart")
  func equivalentTokens() throws {
    let tokenizer = try load(
      "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"e\": 0, \"\u{E9}\": 1, \"\u{301}\": 2, \"e\u{301}\": 3}, \"merges\": [[\"e\", \"\u{301}\"]]}}"
    )
    #expect(tokenizer.tokenCount == 4)
    #expect(try tokenizer.encode("\u{E9}e\u{301}").ids == [1, 3])
    #expect(tokenizer.id("\u{E9}") == 1)
    #expect(tokenizer.id("e\u{301}") == 3)
  }

  @Test("Ids may have holes; an embedding must hold them all")
  func holes() throws {
    let tokenizer = try load(model(#""vocab": {"a": 0, "b": 7}, "merges": []"#))
    #expect(tokenizer.vocabularySize == 8)
    #expect(tokenizer.tokenCount == 2)
    #expect(tokenizer.piece(3) == nil)
    #expect(try tokenizer.decode([0, 3, 7, 99, -5]) == "a b")
    try tokenizer.check(embeddingRows: 8, of: "model")
    expectFault("tokenizer.idBeyondEmbedding") { try tokenizer.check(embeddingRows: 7, of: "model") }
  }

  @Test("A folder without a tokenizer")
  func missing() {
    expectFault("tokenizer.notFound") { _ = try Tokenizer(folder: URL(filePath: "/nonexistent-folder")) }
  }

  @Test("A word of a million letters", .timeLimit(.minutes(1)))
  func longWord() throws {
    let tokenizer = try Tokenizer(contentsOf: Fixture.url("gpt2.json"))
    let text = String(repeating: "theneuron", count: 110_000)
    let encoding = try tokenizer.encode(text)
    #expect(encoding.ends.last == 990_000)
    #expect(try tokenizer.decode(encoding.ids) == text)
  }

  @Test(
    "Damaged bytes anywhere give a fault or a tokenizer, never a crash", arguments: ["t5", "gemma", "exaone", "falcon"])
  func damaged(name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: Fixture.url("families/\(name).json")))
    var generator = Generator(state: 17)
    for _ in 0..<150 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let at = Int.random(in: 0..<damaged.count, using: &generator)
        damaged[at] = UInt8(ascii: Unicode.Scalar(UInt8.random(in: 0x20...0x7E, using: &generator)))
      }
      do {
        let tokenizer = try Tokenizer(json: damaged, file: "damaged.json")
        let encoding = try tokenizer.encode("ﬁrst <s>\r\n naïve 12345 한국어 e\u{301} ▁x")
        _ = try tokenizer.decode(encoding.ids)
        #expect(zip(encoding.starts, encoding.ends).allSatisfy { $0 >= 0 && $0 <= $1 })
      } catch is Fault {}
    }
  }

  @Test("A file cut off anywhere gives a fault or a tokenizer, never a crash")
  func truncated() throws {
    let bytes = [UInt8](try Data(contentsOf: Fixture.url("bert.json")))
    for length in stride(from: 0, to: bytes.count, by: 37) {
      #expect(throws: Fault.self) { _ = try Tokenizer(json: Array(bytes[..<length]), file: "cut.json") }
    }
  }
}
