import Foundation

/// Small charts made of block characters.
public enum TerminalChart {
  /// A bar of `width` columns whose filled part is `fraction` (clamped to 0 … 1), in eighths of a column.
  public static func bar(_ fraction: Double, width: Int) -> String {
    let clamped = fraction.isFinite ? min(1, max(0, fraction)) : 0
    let eighths = Int((clamped * Double(width) * 8).rounded())
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }

  /// One character a value, its height linear between `lower` and `upper` (by default the values' own range).
  public static func sparkline(_ values: [Double], lower: Double? = nil, upper: Double? = nil) -> String {
    let finite = values.filter(\.isFinite)
    guard let least = lower ?? finite.min(), let greatest = upper ?? finite.max() else { return "" }
    let blocks = Array("▁▂▃▄▅▆▇█")
    let span = greatest > least ? greatest - least : 1
    return String(
      values.map { value in
        guard value.isFinite else { return " " }
        return blocks[min(7, max(0, Int((value - least) / span * 8)))]
      })
  }

  /// A line chart: one column group a point, rows from `upper` down to `lower`, with an axis and labels below.
  ///
  /// - Parameters:
  ///   - series: Named values over the same positions; NaN leaves a gap.
  ///   - labels: A label a position, drawn under the axis where there is room.
  public static func lines(
    _ series: [(name: String, values: [Double])], labels: [String], height: Int = 10, lower: Double, upper: Double
  ) -> String {
    let marks = Array("●○▲△■□◆◇")
    let step = max(3, (labels.map(\.displayWidth).max() ?? 1) + 2)
    let positions = labels.count
    var grid = Array(repeating: Array(repeating: Character(" "), count: positions * step), count: height)
    for (index, line) in series.enumerated() {
      for (position, value) in line.values.enumerated() where value.isFinite && position < positions {
        let fraction = (value - lower) / (upper > lower ? upper - lower : 1)
        let row = height - 1 - min(height - 1, max(0, Int((fraction * Double(height - 1)).rounded())))
        var column = position * step + step / 2
        // Where two series meet, the later mark moves one column aside so that both can be seen.
        while column < positions * step - 1, grid[row][column] != " " { column += 1 }
        grid[row][column] = marks[index % marks.count]
      }
    }
    var text: [String] = []
    for row in 0..<height {
      let value = upper - (upper - lower) * Double(row) / Double(max(1, height - 1))
      let isLabelled = row == 0 || row == height - 1 || row == height / 2
      let label = isLabelled ? String(format: "%6.2f ┤", value) : "       │"
      text.append(label + String(grid[row]).trimmingTrailingSpaces())
    }
    text.append("       └" + String(repeating: "─", count: positions * step))
    text.append(
      "        " + labels.map { centred($0, in: step) }.joined().trimmingTrailingSpaces())
    if series.count > 1 {
      let legend = series.enumerated().map { "\(marks[$0 % marks.count]) \($1.name)" }
      text.append("        " + legend.joined(separator: "   "))
    }
    return text.joined(separator: "\n")
  }

  private static func centred(_ text: String, in width: Int) -> String {
    let space = max(0, width - text.displayWidth)
    return String(repeating: " ", count: space / 2) + text + String(repeating: " ", count: space - space / 2)
  }
}

extension String {
  fileprivate func trimmingTrailingSpaces() -> String {
    var end = endIndex
    while end > startIndex, self[index(before: end)] == " " { end = index(before: end) }
    return String(self[..<end])
  }
}
