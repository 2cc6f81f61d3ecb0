import Foundation
import StrictJSON
import Testing
import Tokenization

/// What the files beside a tokenizer.json add to it.
@Suite("Tokenizer folders") struct FolderTests {
  private func withFolder<R>(_ files: [String: String], _ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(path: "unfold-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var files = files
    files["tokenizer.json"] = """
      {"added_tokens": [{"id": 3, "content": "<end>", "special": true}],
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
      """
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return try body(folder)
  }

  @Test("Tokens that only tokenizer_config.json names") func decoder() throws {
    let configuration = """
      {"eos_token": "<end>", "added_tokens_decoder": {
        "5": {"content": "ba", "special": false}, "4": {"content": "<new>", "special": true, "lstrip": true},
        "3": {"content": "<end>", "special": false}, "9": {"content": "ab"}}}
      """
    try withFolder(["tokenizer_config.json": configuration]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(try tokenizer.encode("ab <new>aba").ids == [2, 4, 2, 0])
      #expect(try tokenizer.encode("bba<end>").ids == [1, 5, 3])
      #expect(tokenizer.isSpecial(4) && tokenizer.isSpecial(3) && !tokenizer.isSpecial(5))
      #expect(tokenizer.vocabularySize == 6)
    }
  }

  @Test("Tokens that only added_tokens.json names") func addedTokens() throws {
    try withFolder(["added_tokens.json": #"{"<x>": 4, "a": 7, "<end>": 3}"#]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(try tokenizer.encode("b<x>ab").ids == [1, 4, 0, 1])
    }
  }

  @Test(
    "Contradictions are named",
    arguments: [
      ("tokenizer.duplicateID", "tokenizer_config.json", #"{"added_tokens_decoder": {"1": {"content": "<x>"}}}"#),
      ("json.unexpected", "tokenizer_config.json", #"{"added_tokens_decoder": {"x": {"content": "<x>"}}}"#),
      ("json.unexpected", "tokenizer_config.json", #"{"added_tokens_decoder": {"-1": {"content": "<x>"}}}"#),
      ("json.missing", "tokenizer_config.json", #"{"added_tokens_decoder": {"7": {}}}"#),
      ("tokenizer.idOutOfRange", "added_tokens.json", #"{"<x>": -4}"#),
    ])
  func contradictions(fault: String, file: String, text: String) throws {
    try withFolder([file: text]) { folder in expectFault(fault) { _ = try Tokenizer(folder: folder) } }
  }

  @Test("Several end tokens") func ends() throws {
    try withFolder([
      "tokenizer_config.json": #"{"eos_token": "b"}"#, "generation_config.json": #"{"eos_token_id": [3, 1, 99, 2]}"#,
      "config.json": #"{"eos_token_id": [0]}"#,
    ]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(tokenizer.endID == 1)
      #expect(tokenizer.endIDs == [1, 3, 2])
    }
    try withFolder(["config.json": #"{"eos_token_id": [0, 3]}"#]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(tokenizer.endID == 0)
      #expect(tokenizer.endIDs == [0, 3])
    }
    #expect(try withFolder([:]) { try Tokenizer(folder: $0).endIDs }.isEmpty)
  }

  @Test("An unknown token that is only an added one", .enabled(if: SharedData.has("hostile/tokenizers")))
  func unknownAdded() throws {
    let tokenizer = try Tokenizer(folder: SharedData.file("hostile/tokenizers/unk-added"))
    #expect(try tokenizer.encode("The river bends").ids == [331, 281, 350, 309, 361])
    let audio = try Tokenizer(folder: SharedData.file("hostile/tokenizers/added-decoder"))
    #expect(try audio.encode("Hello <|audio|> mill").ids == [41, 70, 77, 77, 80, 222, 400, 307, 77])
    for name in ["regex-stars", "regex-nest"] {
      expectFault("tokenizer.unsupportedPattern") {
        _ = try Tokenizer(folder: SharedData.file("hostile/tokenizers/\(name)"))
      }
    }
  }
}
