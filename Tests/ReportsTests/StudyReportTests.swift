import Foundation
import Testing

/// What the published pages say in words must follow from their own tables.
@Suite struct StudyReportTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// `+12.4 (3.1 – 20.2)`, with the numbers.
  static var difference: Regex<(Substring, Substring, Substring, Substring, Substring, Substring, Substring)> {
    /([+−]?)([0-9.]+) \((−?)([0-9.]+) – (−?)([0-9.]+)\)/
  }

  static func excludesZero(
    _ match: Regex<(Substring, Substring, Substring, Substring, Substring, Substring, Substring)>.Match
  ) -> Bool {
    let low = (Double(match.4) ?? 0) * (match.3.isEmpty ? 1 : -1)
    let high = (Double(match.6) ?? 0) * (match.5.isEmpty ? 1 : -1)
    return low > 0 || high < 0
  }

  @Test(arguments: [("probes/README.md", 21), ("docs/gemma-probes.md", 21)])
  func everySentenceFollowsFromTheTable(_ page: String, _ concepts: Int) throws {
    let text = try String(contentsOf: Self.root.appending(path: page), encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    let header = try #require(lines.first { $0.hasPrefix("| concept |") })
    let names = header.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    var rows: [String: [String: String]] = [:]
    for line in lines where line.hasPrefix("| ") && !line.hasPrefix("| concept") && !line.hasPrefix("| ---") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == names.count else { continue }
      let name = cells[0].hasPrefix("[") ? String(cells[0].dropFirst().prefix { $0 != "]" }) : cells[0]
      rows[name] = Dictionary(uniqueKeysWithValues: zip(names, cells))
    }
    #expect(rows.count == concepts)
    let bullets = lines.filter { $0.hasPrefix("- **") }
    #expect(bullets.count == rows.count)
    for bullet in bullets {
      let name = String(bullet.dropFirst(4).prefix { $0 != "*" })
      let row = try #require(rows[name], "\(name)")
      let p = try #require(Double(row["p"] ?? ""), "\(name)")
      if p > 0.05 {
        #expect(bullet.contains("nothing found: shuffled labels do as well, p = \(row["p"] ?? "")"), "\(name)")
        #expect(row["arises at"] == "not found" && bullet.firstMatch(of: Self.difference) == nil, "\(name)")
        continue
      }
      #expect(bullet.contains("found: p = \(row["p"] ?? "")") && row["arises at"] != "not found", "\(name)")
      // Every difference that is said stands in the row, and its interval leaves 0 out.
      for match in bullet.matches(of: Self.difference) {
        #expect(row.values.contains { $0.contains(match.0) }, "\(name): \(match.0)")
        #expect(Self.excludesZero(match), "\(name): \(match.0)")
      }
      // Every difference in the row that leaves 0 out is said, those of rotations only beside their rank.
      for column in ["less words", "less embeddings", "less random weights", "less random directions", "selectivity"] {
        guard let match = row[column]?.firstMatch(of: Self.difference), Self.excludesZero(match) else { continue }
        #expect(bullet.contains(match.0), "\(name): \(column)")
      }
    }
  }
}
