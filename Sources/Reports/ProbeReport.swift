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
