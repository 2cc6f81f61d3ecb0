import Diagnostics
import Foundation
import Geometry
import LinearAlgebra
import StrictJSON
import TestFiles
import TestSupport
import Testing
import Tokenization
import Transformer

@Suite("Embedding arithmetic")
struct ArithmeticTests {
  static let mini = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "models/unfold-mini")

  @Test("nearest tokens and analogies equal NumPy's")
  func reference() throws {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/geometry", withExtension: "json"))
    let document = JSONReader(try JSONValue(parsing: [UInt8](Data(contentsOf: url)), file: "geometry.json"), file: "")
    let rows = try document.required("vectors").array().map { try $0.array().map { Float(try $0.number()) } }
    let names = rows.indices.map { "w\($0 + 1)" }
    let tokenizer = try AnalogyTests.tokenizer(names)
    for isCentred in [true, false] {
      let vectors = TokenVectors(
        space: "random", ids: rows.indices.map { Int32($0 + 1) }, texts: names,
        vectors: Matrix(rows: rows.count, columns: 12, elements: rows.flatMap { $0 }), centred: isCentred)
      let words = WordLookup(vectors, tokenizer: tokenizer)
      for test in try document.required("cases").array() {
        guard try test.required("centred").bool() == isCentred else { continue }
        let expression = try test.required("expression").string()
        let terms = try WordSum(expression).terms.map { (row: try words.requiredRow(of: $0.word), weight: $0.weight) }
        let found = vectors.nearest(to: terms, count: 5)
        let expected = try test.required("nearest").array()
        #expect(found.count == expected.count)
        // Float32 against doubles: cosines agree to about 1e-6.
        for (one, other) in zip(found, expected) {
          #expect(Int(one.id) == (try other.required("id").integer()), "\(expression)")
          #expect(abs(one.similarity - (try other.required("similarity").number())) < 1e-5)
        }
      }
    }
  }

  @Test("the shipped model's numbers lie together")
  func numbers() throws {
    let model = try Model.load(Self.mini)
    let tokenizer = try Tokenizer(folder: Self.mini)
    let vectors = try TokenVectors(embeddingsOf: model, tokenizer: tokenizer)
    let row = try WordLookup(vectors, tokenizer: tokenizer).requiredRow(of: "three")
    #expect(vectors.nearest(to: [(row, 1)], count: 5).map(\.text).contains(" two"))
  }

  @Test("words that have no vector say why")
  func words() throws {
    let model = try Model.load(Self.mini)
    let tokenizer = try Tokenizer(folder: Self.mini)
    let vectors = try TokenVectors(embeddingsOf: model, tokenizer: tokenizer)
    let words = WordLookup(vectors, tokenizer: tokenizer)
    let several = try #require(throws: Fault.self) { try words.requiredRow(of: "antidisestablishmentarianism") }
    #expect(several.name == "geometry.notOneToken")
    let few = TokenVectors(
      space: "few", ids: [300], texts: ["x"], vectors: Matrix(rows: 1, columns: 2, elements: [1, 0]))
    let absent = try #require(throws: Fault.self) {
      try WordLookup(few, tokenizer: tokenizer).requiredRow(of: "three")
    }
    #expect(absent.name == "geometry.absentToken")
  }

  @Test("sums of words", arguments: ["king - man + woman", "king − man + woman", " king  -  man + woman "])
  func sums(text: String) throws {
    let sum = try WordSum(text)
    #expect(sum.terms.map(\.word) == ["king", "man", "woman"])
    #expect(sum.terms.map(\.weight) == [1, -1, 1])
  }

  @Test("sums that are none", arguments: ["", "  ", "king -", "- ", "king man", "king + + man", "+ king", "- - king"])
  func badSums(text: String) {
    #expect(throws: Fault.self) { try WordSum(text) }
  }

  @Test("spellings of the words asked for are no answers")
  func spellings() {
    let vectors = TokenVectors(
      space: "test", ids: [0, 1, 2, 3], texts: ["king", " King", "queen", "##king"],
      vectors: Matrix(rows: 4, columns: 2, elements: [1, 0, 1, 0.01, 0.5, 1, 1, -0.01]), centred: false)
    #expect(vectors.nearest(to: [(0, 1)], count: 5).map(\.text) == ["queen"])
  }
}

@Suite("Analogies")
struct AnalogyTests {
  /// A tokenizer whose tokens are whole words, so that planted vectors can be asked by word.
  static func tokenizer(_ words: [String]) throws -> Tokenizer {
    let vocabulary = words.enumerated().map { "\"\($1)\": \($0 + 1)" }.joined(separator: ", ")
    let json = """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [{"id": 0, "content": "[UNK]",
      "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
      "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
      "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null,
      "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
      "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, \(vocabulary)}}}
      """
    return try Tokenizer(json: Array(json.utf8), file: "tokenizer.json")
  }

  @Test("planted analogies are answered, and a space without them is not")
  func planted() throws {
    let words = (0..<12).flatMap { ["base\($0)", "turned\($0)"] }
    let tokenizer = try Self.tokenizer(words)
    var generator = SeededGenerator(seed: 3)
    let offset = (0..<24).map { _ in Float(generator.normal()) }
    func vectors(planted: Bool) -> TokenVectors {
      var elements: [Float] = []
      for _ in 0..<12 {
        let base = (0..<24).map { _ in Float(generator.normal()) }
        elements += base
        elements += planted ? zip(base, offset).map { $0 + $1 } : (0..<24).map { _ in Float(generator.normal()) }
      }
      return TokenVectors(
        space: "test", ids: (1...24).map { Int32($0) }, texts: words,
        vectors: Matrix(rows: 24, columns: 24, elements: elements), centred: false)
    }
    var questions: [AnalogySet.Question] = []
    for a in 0..<12 {
      for b in 0..<12 where a != b {
        questions.append(.init(relation: "turn", words: ["base\(a)", "turned\(a)", "BASE\(b)", "turned\(b)"]))
      }
    }
    questions.append(.init(relation: "other", words: ["base0", "turned0", "unknown", "turned1"]))
    let set = AnalogySet(questions)
    let right = vectors(planted: true)
    let scores = try right.score(set, words: WordLookup(right, tokenizer: tokenizer))
    #expect(scores.map(\.relation) == ["turn", "other", "all"])
    #expect(scores[0].asked == 132 && scores[1].asked == 0 && scores[2].questions == 133)
    #expect(scores[0].add > 125 && scores[0].multiply > 125 && scores[0].five >= scores[0].add)
    let wrong = vectors(planted: false)
    let chance = try wrong.score(set, words: WordLookup(wrong, tokenizer: tokenizer))
    #expect(chance[2].add < 30)
    let none = AnalogySet([.init(relation: "x", words: ["a", "b", "c", "d"])])
    #expect(throws: Fault.self) { try right.score(none, words: WordLookup(right, tokenizer: tokenizer)) }
  }

  @Test("files of analogies", arguments: ["", "{}", "{\"words\": [\"a\"]}", "{\"words\": [1, 2, 3, 4]}", "words"])
  func badFiles(text: String) throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(text, "analogies.jsonl")
    #expect(throws: Fault.self) { try AnalogySet(contentsOf: url) }
  }

  static let shared: URL = {
    let environment = ProcessInfo.processInfo.environment["UNFOLD_TEST_DATA"]
    let beside = ArithmeticTests.mini.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "shared/data")
    return (environment.map { URL(filePath: $0) } ?? beside).appending(path: "concepts/analogies.jsonl")
  }()

  @Test("the shipped model on the published set", .enabled(if: FileManager.default.fileExists(atPath: shared.path)))
  func published() throws {
    let model = try Model.load(ArithmeticTests.mini)
    let tokenizer = try Tokenizer(folder: ArithmeticTests.mini)
    let vectors = try TokenVectors(embeddingsOf: model, tokenizer: tokenizer)
    let scores = try vectors.score(
      AnalogySet(contentsOf: Self.shared), words: WordLookup(vectors, tokenizer: tokenizer))
    let all = try #require(scores.last)
    #expect(all.questions == 19_544 && all.asked > 0 && all.add <= all.five && all.five <= all.asked)
  }
}
