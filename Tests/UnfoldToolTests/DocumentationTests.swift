import Foundation
import Testing

/// The programs of the tutorials run, and the catalogue of the documentation shows no code but what is built.
@Suite("Documentation", .serialized)
struct DocumentationTests {
  static let root = RecipesTests.root
  static let catalogue = root.appending(path: "Sources/Unfold/Unfold.docc")
  static let programs = ["FirstProbe", "ReadDictionary", "FromTransformerLens"]

  static func source(_ program: String) throws -> String {
    try String(contentsOf: root.appending(path: "Examples/\(program)/main.swift"), encoding: .utf8)
  }

  static func pages(_ suffix: String) throws -> [(name: String, text: String)] {
    let names = try #require(FileManager.default.enumerator(atPath: catalogue.path))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) && !$0.hasPrefix("Generated/") }
    return try names.map { ($0, try String(contentsOf: catalogue.appending(path: $0), encoding: .utf8)) }
  }

  @Test("The programs of the tutorials run", arguments: programs)
  func run(_ program: String) throws {
    let outcome = try Tool().run(program: program, in: Self.root)
    #expect(outcome.code == 0)
    let text = outcome.output
    let last = [
      "FirstProbe": "nats at most", "ReadDictionary": "latents read back", "FromTransformerLens": "token 2 restores",
    ]
    #expect(text.contains(last[program] ?? "?"))
  }

  @Test("Every step of a tutorial is a step of its program, and every step of a program is shown")
  func steps() throws {
    let tutorials = try Self.pages(".tutorial").map(\.text).joined()
    let shown = tutorials.matches(of: /file: ([A-Za-z]+)-([a-z]+)\.swift/).map { "\($0.1)-\($0.2)" }
    let made = try Self.programs.flatMap { program in
      try Self.source(program).matches(of: /(?m)^\/\/ STEP ([a-z]+)$/).map { "\(program)-\($0.1)" }
    }
    #expect(shown.sorted() == made.sorted())
    #expect(made.count > 20)
  }

  @Test("Every line of Swift in an article stands in a program that is built")
  func articles() throws {
    let programs = try (Self.programs + ["Recipes", "Journey"]).map { program in
      Set(try Self.source(program).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
    }
    var blocks = 0
    for (name, text) in try Self.pages(".md") {
      for block in text.matches(of: /```swift\n((?:.|\n)*?)```/) {
        blocks += 1
        let lines = block.1.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(programs.contains { $0.isSuperset(of: lines) }, "\(name): \(block.1)")
      }
    }
    #expect(blocks >= 3)
  }
}
