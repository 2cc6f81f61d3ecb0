import Probes

extension ControlReport {
  /// The controls as a table, then what they imply in words.
  public func report(_ style: TerminalStyle) -> String {
    let words = implications.map { "  · " + wrapped($0, width: style.width - 4).joined(separator: "\n    ") }
    return ([style.bold("Controls, by the same procedure on the same examples"), table().rendered(style)] + words)
      .joined(separator: "\n")
  }

  /// Each control beside the probe's own score.
  public func table() -> TextTable {
    var table = TextTable([
      .left("control"), .left("measure"), .right("probe"), .right("control"), .left("range"), .left("difference"),
      .text("what"),
    ])
    for result in results {
      var what = result.notRun.map { "not run: \($0)" } ?? result.detail ?? ""
      if let chance = result.chance {
        what +=
          "; chance \(Format.fixed(chance))"
          + (result.chanceInterval.map { " (\(Format.fixed($0.low, 2))–\(Format.fixed($0.high, 2)))" } ?? "")
      }
      if result.control == .rotatedBasis, let p = result.pValue {
        what += "; p = \(ControlReport.probability(p)) among rotations"
      }
      table.append([
        result.title, result.score == nil ? "" : result.measure.title,
        result.reference.map { Format.fixed($0) } ?? "", result.score.map { Format.fixed($0) } ?? "–",
        result.interval.map { "\(Format.fixed($0.low, 2))–\(Format.fixed($0.high, 2))" } ?? "",
        result.difference.map { $0.figure(result.measure) }
          ?? result.pValue.map { "p = \(ControlReport.probability($0))" } ?? "", what,
      ])
    }
    return table
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
