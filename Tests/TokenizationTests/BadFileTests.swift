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
      ("tokenizer.unsupported", #"{"model": {"type": "Unigram", "vocab": []}}"#),
      (
        "tokenizer.unsupported", #"{"normalizer": {"type": "Precompiled"}, "model": {"vocab": {"a": 0}, "merges": []}}"#
      ),
      ("tokenizer.unsupported", #"{"pre_tokenizer": {"type": "Nope"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      ("tokenizer.unsupported", #"{"post_processor": {"type": "Nope"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      ("tokenizer.unsupported", #"{"decoder": {"type": "CTC"}, "model": {"vocab": {"a": 0}, "merges": []}}"#),
      ("tokenizer.missingUnknownToken", #"{"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "?"}}"#),
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
      "(", ")", "[a", "a{2,1}", "*a", #"\p{Nope}"#, #"(a)\1"#, "(?<=a*)b", "[b-a]", #"\"#, "(?z)", "a{2000}",
      String(repeating: "(", count: 5000),
    ])
  func badPattern(pattern: String) throws {
    let text = String(decoding: try JSONEncoder().encode(pattern), as: UTF8.self)
    expectFault("tokenizer.unsupportedPattern") {
      _ = try load(
        model(ab, #", "pre_tokenizer": {"type": "Split", "pattern": {"Regex": \#(text)}, "behavior": "Isolated"}"#))
    }
  }

  @Test("A pathological pattern is given up", .timeLimit(.minutes(1)))
  func pathologicalPattern() throws {
    let tokenizer = try load(
      model(ab, #", "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+c"}, "behavior": "Isolated"}"#))
    #expect(try tokenizer.encode("ab").ids == [2])
    expectFault("tokenizer.patternTooSlow") { _ = try tokenizer.encode(String(repeating: "a", count: 60)) }
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
    #expect(tokenizer.decode([0, 3, 7, 99, -5]) == "a b")
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
    #expect(tokenizer.decode(encoding.ids) == text)
  }

  @Test("A file cut off anywhere gives a fault or a tokenizer, never a crash")
  func truncated() throws {
    let bytes = [UInt8](try Data(contentsOf: Fixture.url("bert.json")))
    for length in stride(from: 0, to: bytes.count, by: 37) {
      #expect(throws: Fault.self) { _ = try Tokenizer(json: Array(bytes[..<length]), file: "cut.json") }
    }
  }
}
