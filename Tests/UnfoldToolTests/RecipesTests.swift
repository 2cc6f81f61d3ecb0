import Foundation
import Testing

/// The ten most common tasks from Swift: built with the tests, run here, and shown on their page as they are.
@Suite("Recipes", .serialized)
struct RecipesTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test("All ten run")
  func run() throws {
    let outcome = try Tool().run(program: "Recipes", in: Self.root)
    #expect(outcome.code == 0)
    let text = outcome.output
    for number in 1...10 { #expect(text.contains("\(number). "), "task \(number)") }
    #expect(text.contains("blocks.2.hook_resid_post") && text.contains("512 latents"))
  }

  @Test("Each has at most ten lines, and stands on the page as it runs")
  func page() throws {
    let source = try String(contentsOf: Self.root.appending(path: "Examples/Recipes/main.swift"), encoding: .utf8)
    let page = try String(contentsOf: Self.root.appending(path: "docs/recipes.md"), encoding: .utf8)
    let tasks = source.components(separatedBy: "// MARK: ").dropFirst()
    #expect(tasks.count == 10)
    for task in tasks {
      let lines = task.split(separator: "\n").map(String.init)
      let code = lines.dropFirst().filter { !$0.hasPrefix("try FileManager") }
      #expect(code.count <= 10, "\(lines[0])")
      #expect(page.contains("## \(lines[0])"))
      #expect(page.contains(code.joined(separator: "\n")), "\(lines[0])")
    }
  }
}
