import Activations
import Foundation
import Probes

extension ProbeSweep.Table {
  /// A row for each site: its scores, with the best site marked.
  public func table() -> TextTable {
    let isRegression = rows.contains { $0.regression != nil }
    var columns: [TextTable.Column] = [.text("site")]
    if methods.count > 1 { columns.append(.left("classifier")) }
    columns +=
      isRegression
      ? [.right("R²"), .left("interval"), .right("error"), .right("Spearman")]
      : [.right("accuracy"), .right("balanced"), .right("F1"), .right("AUROC"), .left("interval")]
    var table = TextTable(columns + [.right("folds"), .left("")])
    for row in rows {
      func range(_ interval: Interval?) -> String {
        interval.map { "\(Format.fixed($0.low, 2))–\(Format.fixed($0.high, 2))" } ?? ""
      }
      var cells = [row.site] + (methods.count > 1 ? [row.method.rawValue] : [])
      let scores = row.evaluation.scores
      if let regression = row.regression {
        cells += [
          Format.fixed(regression.scores.r2), range(regression.intervals?.r2),
          Format.fixed(regression.scores.mae, regression.scores.mae < 10 ? 2 : 1),
          Format.fixed(regression.scores.spearman),
        ]
      } else {
        cells += [
          Format.fixed(scores.accuracy), Format.fixed(scores.balancedAccuracy), Format.fixed(scores.f1),
          scores.auroc.map { Format.fixed($0) } ?? "–", range(row.evaluation.intervals?.auroc),
        ]
      }
      let isBest = row.site == best && (bestMethod == nil || row.method == bestMethod)
      table.append(cells + [row.validation.map { Format.fixed($0) } ?? "–", isBest ? "◀ best" : ""])
    }
    return table
  }

  /// Scores over the layers, a line for each kind of site.
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
          rows.first { $0.layer == layer && $0.kind == kind }?.heldOutScore ?? .nan
        }
      )
    }
    let isRegression = rows.contains { $0.regression != nil }
    let chance = isRegression ? 0 : 1 / Double(max(2, classes.count))
    let least = series.flatMap(\.values).filter(\.isFinite).min() ?? chance
    return "\(isRegression ? "R²" : "balanced accuracy") by layer, on examples held back\n"
      + TerminalChart.lines(
        series, labels: layers.map { "\($0)" }, height: 9, lower: min(chance, least), upper: 1)
  }

  /// Table and chart.
  public func report(_ style: TerminalStyle) -> String {
    let isRegression = rows.contains { $0.regression != nil }
    let majority = isRegression ? nil : rows.first?.evaluation.majority
    let title = classes.count <= 4 ? classes.joined(separator: " / ") : "\(classes.count) classes"
    var lines = [
      style.bold(title)
        + ": \(trainingExamples) examples to learn from, \(testExamples) held back"
        + (majority.map { "; always the commonest class: accuracy \(Format.fixed($0.accuracy))" } ?? ""),
      table().rendered(style),
    ]
    let chart = chart()
    if !chart.isEmpty { lines += ["", chart] }
    return lines.joined(separator: "\n")
  }
}

extension SpecificationResult {
  /// The sweep, where the concept arises, and what the controls say.
  ///
  /// - Parameter brief: without the chart, for many in a row.
  public func report(_ style: TerminalStyle, brief: Bool = false) -> String {
    var parts = [brief ? style.bold(name) + "\n" + table.table().rendered(style) : table.report(style)]
    if let depth, isFound {
      parts.append(
        "\(style.bold(depth.first.title)) is the first within one point of the best (\(depth.kind), \(depth.measure))")
    }
    if let controls { parts.append(controls.report(style)) }
    return parts.joined(separator: brief ? "\n" : "\n\n")
  }
}

/// Several specifications' results side by side.
public struct SweepReport: Sendable {
  public var results: [SpecificationResult]

  public init(results: [SpecificationResult]) { self.results = results }

  /// Every concept in a line, in the order in which they arise from the embeddings up.
  public func overview(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("concept"), .left("arises at"), .left("by depth"), .right("best"), .left("site"), .right("embeddings"),
      .right("selectivity"), .right("p"),
    ])
    for result in inOrderOfDepth {
      table.append([
        result.name, result.arisesAt,
        result.depth.map { TerminalChart.sparkline($0.places.map(\.score), lower: result.chance, upper: 1) } ?? "",
        result.best.map { Format.fixed($0.heldOutScore, 2) } ?? "–",
        result.best?.shortSite ?? "–", result.controls?[.embedding]?.score.map { Format.fixed($0, 2) } ?? "–",
        result.controls?[.controlTask]?.selectivity.map { Format.fixed(100 * $0, 0) } ?? "–",
        result.controls?[.shuffledLabels]?.pValue.map { Format.fixed($0, 3) } ?? "–",
      ])
    }
    return style.bold("From the embeddings up: where does each concept arise?") + "\n" + table.rendered(style)
  }

  /// The results in the order of depth; of one depth, by name.
  var inOrderOfDepth: [SpecificationResult] {
    results.sorted { a, b in
      (a.isFound ? a.depth?.arises ?? .max : .max, a.name) < (b.isFound ? b.depth?.arises ?? .max : .max, b.name)
    }
  }

  /// A page of Markdown: a table of all results, how it was made, and what the controls say of each.
  ///
  /// - Parameter command: the command line that made it.
  public func markdown(command: String) -> String {
    var table = TextTable([
      .left("concept"), .right("examples"), .left("best site"), .right("score"), .left("95 % interval"),
      .right("majority"), .right("bag of tokens"), .right("embeddings"), .right("random weights"),
      .right("selectivity"), .right("p"), .left("arises at"),
    ])
    func cell(_ value: Double?) -> String { value.map { Format.fixed($0, 2) } ?? "–" }
    for result in results {
      let interval = result.controls?.interval
      table.append([
        "[\(result.name)](\(result.name).yaml)", "\(result.table.trainingExamples + result.table.testExamples)",
        result.best?.shortSite ?? "–", cell(result.best?.heldOutScore),
        interval.map { "\(cell($0.low)) – \(cell($0.high))" } ?? "–", cell(result.controls?[.majority]?.score),
        cell(result.controls?[.bagOfTokens]?.score), cell(result.controls?[.embedding]?.score),
        cell(result.controls?[.randomWeights]?.score),
        result.controls?[.controlTask]?.selectivity.map { Format.fixed(100 * $0, 0) } ?? "–",
        result.controls?[.shuffledLabels]?.pValue.map { Format.fixed($0, 3) } ?? "–",
        result.arisesAt,
      ])
    }
    let model = results.first?.table.origin.model ?? "no model"
    var lines = [
      "# Probe specifications", "",
      "Each file here is an experiment: a concept, the labelled set it is learnt from, where in the model to look, and "
        + "the controls that a score must stand against. The keys are explained in [docs/probes.md](../docs/probes.md).",
      "", "```", "unfold probe list", "unfold probe sweep sarcasm --model \(model)",
      "unfold probe train probes/sarcasm.yaml --model \(model)", "```", "",
      "## Results on \(model)", "", "Made by `\(command)`.", "", table.markdown(), "",
      "The score is the balanced accuracy on groups of examples that the probe never saw (of numbers, R²); the best site "
        + "is chosen in the training folds. The controls beside it, on the same split: the commonest class; a classifier "
        + "on the tokens alone; a probe on the embeddings alone; the same site of the model with random weights. "
        + "Selectivity is the accuracy less that on random labels of word types, in points; p comes from shuffled "
        + "labels. A concept arises at the first place of the residual stream within one point of its best.", "",
      "## What the controls say", "",
    ]
    for result in results {
      guard let controls = result.controls else { continue }
      lines.append("- **\(result.name)**: " + controls.implications.joined(separator: "; ") + ".")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension SpecificationResult {
  /// Whether the labels do better than shuffled ones, as far as that was tried.
  var isFound: Bool { (controls?[.shuffledLabels]?.pValue ?? 0) <= 0.05 }

  /// The place where the concept arises, in words.
  var arisesAt: String { isFound ? depth?.first.title ?? "–" : "not found" }

  /// What a guess would score.
  var chance: Double {
    table.rows.contains { $0.regression != nil } ? 0 : 1 / Double(max(2, table.classes.count))
  }
}

extension ProbeSweep.Row {
  /// The site by layer and kind: `2 resid_post`.
  var shortSite: String {
    let short = kind.replacingOccurrences(of: "mlp.hook_", with: "mlp_").replacingOccurrences(of: "hook_", with: "")
    return layer.map { "\($0) \(short)" } ?? short
  }
}
