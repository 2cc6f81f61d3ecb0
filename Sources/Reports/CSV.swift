import Foundation

/// Comma-separated values (RFC 4180).
public enum CSV {
  /// A record: cells that hold a comma, a quote or a line break stand in quotes.
  public static func line(_ cells: [String]) -> String {
    cells.map { cell in
      cell.contains { $0 == "," || $0 == "\"" || $0.isNewline }
        ? "\"\(cell.replacing("\"", with: "\"\""))\"" : cell
    }
    .joined(separator: ",")
  }
}
