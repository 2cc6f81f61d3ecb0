import Reports
import Testing

@Test(arguments: [("abc", 3), ("한국어", 6), ("e\u{301}", 1), ("日本 x", 6), ("", 0)])
func displayWidthCountsColumns(text: String, width: Int) {
  #expect(text.displayWidth == width)
}

@Test func truncationNeverExceedsTheWidth() {
  for width in 0...8 { #expect("한국어 text".truncated(toDisplayWidth: width).displayWidth <= width) }
  #expect("short".truncated(toDisplayWidth: 10) == "short")
}

@Test func tablesAlignAndStayWithinTheLine() {
  var table = TextTable([.left("site"), .right("AUROC"), .text("example")])
  table.append(["blocks.0", "0.91", String(repeating: "word ", count: 60)])
  table.append(["b", "0.5", "한국어\nnext"])
  let lines = table.rendered(TerminalStyle(isColored: false, width: 60)).split(separator: "\n")
  #expect(lines.count == 3)
  #expect(lines.allSatisfy { String($0).displayWidth <= 60 })
  #expect(lines[2].contains("⏎"))
  #expect(table.markdown().contains("| ---: |"))
}

@Test func barsAndSparklinesFollowTheirValues() {
  #expect(TerminalChart.bar(0.5, width: 10) == "█████")
  #expect(TerminalChart.bar(2, width: 3) == "███")
  #expect(TerminalChart.bar(.nan, width: 3).isEmpty)
  #expect(TerminalChart.sparkline([0, 1]) == "▁█")
}

@Test func lineChartsDrawEveryPoint() {
  let chart = TerminalChart.lines(
    [("resid", [0.5, 0.7, 0.9]), ("mlp", [0.6, 0.7, 0.8])], labels: ["0", "1", "2"], lower: 0.5, upper: 1)
  // Three points each, and one more in the legend.
  #expect(chart.filter { $0 == "●" }.count == 4)
  #expect(chart.filter { $0 == "○" }.count == 4)
}

@Test func plainStyleAddsNoEscapes() {
  #expect(TerminalStyle.plain.bold("x") == "x")
  #expect(TerminalStyle.plain.shaded("x", intensity: 1) == "x")
  #expect(TerminalStyle(isColored: true, width: 80).bold("x") == "\u{1B}[1mx\u{1B}[0m")
}

@Test func numbersReadWell() {
  #expect(Format.count(1_234_567) == "1,234,567")
  #expect(Format.bytes(1536) == "1.5 KiB")
  #expect(Format.duration(seconds: 200) == "3 min 20 s")
  #expect(Format.fixed(.nan) == "–")
}
