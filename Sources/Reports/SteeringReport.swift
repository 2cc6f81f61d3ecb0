import Foundation
import Interventions
import Probes
import Transformer

extension Continuation.Stop {
  /// Why a text ended, in words.
  public var words: String {
    switch self {
    case .length: "its length"
    case .endToken: "an end token"
    case .stopString: "a stop string"
    case .context: "the end of the context"
    }
  }
}

extension SteeringResult {
  /// The strengths side by side: what they do and cost, then what is written.
  public func report(_ style: TerminalStyle) -> String {
    var lines = directions.map { place in
      style.bold("\(place.name) at \(place.site)")
        + ": norm \(Format.fixed(place.norm)), the activations' there \(Format.fixed(place.streamNorm, 2))"
    }
    lines.append(measures.rendered(style))
    if let reference {
      lines.append(
        style.dim(
          "cost: nats a prediction on \(reference.name), \(reference.documents) documents, "
            + "\(Format.count(reference.predictions)) predictions, steered at every token; 95 % intervals over documents"
        ))
    }
    if let probe {
      lines.append(
        style.dim(
          "probe: mean score of the new tokens for \"\(probe.className)\" at \(probe.site), read without steering"))
    }
    lines.append("")
    for run in runs {
      let head = "\(label(run)): "
      let words = wrapped(prompt.onOneLine + "‖" + run.text.onOneLine, width: max(20, style.width - 2))
      lines.append(style.bold(head) + style.dim("ended by \(run.stopped.words)"))
      lines += words.map { "  " + $0 }
    }
    return lines.joined(separator: "\n")
  }

  /// A run's strength in words.
  func label(_ run: Run) -> String {
    guard let amount = run.amount else { return "untouched" }
    return change == "clamp" ? "clamped to \(amount.shortest)" : "strength \(amount.shortest)"
  }

  /// A row for each strength.
  public var measures: TextTable {
    var columns: [TextTable.Column] = [.right(change == "clamp" ? "clamped to" : "strength")]
    if change == "add" { columns.append(.right("of the activations")) }
    if let target { columns.append(.right("P(\"\(target.piece.onOneLine)\")")) }
    if let probe { columns.append(.right("probe: \(probe.className)")) }
    if reference != nil { columns += [.right("loss"), .right("cost"), .left("95 %")] }
    var table = TextTable(columns)
    for run in runs {
      var cells = [run.amount?.shortest ?? "untouched"]
      if change == "add" { cells.append(run.share.map { Format.percent($0) } ?? "–") }
      if target != nil { cells.append(run.targetProbability.map { String(format: "%.3g", $0) } ?? "–") }
      if probe != nil { cells.append(run.probeScore.map { Format.signed($0, 2) } ?? "–") }
      if let cost = run.cost {
        cells += [
          Format.fixed(cost.loss), Format.signed(cost.added, 3),
          run.amount == nil || run.amount == 0
            ? "–" : cost.interval.map { "\(Format.signed($0.low, 3)) … \(Format.signed($0.high, 3))" } ?? "–",
        ]
      }
      table.append(cells)
    }
    return table
  }

  /// What steering reaches and what it costs, by strength.
  public func figure() -> Figure {
    let strengths = runs.filter { $0.amount != nil }
    let x = strengths.compactMap(\.amount)
    let axis = Figure.Axis(change == "clamp" ? "activation that the feature is given" : "strength")
    func panel(_ label: String, _ values: [Double], lower: [Double] = [], upper: [Double] = [], at level: Double?)
      -> Figure.Panel
    {
      let rule = level.map { [Figure.Mark.horizontalRule($0, label: "untouched")] } ?? []
      return Figure.Panel(
        x: axis, y: .init(label), marks: rule + [.line(x: x, y: values, lower: lower, upper: upper, hasMarkers: true)])
    }
    let untouched = runs.first { $0.amount == nil || $0.amount == 0 }
    var panels: [Figure.Panel] = []
    if let target {
      panels.append(
        panel(
          "probability of \"\(target.piece.onOneLine)\"", strengths.map { $0.targetProbability ?? .nan },
          at: untouched?.targetProbability))
    }
    if let probe {
      panels.append(
        panel(
          "probe's mean score for \(probe.className)", strengths.map { $0.probeScore ?? .nan },
          at: untouched?.probeScore))
    }
    if reference != nil {
      let costs = strengths.map(\.cost)
      panels.append(
        panel(
          "added loss, nats a prediction", costs.map { $0?.added ?? .nan },
          lower: costs.map { $0?.interval?.low ?? $0?.added ?? .nan },
          upper: costs.map { $0?.interval?.high ?? $0?.added ?? .nan }, at: nil))
    }
    let places = Set(directions.map(\.site)).sorted().joined(separator: ", ")
    return Figure(
      "Steering \(model) by \(directions.first.map { URL(filePath: $0.name).lastPathComponent } ?? "")",
      caption: "At \(places), after \"\(prompt.onOneLine.truncated(toDisplayWidth: 60))\"."
        + (reference.map {
          " The loss is on \($0.documents) documents of \($0.name), steered at every token; the band is its 95 % interval "
            + "over documents."
        } ?? ""),
      panels: panels)
  }
}

extension Double {
  /// As few digits as say it: 8, -0.5.
  var shortest: String { Int(exactly: self).map(String.init) ?? String(format: "%g", self) }
}
