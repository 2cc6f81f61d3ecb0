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
      var cells = methods.count > 1 ? [row.shortSite, row.method.rawValue] : [row.site]
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

  /// Scores over the layers: a line for each kind of site; of several methods a chart for each kind, a line a method.
  public func chart() -> String {
    let layers = Set(rows.compactMap(\.layer)).sorted()
    guard layers.count > 1 else { return "" }
    var kinds: [String] = []
    for row in rows where row.layer != nil && !kinds.contains(row.kind) { kinds.append(row.kind) }
    let isRegression = rows.contains { $0.regression != nil }
    let chance = isRegression ? 0 : 1 / Double(max(2, classes.count))
    let least = rows.filter { $0.layer != nil }.map(\.heldOutScore).filter(\.isFinite).min() ?? chance
    func values(_ kind: String, _ method: ProbeSettings.Method?) -> [Double] {
      layers.map { layer in
        rows.first { $0.layer == layer && $0.kind == kind && (method == nil || $0.method == method) }?.heldOutScore
          ?? .nan
      }
    }
    func chart(_ series: [(name: String, values: [Double])]) -> String {
      TerminalChart.lines(
        series, labels: layers.map { "\($0)" }, height: 9, lower: max(-1, min(chance, least)), upper: 1)
    }
    let title = "\(isRegression ? "R²" : "balanced accuracy") by layer, on examples held back"
    guard methods.count > 1 else { return title + "\n" + chart(kinds.map { ($0, values($0, nil)) }) }
    return kinds.map { kind in
      "\(title): \(kind)\n" + chart(methods.map { ($0.rawValue, values(kind, $0)) })
    }.joined(separator: "\n\n")
  }

  /// Table and chart.
  public func report(_ style: TerminalStyle) -> String {
    let isRegression = rows.contains { $0.regression != nil }
    let majority = isRegression ? nil : rows.first?.evaluation.majority
    let title = classes.count <= 4 ? classes.joined(separator: " / ") : "\(classes.count) classes"
    var lines = [
      style.bold(title)
        + (chosen == nil
          ? ": \(trainingExamples) examples to learn from, \(testExamples) held back"
          : ": \(testExamples) examples, each judged by probes that learnt from other groups")
        + (majority.map { "; always the commonest class: accuracy \(Format.fixed($0.accuracy))" } ?? ""),
      table().rendered(style),
    ]
    lines += notes(style)
    if let procedure = procedure() { lines += wrapped(procedure, width: style.width) }
    let chart = chart()
    if !chart.isEmpty { lines += ["", chart] }
    return lines.joined(separator: "\n")
  }

  /// What a reader of the scores must know, each once: of the best site first, of others with where it holds.
  func notes(_ style: TerminalStyle, isBrief: Bool = false) -> [String] {
    let own = bestRow?.warnings ?? []
    var lines = own.flatMap { wrapped("note: " + $0.message, width: style.width) }
    guard !isBrief else { return lines }
    var seen = Set(own.map(\.name))
    for row in rows {
      for warning in row.warnings where seen.insert(warning.name).inserted {
        let count = rows.count { $0.warnings.contains { $0.name == warning.name } }
        lines += wrapped(
          "note, at \(row.site)\(count > 1 ? " and \(count - 1) more" : ""): \(warning.message)", width: style.width)
      }
    }
    return lines
  }

  /// With outer folds: what the choice of site and method itself is worth.
  func procedure() -> String? {
    func words(_ value: Double, _ interval: Interval?, _ measure: String) -> String {
      "\(methods.count > 1 ? "site and classifier" : "site") chosen anew inside each outer fold: \(measure) "
        + Format.fixed(value)
        + (interval.map { " (\(Format.fixed($0.low, 2))–\(Format.fixed($0.high, 2)))" } ?? "")
    }
    if let chosen = chosenRegression {
      return words(chosen.scores.r2, chosen.intervals?.r2, "R²")
        + ", mean absolute error \(Format.fixed(chosen.scores.mae, chosen.scores.mae < 10 ? 2 : 1)) against "
        + "\(Format.fixed(chosen.baseline.mae, chosen.baseline.mae < 10 ? 2 : 1)) of the mean alone"
    }
    guard let chosen else { return nil }
    return words(chosen.scores.balancedAccuracy, chosen.intervals?.balancedAccuracy, "balanced accuracy")
      + (chosen.scores.auroc.map { ", AUROC \(Format.fixed($0))" } ?? "")
  }
}

extension SpecificationResult {
  /// The sweep, where the concept arises, and what the controls say.
  ///
  /// - Parameter brief: without the chart, for many in a row.
  public func report(_ style: TerminalStyle, brief: Bool = false) -> String {
    let short =
      [style.bold(name), table.table().rendered(style)] + table.notes(style, isBrief: true)
      + [table.procedure()].compactMap(\.self)
    var parts = [brief ? short.joined(separator: "\n") : table.report(style)]
    if let depth, isFound {
      parts.append(
        "\(style.bold(depth.first.title)) is the first within one point of the best "
          + "(\(depth.kind), \(depth.measure)\(table.methods.count > 1 ? ", \(table.bestRow?.method.rawValue ?? "")" : ""))"
      )
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
        result.score.map { Format.fixed($0.value, 2) } ?? "–",
        result.bestPlace, result.controls?[.embedding]?.score.map { Format.fixed($0, 2) } ?? "–",
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
  /// - Parameters:
  ///   - command: the command line that made it.
  ///   - figure: the figure's path from the page; nil where none was drawn.
  public func markdown(command: String, figure: String? = nil) -> String {
    let isNested = results.contains { $0.table.chosen != nil }
    var columns: [TextTable.Column] = [.left("concept"), .right("examples"), .right("groups"), .left("best site")]
    columns += [.right("score"), .left("95 % interval"), .right("AUROC; MAE")]
    columns += [.right("majority"), .right("bag of tokens"), .right("embeddings"), .right("random weights")]
    columns += [.right("selectivity"), .right("p"), .left("arises at")]
    var table = TextTable(columns)
    func cell(_ value: Double?) -> String { value.map { Format.fixed($0, 2) } ?? "–" }
    for result in results {
      let score = result.score
      let second =
        result.best?.regression != nil
        ? (result.table.chosenRegression ?? result.best?.regression).map {
          "\(Format.fixed($0.scores.mae, 1)) of \(Format.fixed($0.baseline.mae, 1))"
        } : cell((result.table.chosen ?? result.best?.evaluation)?.scores.auroc)
      let held = result.best?.evaluation
      table.append([
        "[\(result.name)](\(result.name).yaml)",
        "\(result.table.chosen != nil ? result.table.testExamples : result.table.trainingExamples + result.table.testExamples)",
        held.map { "\($0.groups)" } ?? "–", result.bestPlace, cell(score?.value),
        score?.interval.map { "\(cell($0.low)) – \(cell($0.high))" } ?? "–", second ?? "–",
        cell(result.controls?[.majority]?.score),
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
      "The score is the balanced accuracy on groups of examples that the probe never saw (of numbers, R²). "
        + (isNested
          ? "Every example is judged once: in each outer fold a probe is trained on the other groups, where site and "
            + "penalty are chosen too, and the score is that of this whole procedure. The best site is the one chosen "
            + "with all examples. "
          : "The best site is chosen in the training folds; groups are those held back. ")
        + "Beside the score stands the AUROC, of numbers the mean absolute error and that of always saying the mean. The "
        + "controls, at the best site and on the same split: the commonest class; a classifier on the tokens alone; a "
        + "probe on the embeddings alone; the same site of the model with random weights. "
        + "Selectivity is the accuracy less that on random labels of word types, in points; p comes from shuffled "
        + "labels. A concept arises at the first place of the residual stream within one point of its best.", "",
    ]
    if let figure { lines += ["![Where in the depth each concept arises](\(figure))", ""] }
    lines += ["## What the controls say", ""]
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

  /// The best site, and of several methods the best.
  var bestPlace: String {
    guard let best else { return "–" }
    return best.shortSite + (table.methods.count > 1 ? ", \(best.method.rawValue)" : "")
  }

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
