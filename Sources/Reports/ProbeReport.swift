import Activations
import Foundation
import Probes

extension Probe {
  /// The probe in words: what it tells apart, where, and how well on examples that it never saw.
  public func report(_ style: TerminalStyle) -> String {
    let evaluation = record.evaluation
    let what =
      record.regression == nil
      ? record.classes.count <= 4 ? record.classes.joined(separator: " / ") : "\(record.classes.count) classes"
      : "a number (\(record.classes.joined(separator: " / ")))"
    let judged =
      record.foldScores.map { "judged on all, in \($0.count) outer folds" }
      ?? "judged on \(evaluation.examples) of \(evaluation.groups) other groups"
    var lines = [
      style.bold("\(what) at \(record.site.name)"),
      "\(record.settings.method.rawValue), trained on \(record.trainingExamples) examples of "
        + "\(record.trainingGroups) groups; \(judged)",
      (record.regression?.table() ?? evaluation.table()).rendered(style),
    ]
    lines += choices()
    lines += sizes(style)
    if record.unlabelledDocuments > 0 {
      lines.append("\(record.unlabelledDocuments) documents without a label took no part")
    }
    for warning in record.warnings ?? [] {
      lines += wrapped("note: " + warning.message, width: style.width)
    }
    return lines.joined(separator: "\n")
  }

  /// What was chosen in the training folds.
  private func choices() -> [String] {
    let fit = record.fit
    let settings = record.settings
    var parts: [String] = []
    if settings.method == .logistic, settings.penalty != .l2 {
      let ratio = settings.penalty == .elasticNet ? " of l1 ratio \(settings.l1Ratio)" : ""
      parts.append("penalty \(settings.penalty.rawValue)\(ratio)")
    }
    if settings.method == .sparse { parts.append("columns by \(settings.selector.rawValue)") }
    if settings.usedClassWeights == .balanced { parts.append("balanced class weights") }
    if settings.threshold == .training { parts.append("threshold by training") }
    if let strength = fit.strength { parts.append("C = \(strength)") }
    if let penalty = fit.penalty { parts.append("α = \(penalty)") }
    if let size = fit.size { parts.append("\(size) \(settings.method == .sparse ? "columns" : "components")") }
    if let shrinkage = fit.shrinkage {
      parts.append("shrinkage " + shrinkage.map { Format.fixed($0) }.joined(separator: ", "))
    }
    if !fit.converged { parts.append("the minimisation did not converge") }
    if let validation = record.validation {
      parts.append(
        "\(record.regression == nil ? "balanced accuracy" : "R²") in the training folds \(Format.fixed(validation))")
    }
    return parts.isEmpty ? [] : [parts.joined(separator: "; ")]
  }

  /// Of a probe that reads some columns or components: the scores for every number of them.
  private func sizes(_ style: TerminalStyle) -> [String] {
    guard let sizes = record.fit.sizes, sizes.count > 1 else { return [] }
    let isSparse = record.settings.method == .sparse
    var table = TextTable([
      .right(isSparse ? "columns" : "components"), .right("in the folds"), .right("held back"), .left(""),
    ])
    for size in sizes {
      table.append([
        "\(size.size)", size.validation.map { Format.fixed($0) } ?? "–",
        size.test.map { Format.fixed($0.balancedAccuracy) } ?? "–", size.size == record.fit.size ? "◀ taken" : "",
      ])
    }
    return ["", "balanced accuracy by the number of \(isSparse ? "columns" : "components")", table.rendered(style)]
  }

  /// The probe, its direction as a sum, its stability and its controls, as far as they are known.
  public func fullReport(_ style: TerminalStyle, terms: Int = 10) -> String {
    var parts = [report(style)]
    let isNeuron = record.site.name.hasSuffix("mlp.hook_post")
    var sums = record.sums ?? [signedSum(most: terms)]
    if sums.count == 1 { sums[0].terms = signedSum(most: terms).terms }
    // Of many classes, a line each is as much as anyone reads.
    for index in sums.indices where sums.count > 1 { sums[index].terms = Array(sums[index].terms.prefix(4)) }
    for sum in sums {
      let text = sum.text { isNeuron ? "n\($0)" : "\($0)" }
      let lines = text.split(separator: "\n").flatMap { wrapped(String($0), width: style.width) }
      parts.append(
        style.bold("\(sum.label), as a sum of \(isNeuron ? "neurons" : "columns")") + "\n"
          + lines.joined(separator: "\n"))
    }
    if let stability = record.stability {
      parts.append(wrapped(stability.report(style), width: style.width).joined(separator: "\n"))
    }
    if let curve = record.learningCurve { parts.append(curve.report(style)) }
    if let controls = record.controls { parts.append(controls.report(style)) }
    return parts.joined(separator: "\n\n")
  }
}

extension RegressionEvaluation {
  /// The scores, with their bootstrap intervals and those of always saying the mean.
  public func table() -> TextTable {
    let level = intervals.map { "\(Int(($0.level * 100).rounded())) % interval" } ?? ""
    var table = TextTable([.left("score"), .right("value"), .left(level), .right("always the mean")])
    func row(_ name: String, _ value: Double, _ interval: Interval?, _ baseline: Double) {
      table.append([
        name, Format.fixed(value),
        interval.map { "\(Format.fixed($0.low)) – \(Format.fixed($0.high))" } ?? "", Format.fixed(baseline),
      ])
    }
    row("R²", scores.r2, intervals?.r2, baseline.r2)
    row("mean absolute error", scores.mae, intervals?.mae, baseline.mae)
    row("root mean square error", scores.rmse, nil, baseline.rmse)
    row("Spearman's correlation", scores.spearman, intervals?.spearman, baseline.spearman)
    return table
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
    row("PR-AUC", scores.prAUC, intervals?.prAUC, majority.prAUC)
    row("MCC", scores.mcc, intervals?.mcc, majority.mcc)
    if scores.calibrationError != nil {
      row("calibration error", scores.calibrationError, intervals?.calibrationError, nil)
    }
    return table
  }
}
