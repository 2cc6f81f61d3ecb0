import Probes

extension ControlReport {
  /// The controls as a table, then what they imply in words.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .left("control"), .right(measure), .left("range"), .right("probe"), .text("what"),
    ])
    for result in results {
      table.append([
        result.control.title, result.score.map { Format.fixed($0) } ?? "–",
        result.interval.map { "\(Format.fixed($0.low, 2))–\(Format.fixed($0.high, 2))" } ?? "",
        result.score == nil ? "" : Format.fixed(result.reference ?? score),
        result.notRun.map { "not run: \($0)" } ?? result.detail ?? "",
      ])
    }
    let words = implications.map { "  · " + wrapped($0, width: style.width - 4).joined(separator: "\n    ") }
    return ([style.bold("Controls at \(site)"), table.rendered(style)] + words).joined(separator: "\n")
  }
}

/// The words of a text in lines of at most `width` columns.
func wrapped(_ text: String, width: Int) -> [String] {
  var lines = [""]
  for word in text.split(separator: " ") {
    let last = lines[lines.count - 1]
    if last.isEmpty {
      lines[lines.count - 1] = String(word)
    } else if last.displayWidth + 1 + String(word).displayWidth <= width {
      lines[lines.count - 1] = last + " " + word
    } else {
      lines.append(String(word))
    }
  }
  return lines
}
