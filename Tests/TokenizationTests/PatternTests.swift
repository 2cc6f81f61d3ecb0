import Diagnostics
import Foundation
import StrictJSON
import Testing
import Tokenization

/// Regular expressions as steps of a tokenizer, against what Hugging Face's `tokenizers` makes of the same texts.
@Suite("Patterns of tokenizers") struct PatternTests {
  @Test("Replaced, split and decoded as in the reference")
  func reference() throws {
    let failures = try compare(Fixture.json("patterns.json"))
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  @Test("As many texts as the script was asked for", .enabled(if: SharedData.morePatternCases != nil))
  func more() throws {
    let file = try #require(SharedData.morePatternCases)
    let data = [UInt8](try Data(contentsOf: URL(filePath: file)))
    let failures = try compare(JSONReader(try JSONValue(parsing: data, file: file), file: file))
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  /// What differs: the first text of each pattern and step.
  private func compare(_ fixture: JSONReader) throws -> [String] {
    var ids: [[UInt8]: Int32] = [:]
    var members: [String] = []
    for (character, id) in try fixture.required("characters").members() {
      ids[Array(character.utf8)] = Int32(try id.integer())
      members.append("\(try quoted(character)): \(try id.integer())")
    }
    let vocabulary = "{" + members.joined(separator: ", ") + "}"
    let model = "\"model\": {\"type\": \"BPE\", \"vocab\": \(vocabulary), \"merges\": []}"
    var failures: [String] = []
    for item in try fixture.required("cases").array() {
      let name = try item.required("pattern").string()
      let pattern = "\"pattern\": {\"Regex\": \(try quoted(name))}"
      let content = try quoted(item.required("content").string())
      let replacing = try tokenizer(
        "\"normalizer\": {\"type\": \"Replace\", \(pattern), \"content\": \(content)}, \(model)")
      let splitting = try tokenizer(
        """
        "pre_tokenizer": {"type": "Split", \(pattern),
        "behavior": "\(item.required("behavior").string())", "invert": \(item.required("invert").bool())}, "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}
        """)
      let decoding = try tokenizer(
        """
        "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", \(pattern), "content": "_"}]},
        \(model)
        """)
      var wrong: Set<String> = []
      for row in try item.required("rows").array().map({ try $0.array() }) {
        let text = try row[0].string()
        func check(_ step: String, _ found: [[Int32]], _ wanted: [[Int32]]) {
          guard found != wanted, wrong.insert(step).inserted else { return }
          failures.append("\(step) \(name.debugDescription) in \(text.debugDescription): \(found) for \(wanted)")
        }
        let replaced = try replacing.encode(text)
        check(
          "replace", [replaced.ids, replaced.starts, zip(replaced.starts, replaced.ends).map { $1 - $0 }],
          try row[1...3].map { try $0.integers() })
        let split = try splitting.encode(text)
        check(
          "split", [split.starts, zip(split.starts, split.ends).map { $1 - $0 }],
          try row[4...5].map { try $0.integers() })
        let decoded = try decoding.decode(text.unicodeScalars.compactMap { ids[Array(String($0).utf8)] })
        check(
          "decode", [decoded.unicodeScalars.map { Int32($0.value) }],
          [try row[6].string().unicodeScalars.map { Int32($0.value) }])
      }
    }
    return failures
  }

  private func quoted(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
  }

  private func tokenizer(_ body: String) throws -> Tokenizer {
    try Tokenizer(json: Array("{\(body)}".utf8), file: "pattern.json")
  }

  private func removing(_ pattern: String) throws -> Tokenizer {
    try tokenizer(
      """
      "pre_tokenizer": {"type": "Split", "pattern": {"Regex": \(quoted(pattern))}, "behavior": "Removed"},
      "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}
      """)
  }

  @Test("An empty fixed text is found between all characters")
  func emptyText() throws {
    let replacing = try tokenizer(
      """
      "normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "c"},
      "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}
      """)
    #expect(try replacing.encode("ab").ids == [2, 0, 2, 1, 2])
    #expect(try replacing.encode("").ids == [])
  }

  @Test(
    "A pattern that is too large is refused at once", .timeLimit(.minutes(1)),
    arguments: [
      "a" + String(repeating: "*", count: 300_000), "a" + String(repeating: "*", count: 9_000),
      "(((((){1000}){1000}){1000}){1000}){1000}", String(repeating: "(", count: 5_000),
      String(repeating: "a", count: 20_000), String(repeating: "((a{9}){9}){9}", count: 300), "a{100000}",
      // Nothing here goes back or piles up, which is what the library counts.
      String(repeating: "(?>(?:", count: 5) + "^" + String(repeating: "){1000})", count: 5),
      // These take exponential time, to compile and to match.
      String(repeating: "(?<=", count: 40) + "a" + String(repeating: ")", count: 40),
      String(repeating: "(?~", count: 10) + "a" + String(repeating: ")", count: 10),
      // Parts that hide what encloses them.
      #"(?>(?:(?>(?:a|\c)b){1000}){1000}){1000})"#, #"(?x)(?>(a # )"# + "\n" + #"[)\]] ) {1000}) {1000}"#,
      #"(?:(?:[]\])[(]a{100}){100}(?#){1000}"#,
    ])
  func large(pattern: String) { expectFault("tokenizer.unsupportedPattern") { _ = try removing(pattern) } }

  @Test("Repetitions in use are not large")
  func notLarge() throws {
    let runs = [512, 256, 128, 64, 32, 16, 8, 4].map { "\\s{\($0)}(?!\\S)" }.joined(separator: "|")
    #expect(try removing(runs).encode("ab").ids == [0, 1])
    #expect(try removing(#"\x{1000}{3}|\p{Ll}[{1000}]|(?x: # (){1000}"# + "\n)x").encode("ab").ids == [0, 1])
  }

  @Test(
    "A pattern that takes too long on a text is given up", .timeLimit(.minutes(1)),
    arguments: ["(a+)+[bc]$", "(a|aa)+(?:b|c)$", "(?<x>a\\g<x>?|a)+[bc]$"])
  func slow(pattern: String) throws {
    let tokenizer = try removing(pattern)
    do {
      _ = try tokenizer.encode(String(repeating: "a", count: 3_000))
      Issue.record("no fault")
    } catch let fault as Fault {
      #expect(fault.name == "tokenizer.patternTooSlow")
      #expect(fault.found?.contains(pattern) == true && fault.found?.contains("at byte 0") == true, "\(fault)")
      #expect(fault.advice != nil)
    }
  }

  @Test("A run that outgrows the library's stack is given up")
  func deep() throws {
    expectFault("tokenizer.patternTooSlow") {
      _ = try removing("(?:a|b)+").encode(String(repeating: "ab", count: 3_000_000))
    }
  }

  @Test("Matches far from where a search begins")
  func far() throws {
    let replacing = try tokenizer(
      """
      "normalizer": {"type": "Replace", "pattern": {"Regex": "b+|(?<=c)é(?=a)|\\\\z"}, "content": "c"},
      "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "é": 3}, "merges": []}
      """)
    for gap in [0, 1, 1022, 1023, 1024, 1025, 2047, 2048, 5000] {
      let run = String(repeating: "aé", count: gap)
      let ids: [Int32] = (0..<gap).flatMap { _ in [0, 3] as [Int32] }
      let found = try replacing.encode(run + "bb" + run + "céa" + run).ids
      let wanted: [[Int32]] = [ids, [2], ids, [2, 2, 0], ids, [2]]
      #expect(found == Array(wanted.joined()), "\(gap)")
    }
  }

  @Test("Any pattern gives a fault or a tokenizer, and soon", .timeLimit(.minutes(2)))
  func anyPattern() throws {
    let parts = [
      "a", "b", "ß", "ſ", #"\p{L}"#, #"\P{Lu}"#, "[a-zß]", #"[^\s\p{N}]"#, #"\X"#, #"\R"#, "(?i)", "(?:", "(", "(?>",
      "(?=", "(?!",
      "(?<=", "(?<!", "(?~", "(?i:", "(?x:", ")", ")", ")", ")", ")", ")", "*", "+", "?", "{2,9}", "{,100}", "{3}",
      "{1000}", "|",
      "^", "$", #"\b"#, #"\1"#, #"\k<1>"#, #"\g<1>"#, "(?<n>", #"\g<n>"#, ".", "(?m:", #"\K"#, #"\G"#,
      "[[:alpha:]&&[^a]]",
      "(?(1)a|b)", "(?y{g})", #"\y"#, #"\O"#, "#", " ", "[", "]", #"\w"#, #"\c"#, "(?W)", "(?{x})", "(*FAIL)", "\0",
    ]
    let text = "aaab ßs\n12 ssſK abAB  " + String(repeating: "ab", count: 100)
    var generator = Generator(state: 41)
    var made = 0
    for round in 0..<600 {
      // Every third is of few parts, which are repeated.
      let own = round % 3 == 0 ? (0..<3).map { _ in parts.randomElement(using: &generator) ?? "" } : parts
      let count = Int(generator.next() % (round % 10 == 0 ? 2000 : 40))
      var pattern = (0..<count).map { _ in own.randomElement(using: &generator) ?? "" }.joined()
      let open = pattern.count { $0 == "(" } - pattern.count { $0 == ")" }
      pattern += String(repeating: ")", count: max(0, open))
      do {
        let tokenizer = try tokenizer(
          """
          "normalizer": {"type": "Replace", "pattern": {"Regex": \(quoted(pattern))}, "content": "b"},
          "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}
          """)
        made += 1
        _ = try tokenizer.encode(text)
      } catch let fault as Fault {
        #expect(["tokenizer.unsupportedPattern", "tokenizer.patternTooSlow"].contains(fault.name), "\(fault)")
        #expect(fault.advice != nil)
      }
    }
    #expect(made > 30)
  }

  @Test("One pattern on many threads at once")
  func threads() async throws {
    let tokenizer = try removing("(?<=a|ab)c|b{2,}")
    var generator = Generator(state: 29)
    let texts = (0..<200).map { _ in
      String((0..<200).map { _ in ["a", "b", "c"][Int(generator.next() % 3)] })
    }
    let expected = try texts.map { try tokenizer.encode($0) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try texts.map { try tokenizer.encode($0) } == expected } }
      for try await same in group { #expect(same) }
    }
  }
}
