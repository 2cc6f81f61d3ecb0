import Activations
import Foundation
import Probes

extension StudyResult {
  /// A row for each site: its scores on examples held back, with the site that the examples to learn from choose marked.
  public func table() -> TextTable {
    var columns: [TextTable.Column] = [.text("site")]
    if methods.count > 1 { columns.append(.left("classifier")) }
    columns +=
      isRegression
      ? [.right("R²"), .left("interval"), .right("error"), .right("Spearman")]
      : [.right("accuracy"), .right("balanced"), .left("interval"), .right("F1"), .right("AUROC")]
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
          Format.fixed(scores.accuracy), Format.fixed(scores.balancedAccuracy),
          range(row.evaluation.intervals?.balancedAccuracy), Format.fixed(scores.f1),
          scores.auroc.map { Format.fixed($0) } ?? "–",
        ]
      }
      table.append(
        cells + [
          row.validation.map { Format.fixed($0) } ?? "–",
          row.site == best && row.method == bestMethod ? "◀ chosen" : "",
        ])
    }
    return table
  }

  /// Scores over the layers: a line for each kind of site; of several methods a chart for each kind, a line a method.
  public func chart() -> String {
    let layers = Set(rows.compactMap(\.layer)).sorted()
    guard layers.count > 1 else { return "" }
    var kinds: [String] = []
    for row in rows where row.layer != nil && !kinds.contains(row.kind) { kinds.append(row.kind) }
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
    let title = "\(measure.title) by layer, on examples held back"
    guard methods.count > 1 else { return title + "\n" + chart(kinds.map { ($0, values($0, nil)) }) }
    return kinds.map { kind in
      "\(title): \(kind)\n" + chart(methods.map { ($0.rawValue, values(kind, $0)) })
    }.joined(separator: "\n\n")
  }

  /// The score, each site, the depth, and what the controls say.
  ///
  /// - Parameter brief: without the chart, for many in a row.
  public func report(_ style: TerminalStyle, brief: Bool = false) -> String {
    let title = classes.count <= 4 ? classes.joined(separator: " / ") : "\(classes.count) classes"
    var lines = [
      style.bold(brief ? name : title)
        + ": \(examples) examples of \(groups) groups, \(judged) judged by probes that learnt from other groups",
      table().rendered(style),
    ]
    lines += notes(style, isBrief: brief)
    lines += wrapped(scoreLine, width: style.width)
    if let depth, isFound ?? true { lines += wrapped(depth.sentence, width: style.width) }
    let chart = brief ? "" : chart()
    if !chart.isEmpty { lines += ["", chart] }
    let main = lines.joined(separator: "\n")
    return ([main] + [controls?.report(style)].compactMap(\.self)).joined(separator: brief ? "\n" : "\n\n")
  }

  /// The score to quote, and what was chosen for it.
  public var scoreLine: String {
    func words(_ value: Double, _ interval: Interval?) -> String {
      Format.fixed(value) + (interval.map { " (\(Format.fixed($0.low))–\(Format.fixed($0.high)))" } ?? "")
    }
    let free = rows.count > 1 ? "\(methods.count > 1 ? "site, classifier" : "site") and strength" : "strength"
    let how = "\(free) chosen without the examples judged"
    guard let regression else {
      return "score: balanced accuracy \(words(score, interval)), \(how)"
        + (evaluation.scores.auroc.map { "; AUROC \(Format.fixed($0))" } ?? "")
        + "; always the most common class: accuracy \(Format.fixed(evaluation.majority.accuracy))"
    }
    return "score: R² \(words(score, interval)), \(how); mean absolute error "
      + "\(Format.fixed(regression.scores.mae, regression.scores.mae < 10 ? 2 : 1)) against "
      + "\(Format.fixed(regression.baseline.mae, regression.baseline.mae < 10 ? 2 : 1)) of the mean alone"
  }

  /// What a reader of the scores must know, each once: of the chosen site first, of others with where it holds.
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

  private var isRegression: Bool { regression != nil }
}

extension DepthProfile {
  /// Where the concept arises, with what its scores leave open.
  var sentence: String {
    let best = places.indices.max { places[$0].score < places[$1].score } ?? arises
    let found = "arises at \(first.title): \(measure.title) \(Format.fixed(first.score)) (\(kind))"
    guard let missing = first.missing else {
      return found + (arises == 0 ? ", the lowest place" : "; everything below is shown to be worse")
    }
    return found + "; \(places[best].title) has \(Format.fixed(places[best].score)), which is not shown to be more: "
      + missing.figure(measure)
  }
}

/// Several specifications' results side by side.
public struct SweepReport: Sendable {
  public var results: [StudyResult]

  public init(results: [StudyResult]) { self.results = results }

  /// Every concept in a line, in the order in which they arise from the embeddings up.
  public func overview(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("concept"), .left("arises at"), .left("by depth"), .right("score"), .left("site"),
      .left("less embeddings"), .left("less control task"), .right("p"),
    ])
    for result in inOrderOfDepth {
      table.append([
        result.name, result.arisesAt,
        result.depth.map { TerminalChart.sparkline($0.places.map(\.score), lower: result.chance, upper: 1) } ?? "",
        Format.fixed(result.score, 2), result.bestPlace, result.figure(of: .embedding), result.figure(of: .controlTask),
        result.probability,
      ])
    }
    return style.bold("From the embeddings up: where does each concept arise?") + "\n" + table.rendered(style)
  }

  /// The results in the order of depth; of one depth, by name.
  var inOrderOfDepth: [StudyResult] {
    results.sorted { a, b in
      (a.isShown ? a.depth?.arises ?? .max : .max, a.name) < (b.isShown ? b.depth?.arises ?? .max : .max, b.name)
    }
  }

  /// A page of Markdown: a table of all results, how it was made, and what the controls say of each.
  ///
  /// - Parameters:
  ///   - command: the command line that made it.
  ///   - figure: the figure's path from the page; nil where none was drawn.
  ///   - isBesideSpecifications: whether the specifications lie in the page's own folder, so that it is theirs.
  public func markdown(command: String, figure: String? = nil, isBesideSpecifications: Bool = true) -> String {
    let table = table(hasLinks: isBesideSpecifications)
    let model = results.first?.origin.model ?? "no model"
    var lines =
      isBesideSpecifications
      ? [
        "# Probe specifications", "",
        "Each file here is an experiment: a concept, the labelled set it is learnt from, where in the model to look, and "
          + "the controls that a score must stand against. The keys are explained in [docs/probes.md](../docs/probes.md).",
        "", "```", "unfold probe list", "unfold probe sweep sarcasm --model \(model)",
        "unfold probe train probes/sarcasm.yaml --model \(model)", "```", "", "## Results on \(model)",
      ] : ["# Probes on \(model)"]
    lines += [
      "", "Made by `\(command)`.", "", table.markdown(), "",
      "The score is the balanced accuracy (of numbers R²) of the whole procedure: site and strength are chosen inside the "
        + "examples to learn from, and every example is judged by a probe that learnt from other groups. Beside it stands the "
        + "AUROC, of numbers the mean absolute error and that of always saying the mean. The columns \"less …\" are "
        + "differences in points (of numbers in R², of AUROC in its own units): the score less that of the same procedure, "
        + "on the same examples and folds, with the words alone, the embeddings alone, random weights or random "
        + "directions in place of the model's activations; neurons less rotated: the AUROC of the best single neuron less that of the best "
        + "axis of a rotated basis. Selectivity is accuracy less accuracy on labels that word types decide at random. In brackets "
        + "the 95 % interval over resamples of groups; of selectivity, behind it, the two accuracies. p comes from shuffled "
        + "labels, the whole choice repeated in every shuffle. The site is the one that all examples choose; behind it the share of "
        + "outer folds that chose it too. A concept arises at the first place of the residual stream that no other "
        + "is shown to be better than.", "",
    ]
    if let figure { lines += ["![Where in the depth each concept arises](\(figure))", ""] }
    lines += ["## What the controls say", ""]
    lines += [
      "A sentence stands where the interval of its difference leaves 0 out; of what has none, nothing is known.", "",
    ]
    for result in results {
      guard let controls = result.controls else { continue }
      lines.append("- **\(result.name)**: " + controls.implications.joined(separator: "; ") + ".")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The results side by side.
  private func table(hasLinks: Bool) -> TextTable {
    var table = TextTable([
      .left("concept"), .right("examples"), .right("groups"), .right("score"), .left("95 % interval"),
      .right("AUROC; MAE"), .left("less words"), .left("less embeddings"), .left("less random weights"),
      .left("less random directions"), .left("neurons less rotated"), .left("selectivity"), .right("p"), .left("site"),
      .left("arises at"),
    ])
    for result in results {
      func cell(_ value: Double) -> String { Format.fixed(value, 2) }
      let second =
        result.regression.map { "\(Format.fixed($0.scores.mae, 1)) of \(Format.fixed($0.baseline.mae, 1))" }
        ?? result.evaluation.scores.auroc.map(cell) ?? "–"
      let agreed = result.choices.count { $0.site == result.best && $0.method == result.bestMethod }
      let task = result.controls?[.controlTask]
      table.append([
        hasLinks ? "[\(result.name)](\(result.name).yaml)" : result.name, "\(result.examples)", "\(result.groups)",
        cell(result.score),
        result.interval.map { "\(cell($0.low)) – \(cell($0.high))" } ?? "–", second, result.figure(of: .words),
        result.figure(of: .embedding), result.figure(of: .randomWeights), result.figure(of: .randomDirections),
        result.figure(of: .rotatedBasis),
        result.figure(of: .controlTask)
          + (task?.score.map { score in
            task?.reference.map { ": \(cell($0)) − \(score < 0 ? "(\(cell(score)))" : cell(score))" } ?? ""
          } ?? ""),
        result.probability, "\(result.bestPlace), \(agreed) of \(result.choices.count)", result.arisesAt,
      ])
    }
    return table
  }
}

extension StudyResult {
  /// Whether the labels do better than shuffled ones, as far as that was tried.
  var isShown: Bool { isFound ?? true }

  /// A control's difference in a table.
  func figure(of control: Control) -> String {
    guard let result = controls?[control], let difference = result.difference else { return "–" }
    return difference.figure(result.measure)
  }

  var probability: String { controls?[.shuffledLabels]?.pValue.map { ControlReport.probability($0) } ?? "–" }

  /// The chosen site, and of several methods the chosen one.
  var bestPlace: String {
    (bestRow?.shortSite ?? best) + (methods.count > 1 ? ", \(bestMethod.rawValue)" : "")
  }

  /// The place where the concept arises, in words.
  var arisesAt: String { isShown ? depth?.first.title ?? "–" : "not found" }
}

extension StudyResult.Row {
  /// The site by layer and kind: `2 resid_post`.
  var shortSite: String {
    let short = kind.replacingOccurrences(of: "mlp.hook_", with: "mlp_").replacingOccurrences(of: "hook_", with: "")
    return layer.map { "\($0) \(short)" } ?? short
  }
}
