import Foundation
import StrictJSON
import Testing
import Tokenization

/// Small tokenizers of every kind, with what Hugging Face's `tokenizers` makes of texts chosen to be awkward.
@Suite("Tokenizers against the reference") struct ReferenceTests {
  static let names = [
    "gpt2", "llama3", "o200k", "roberta", "neox", "starcoder", "llama2", "metaspace", "suffixes", "bert", "bert-cased",
    "bert-accents", "nfd", "nfkc", "nfkd",
  ]

  @Test("Ids, offsets and decoded texts", arguments: names)
  func reference(name: String) throws {
    let tokenizer = try Tokenizer(contentsOf: Fixture.url("\(name).json"))
    let texts = try Fixture.json("texts.json").array().map { try $0.string() }
    let rows = try Fixture.json("expected.json").required(name).array()
    #expect(rows.count == texts.count)
    for (text, row) in zip(texts, rows) {
      let parts = try row.array()
      let encoding = try tokenizer.encode(text)
      let starts = try parts[1].integers()
      let ends = zip(starts, try parts[2].integers()).map { $0 + $1 }
      #expect(encoding.ids == (try parts[0].integers()), "\(text.debugDescription)")
      #expect(encoding.starts == starts, "\(text.debugDescription)")
      #expect(encoding.ends == ends, "\(text.debugDescription)")
      #expect(encoding.special.count { $0 } == (try parts[3].integer()))
      #expect(try tokenizer.decode(encoding.ids).utf8.elementsEqual(parts[4].string().utf8))
      // Again, now that the words are in the cache.
      #expect(try tokenizer.encode(text) == encoding)
    }
  }

  @Test("Byte-level text comes back whole", arguments: ["gpt2", "llama3", "o200k", "starcoder"])
  func roundTrip(name: String) throws {
    let tokenizer = try Tokenizer(contentsOf: Fixture.url("\(name).json"))
    for text in try Fixture.json("texts.json").array().map({ try $0.string() }) where !text.contains("<pad>") {
      let ids = try tokenizer.encode(text, addSpecialTokens: false).ids
      let decoded = try tokenizer.decode(ids)
      if !text.contains("[MASK]") { #expect(decoded.utf8.elementsEqual(text.utf8), "\(text.debugDescription)") }
      var stream = StreamingDecoder(tokenizer)
      let streamed = try ids.map { try stream.append($0) }.joined() + stream.finish()
      #expect(streamed.utf8.elementsEqual(decoded.utf8))
    }
  }

  @Test("A scanner and the library find the same words")
  func scanners() throws {
    let digits =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    let texts = try Fixture.json("texts.json").array().map { try $0.string() }
    for pattern in [digits, digits.replacing("{1,3}", with: ""), gpt2] {
      let fast = try words(pattern)
      // A branch that never matches leaves the meaning as it is, but is not the known text.
      let general = try words(pattern + "|(?!)")
      for text in texts + randomTexts(300) {
        #expect(try fast.encode(text) == general.encode(text), "\(text.debugDescription)")
      }
    }
  }

  @Test("Many threads at once") func threads() async throws {
    let tokenizer = try Tokenizer(contentsOf: Fixture.url("llama3.json"))
    let texts = randomTexts(64)
    let expected = try texts.map { try tokenizer.encode($0) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask { try texts.map { try tokenizer.encode($0) } == expected }
      }
      for try await same in group { #expect(same) }
    }
  }

  @Test("UTF-8 is checked") func bytes() throws {
    let tokenizer = try Tokenizer(contentsOf: Fixture.url("gpt2.json"))
    let text = Array("né 한".utf8)
    let encoding = try text.withUnsafeBufferPointer { try tokenizer.encode(utf8: $0) }
    #expect(encoding == (try tokenizer.encode("né 한")))
    for bad: [UInt8] in [[0xFF], [0x61, 0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] {
      expectFault("tokenizer.invalidUTF8") { _ = try bad.withUnsafeBufferPointer { try tokenizer.encode(utf8: $0) } }
    }
  }

  @Test("Single tokens as text") func display() throws {
    let tokenizer = try Tokenizer(contentsOf: Fixture.url("gpt2.json"))
    let space = try #require(tokenizer.id("Ġ"))
    #expect(tokenizer.text(of: space) == " ")
    let half = try #require(tokenizer.id("Ã"))
    #expect(tokenizer.text(of: half) == "\u{FFFD}")
    #expect(tokenizer.shownText(of: half) == "<0xC3>" && tokenizer.shownText(of: space) == " ")
    #expect(tokenizer.text(of: 1 << 20) == nil)
    #expect(tokenizer.piece(-1) == nil)
    let marks = try Tokenizer(contentsOf: Fixture.url("llama2.json"))
    #expect(marks.text(of: try #require(marks.id("▁"))) == " ")
    #expect(marks.text(of: try #require(marks.id("<0x41>"))) == "A")
    #expect(marks.shownText(of: try #require(marks.id("<0xEB>"))) == "<0xEB>")
  }

  private func words(_ pattern: String) throws -> Tokenizer {
    let escaped = String(decoding: try JSONEncoder().encode(pattern), as: UTF8.self)
    return try Tokenizer(
      json: Array(
        """
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": \(escaped)}, "behavior": "Isolated", "invert": false},
         "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}}
        """.utf8), file: "words.json")
  }

  private func randomTexts(_ count: Int) -> [String] {
    var generator = Generator(state: 7)
    let pool = Array("  \t\n\r'''sStTlLvVrReEmMdDſaé가字0123½²٣.,-!?\u{85}\u{A0}\u{2003}\u{301}🙂\u{200D}")
      .flatMap(\.unicodeScalars)
    return (0..<count).map { _ in
      var text = String.UnicodeScalarView()
      for _ in 0..<Int(generator.next() % 40) { text.append(pool[Int(generator.next() % UInt64(pool.count))]) }
      return String(text)
    }
  }
}

/// A small generator with a fixed seed (xorshift64*).
struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
