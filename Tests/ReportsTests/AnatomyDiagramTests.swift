import Anatomy
import Foundation
import Reports
import Testing

@Suite("The pass drawn")
struct AnatomyDiagramTests {
  func anatomy(_ name: String) throws -> ModelAnatomy {
    try ModelAnatomy(#require(Preset.named(name)).architecture())
  }

  @Test("the SVG marks every step that depends on the width", arguments: Preset.all.map(\.name))
  func svg(name: String) throws {
    let anatomy = try anatomy(name)
    let svg = AnatomyDiagram(anatomy).svg()
    let marked = anatomy.operations.count { $0.dependsOnWidth }
    #expect(svg.components(separatedBy: "r=\"10\" fill=\"#b35c00\"").count - 1 == marked)
    #expect(svg.components(separatedBy: "<text").count == svg.components(separatedBy: "</text>").count)
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
  }

  @Test("Mermaid's edges join nodes that are there", arguments: Preset.all.map(\.name))
  func mermaid(name: String) throws {
    let anatomy = try anatomy(name)
    let lines = AnatomyDiagram(anatomy).mermaid().split(separator: "\n").map { $0.drop { $0 == " " } }
    let nodes = Set(
      lines.filter { $0.contains("[") && !$0.hasPrefix("subgraph") }.compactMap { $0.split { "([".contains($0) }.first }
    )
    #expect(nodes.count == anatomy.operations.count + 1)
    let edges = lines.filter { $0.contains("-->") }
    // Each step follows one before it, and each of the two sums has a second line: the stream itself. An MLP's ways
    // begin at one step and end at one.
    let ways = Set(anatomy.operations.map(\.way)).subtracting([.all])
    #expect(edges.count == anatomy.operations.count + 2 + max(0, ways.count - 1))
    let starts = edges.compactMap { $0.split(separator: " ").first }
    #expect((Set(starts).map { start in starts.count { $0 == start } }.max() ?? 0) == max(2, ways.count))
    for edge in edges {
      let ends = edge.split(separator: " ")
      #expect(nodes.contains(ends[0]) && nodes.contains(ends[ends.count - 1]))
    }
    let classed = try #require(lines.last).split(separator: " ")[1].split(separator: ",")
    #expect(classed.count == anatomy.operations.count { $0.dependsOnWidth })
  }

  @Test("ways of an MLP: dense or experts, and a shared one beside them")
  func ways() throws {
    let steps = try anatomy("deepseek-v3").operations
    #expect(steps.count { $0.way == .dense } == 3 && steps.count { $0.way == .shared } == 3)
    #expect(steps.count { $0.way == .experts } == 4)
    #expect(try anatomy("gpt2").operations.count { $0.way == .experts } == 0)
    let text = AnatomyDiagram(try anatomy("deepseek-v3")).terminal(.plain)
    #expect(text.contains("│   or\n") && text.contains("│   and beside them\n"))
    #expect(!AnatomyDiagram(try anatomy("mixtral-8x7b")).terminal(.plain).contains("beside them"))
    #expect(try anatomy("qwen1.5-moe-a2.7b").operations.count { $0.way == .shared } == 4)
  }

  @Test("reports fit a hundred columns without colour", arguments: ["gpt2", "llama-3-405b", "gemma-2-9b"])
  func widths(name: String) throws {
    let report = AnatomyReport(try anatomy(name))
    let lines = report.text(.plain).split(separator: "\n")
    #expect(lines.dropFirst(8).allSatisfy { String($0).displayWidth <= 118 })
    #expect(!report.explanation(.plain).isEmpty)
    #expect(!report.text(.plain).contains("\u{1B}"))
  }
}
