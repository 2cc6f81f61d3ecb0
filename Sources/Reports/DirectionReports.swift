import Activations
import Foundation
import Probes

extension SignedSum {
  /// `0.51·n12 + 0.20·n7 − 0.11·n300 …`, and what its first terms keep.
  ///
  /// - Parameter name: what a column is called; by default its number.
  public func text(name: (Int) -> String = { "\($0)" }) -> String {
    var sum = ""
    for (place, term) in terms.enumerated() {
      let sign = term.coefficient < 0 ? "−" : place == 0 ? "" : "+"
      sum += place == 0 ? sign : " \(sign) "
      sum += "\(Format.fixed(abs(term.coefficient), 2))·\(name(term.column))"
    }
    guard !kept.isEmpty else { return sum + " …" }
    let scores = kept.map { kept in
      "\(kept.terms.map { $0 == 1 ? "1 term" : "\($0) terms" } ?? "all") \(kept.auroc.map { Format.fixed($0) } ?? "–")"
    }
    return sum + " …\nAUROC on examples held back: " + scores.joined(separator: ", ")
  }
}

extension Stability {
  /// The cosines and scores over repeats in a line.
  public func report(_ style: TerminalStyle) -> String {
    let mean = cosines.reduce(0, +) / Double(max(cosines.count, 1))
    return style.bold("\(repeats) repeats")
      + ", each on a resample of the training groups with another seed: cosine with "
      + "the probe \(Format.fixed(mean, 2)) on average, \(Format.fixed(cosines.min() ?? 1, 2)) at least; between repeats "
      + "\(Format.fixed(meanCosine, 2)); score \(Format.fixed(meanScore)) ± \(Format.fixed(deviation)); "
      + "\(Format.fixed(100 * sameSite, 0)) % of the choices fell on its site"
  }
}

extension Transfer {
  /// Home and away side by side.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([.left("score"), .right("at home"), .right("away"), .left("interval")])
    func row(_ name: String, _ home: Double?, _ away: Double?, _ interval: Interval?) {
      table.append([
        name, home.map { Format.fixed($0) } ?? "–", away.map { Format.fixed($0) } ?? "–",
        interval.map { "\(Format.fixed($0.low)) – \(Format.fixed($0.high))" } ?? "",
      ])
    }
    row("accuracy", home.scores.accuracy, away.scores.accuracy, away.intervals?.accuracy)
    row(
      "balanced accuracy", home.scores.balancedAccuracy, away.scores.balancedAccuracy,
      away.intervals?.balancedAccuracy)
    row("F1", home.scores.f1, away.scores.f1, away.intervals?.f1)
    row("AUROC", home.scores.auroc, away.scores.auroc, away.intervals?.auroc)
    row("MCC", home.scores.mcc, away.scores.mcc, away.intervals?.mcc)
    let place = isOtherModel ? "another model, \(model), at \(site)" : "\(model) at \(site)"
    return style.bold("On \(corpus.joined(separator: ", ")), through \(place)")
      + ": \(away.examples) examples of \(away.groups) groups\n" + table.rendered(style)
  }
}

extension DirectionComparison {
  /// The matrix of cosines, then the principal angles between probes.
  public func report(_ style: TerminalStyle) -> String {
    var matrix = TextTable(
      [.right("")] + [.text("direction")] + directions.indices.map { .right("\($0 + 1)") })
    let names = shortNames()
    for (row, direction) in directions.enumerated() {
      matrix.append(
        ["\(row + 1)", names.short.isEmpty ? direction.name : names.short[row]]
          + cosines[row].map { cosine in Format.fixed(cosine, 2) })
    }
    var lines = [
      style.bold("Cosines") + (names.ending.isEmpty ? "" : " at \(names.ending)"), matrix.rendered(style),
      "among so many random directions the largest would be about ±\(Format.fixed(chance, 2))",
    ]
    if angles.contains(where: { $0.degrees.count > 1 }) || angles.count <= 10 {
      var table = TextTable([.text("probe"), .text("probe"), .right("principal angles, degrees")])
      for pair in angles.prefix(40) {
        let shown = pair.degrees.prefix(6).map { Format.fixed($0, 0) }
        table.append([
          pair.first, pair.second, shown.joined(separator: " ") + (pair.degrees.count > 6 ? " …" : ""),
        ])
      }
      lines += ["", table.rendered(style)]
    }
    return lines.joined(separator: "\n")
  }

  /// Names of files that a sweep has written, `NAME.blocks.LAYER.KIND`, without the kind that all of them share; empty
  /// where they are no such names.
  private func shortNames() -> (short: [String], ending: String) {
    var short: [String] = []
    var endings = Set<String>()
    for name in directions.map(\.name) {
      let parts = name.components(separatedBy: ".blocks.")
      guard parts.count == 2, let dot = parts[1].firstIndex(of: ".") else { return ([], "") }
      short.append("\(parts[0]) \(parts[1][..<dot])")
      endings.insert(String(parts[1][parts[1].index(after: dot)...]))
    }
    guard endings.count == 1, let ending = endings.first, Set(short).count == short.count else { return ([], "") }
    return (short, "\(ending), by concept and layer")
  }

  /// The cosines as a heatmap.
  public func figure() -> Figure {
    let names = directions.map(\.name)
    let size = max(260, 30 * Double(names.count))
    return Figure(
      "Which directions share an axis?",
      caption: "The cosine of each probe's direction with each. Among so many random directions the largest would be "
        + "about ±\(Format.fixed(chance, 2)).",
      columns: 1, panelWidth: size + 220, plotHeight: size,
      panels: [
        .init(
          x: .categories(names), y: .categories(names),
          marks: [
            .heatmap(
              .init(
                values: cosines, label: "cosine", colors: .diverging(limit: 1),
                words: names.count > 24 ? [] : cosines.map { $0.map { Format.fixed($0, 1) } }))
          ])
      ])
  }
}
