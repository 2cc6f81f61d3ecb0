import Foundation

/// A table for people: a header, aligned columns, cells cut where the line would be too long.
public struct TextTable: Sendable {
  public enum Alignment: Sendable { case left, right }

  public struct Column: Sendable {
    public let title: String
    public let alignment: Alignment
    /// Columns that may be cut when the table is wider than the line; the widest such column gives way first.
    public let isFlexible: Bool

    public init(_ title: String, _ alignment: Alignment = .left, isFlexible: Bool = false) {
      self.title = title
      self.alignment = alignment
      self.isFlexible = isFlexible
    }

    public static func left(_ title: String) -> Column { Column(title) }
    public static func right(_ title: String) -> Column { Column(title, .right) }
    public static func text(_ title: String) -> Column { Column(title, .left, isFlexible: true) }
  }

  public let columns: [Column]
  public private(set) var rows: [[String]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row; cells beyond the columns are dropped, missing ones are empty.
  public mutating func append(_ cells: [String]) {
    let padded = cells.prefix(columns.count) + Array(repeating: "", count: max(0, columns.count - cells.count))
    rows.append(padded.map(\.onOneLine))
  }

  /// The table as lines of text, each at most `style.width` columns where its flexible columns allow.
  public func rendered(_ style: TerminalStyle) -> String {
    let widths = fittedWidths(style.width)
    func line(_ cells: [String]) -> String {
      var text = ""
      for (column, cell) in cells.enumerated() {
        let shown = cell.truncated(toDisplayWidth: widths[column])
        let space = String(repeating: " ", count: widths[column] - shown.displayWidth)
        let isLast = column == cells.count - 1
        text += columns[column].alignment == .right ? space + shown : isLast ? shown : shown + space
        if !isLast { text += "  " }
      }
      return text
    }
    let header = style.bold(line(columns.map(\.title)))
    return ([header] + rows.map(line)).joined(separator: "\n")
  }

  /// The table in GitHub's Markdown.
  public func markdown() -> String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    let rule = columns.map { $0.alignment == .right ? "---:" : "---" }
    return ([line(columns.map(\.title)), line(rule)] + rows.map(line)).joined(separator: "\n")
  }

  private func fittedWidths(_ available: Int) -> [Int] {
    var widths = columns.indices.map { column in
      max(columns[column].title.displayWidth, rows.map { $0[column].displayWidth }.max() ?? 0)
    }
    let gaps = 2 * (columns.count - 1)
    while widths.reduce(gaps, +) > available {
      let flexible = columns.indices.filter { columns[$0].isFlexible && widths[$0] > 8 }
      guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] = max(8, widths[widest] - (widths.reduce(gaps, +) - available))
    }
    return widths
  }
}
