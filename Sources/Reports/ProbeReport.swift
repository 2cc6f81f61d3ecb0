import Activations
import Foundation
import Probes

extension Probe {
  /// The probe in words: what it tells apart, where, and how well on examples that it never saw.
  public func report(_ style: TerminalStyle) -> String {
    let evaluation = record.evaluation
    var lines = [
      style.bold("\(record.classes.joined(separator: " / ")) at \(record.site.name)"),
      "\(record.settings.method.rawValue), trained on \(record.trainingExamples) examples of "
        + "\(record.trainingGroups) groups; judged on \(evaluation.examples) of \(evaluation.groups) other groups",
      evaluation.table().rendered(style),
    ]
    if let strength = record.fit.strength {
      lines.append(
        "C = \(strength)\(record.fit.converged ? "" : "; the minimisation did not converge")"
          + (record.validation.map { "; balanced accuracy in the training folds \(Format.fixed($0))" } ?? ""))
    }
    if record.unlabelledDocuments > 0 {
      lines.append("\(record.unlabelledDocuments) documents without a label took no part")
    }
    return lines.joined(separator: "\n")
  }
}

extension Evaluation {
  /// The scores, with their bootstrap intervals and the majority baseline's beside them.
  public func table() -> TextTable {
    let level = intervals.map { "\(Int(($0.level * 100).rounded())) % interval" } ?? ""
    var table = TextTable([.left("score"), .right("value"), .left(level), .right("majority")])
    func row(_ name: String, _ value: Double?, _ interval: Interval?, _ baseline: Double?) {
      table.append([
        name, value.map { Format.fixed($0) } ?? "–",
        interval.map { "\(Format.fixed($0.low)) – \(Format.fixed($0.high))" } ?? "",
        baseline.map { Format.fixed($0) } ?? "–",
      ])
    }
    row("accuracy", scores.accuracy, intervals?.accuracy, majority.accuracy)
    row("balanced accuracy", scores.balancedAccuracy, intervals?.balancedAccuracy, majority.balancedAccuracy)
    row("F1", scores.f1, intervals?.f1, majority.f1)
    row("AUROC", scores.auroc, intervals?.auroc, majority.auroc)
    row("MCC", scores.mcc, intervals?.mcc, majority.mcc)
    return table
  }
}

extension ProbeSweep.Table {
  /// A row for each site: its scores, with the best site marked.
  public func table() -> TextTable {
    var table = TextTable([
      .left("site"), .right("width"), .right("accuracy"), .right("balanced"), .right("F1"), .right("AUROC"),
      .left("95 % interval"), .right("folds"), .left(""),
    ])
    for row in rows {
      let scores = row.evaluation.scores
      let interval = row.evaluation.intervals?.auroc
      table.append([
        row.site, "\(row.width)", Format.fixed(scores.accuracy), Format.fixed(scores.balancedAccuracy),
        Format.fixed(scores.f1), scores.auroc.map { Format.fixed($0) } ?? "–",
        interval.map { "\(Format.fixed($0.low)) – \(Format.fixed($0.high))" } ?? "",
        row.validation.map { Format.fixed($0) } ?? "–", row.site == best ? "◀ best in the training folds" : "",
      ])
    }
    return table
  }

  /// Balanced accuracy over the layers, a line for each kind of site.
  public func chart() -> String {
    let layers = Set(rows.compactMap(\.layer)).sorted()
    guard layers.count > 1 else { return "" }
    var kinds: [String] = []
    for row in rows where row.layer != nil {
      let kind = row.kind
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    let series = kinds.map { kind in
      (
        name: kind,
        values: layers.map { layer in
          rows.first { $0.layer == layer && $0.kind == kind }?.evaluation.scores.balancedAccuracy ?? .nan
        }
      )
    }
    let chance = 1 / Double(max(2, classes.count))
    let least = series.flatMap(\.values).filter(\.isFinite).min() ?? chance
    return "balanced accuracy by layer\n"
      + TerminalChart.lines(
        series, labels: layers.map { "\($0)" }, height: 9, lower: min(chance, least), upper: 1)
  }

  /// Table and chart.
  public func report(_ style: TerminalStyle) -> String {
    let majority = rows.first?.evaluation.majority
    var lines = [
      style.bold(classes.joined(separator: " / "))
        + ": \(trainingExamples) examples to learn from, \(testExamples) held back"
        + (majority.map { "; always the commonest class: accuracy \(Format.fixed($0.accuracy))" } ?? ""),
      table().rendered(style),
    ]
    let chart = chart()
    if !chart.isEmpty { lines += ["", chart] }
    return lines.joined(separator: "\n")
  }
}

extension ProbeSweep.Row {
  /// The site's name without its layer.
  fileprivate var kind: String {
    guard let layer else { return site }
    return site.replacingOccurrences(of: "blocks.\(layer).", with: "")
  }
}
