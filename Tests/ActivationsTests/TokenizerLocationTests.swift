import Activations
import Diagnostics
import Foundation
import TestFiles
import Testing
import Tokenization

/// A model's tokenizer, wherever it lies.
@Suite struct TokenizerLocationTests {
  static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let vocabularies =
    (ProcessInfo.processInfo.environment["UNFOLD_TEST_DATA"].map { URL(filePath: $0) }
    ?? package.deletingLastPathComponent().appending(path: "shared/data")).appending(path: "gguf-vocabularies")
  static let isThere = FileManager.default.fileExists(atPath: vocabularies.path)

  /// Every published case, from the file's own metadata: without special tokens, one list of ids a line.
  @Test(
    .enabled(if: isThere, "shared/data/gguf-vocabularies is not here"),
    arguments: ["gpt-2", "llama-spm", "phi-3", "bert-bge"])
  func publishedCases(_ name: String) throws {
    let file = Self.vocabularies.appending(path: "ggml-vocab-\(name).gguf")
    let tokenizer = try #require(try Tokenizer.of(model: file))
    let texts = try String(contentsOf: file.appendingPathExtension("inp"), encoding: .utf8)
      .components(separatedBy: "\n__ggml_vocab_test__\n")
    let lines = try String(contentsOf: file.appendingPathExtension("out"), encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    #expect(texts.count > 20)
    for (text, line) in zip(texts, lines) {
      let ids = try tokenizer.encode(text, addSpecialTokens: false).ids
      #expect(ids == line.split(separator: " ").compactMap { Int32($0) }, "\(name): \(text.debugDescription)")
    }
  }

  @Test func foldersWithAndWithout() throws {
    #expect(try Tokenizer.of(model: Self.package.appending(path: "models/unfold-mini")) != nil)
    let empty = try TemporaryFolder()
    #expect(try Tokenizer.of(model: empty.url) == nil)
    let fault = #expect(throws: Fault.self) { try Tokenizer.of(model: empty.file("absent")) }
    #expect(fault?.name == "tokenizer.notFound")
    // A model in GGUF without a vocabulary.
    let bare = Self.package.appending(path: "Tests/TransformerTests/Fixtures/gguf/llama.gguf")
    #expect(throws: Never.self) { try Tokenizer.of(model: bare) }
  }
}
