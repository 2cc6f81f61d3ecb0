import Foundation
import Interventions
import Neurons
import Probes

extension AblationResult {
  /// What the model loses without each item, the largest change first, and by label what changes most.
  ///
  /// - Parameter count: Rows at most.
  public func report(_ style: TerminalStyle, count: Int = 40) -> String {
    guard let first = items.first else { return "Nothing was taken out." }
    let shown = strongest(count)
    var columns: [TextTable.Column] = [
      .left("without"), .right("loss"), .right("change"), .right("95 %"), .right("KL"), .right("p (Holm)"),
    ]
    if !first.labels.isEmpty, labels.count > 1 { columns.append(.text("by label, nats a prediction")) }
    var table = TextTable(columns)
    for item in shown {
      table.append([
        item.what, Format.fixed(item.all.loss.after, 4), Format.signed(item.all.loss.change, 4),
        Self.interval(item.all.loss), Format.fixed(item.all.divergence.change, 4), Self.chance(item.all),
        item.labels.sorted { abs($0.effect.loss.change) > abs($1.effect.loss.change) }.prefix(4).map {
          "\($0.label) \(Format.signed($0.effect.loss.change, 4))" + ($0.effect.isFound ? "*" : "")
        }.joined(separator: "  "),
      ])
    }
    let all = first.all.loss
    var lines = [
      style.bold("\(model) without \(Format.count(items.count)) part\(items.count == 1 ? "" : "s"), one at a time")
        + " (replaced by \(byWords)): nats a prediction",
      "\(Format.count(all.documents)) documents, \(Format.count(all.predictions)) predictions, loss "
        + Format.fixed(all.before, 4) + " as it is",
      table.rendered(style),
    ]
    if shown.count < items.count { lines.append("and \(Format.count(items.count - shown.count)) more (--count)") }
    lines.append(verdict)
    return lines.joined(separator: "\n")
  }

  /// How many of the changes tried are growths that chance does not give.
  var verdict: String {
    let effects = items.flatMap { [$0.all] + (labels.count > 1 ? $0.labels.map(\.effect) : []) }
    let found = effects.count(where: \.isFound)
    let tried =
      "Of \(Format.count(tries)) changes tried (each part over all documents"
      + (labels.count > 1 ? " and by label" : "") + ")"
    return found == 0
      ? "\(tried), none is a growth of the loss with p ≤ 0.05 after Holm's correction."
      : "\(tried), \(Format.count(found)) \(found == 1 ? "is a growth" : "are growths") of the loss with p ≤ 0.05 after Holm's "
        + "correction (*)."
  }

  private var byWords: String {
    switch by {
    case .zero: "0"
    case .mean: "its mean"
    case .resample: "its value at a token of another document"
    }
  }

  private func strongest(_ count: Int) -> [AblatedItem] {
    Array(items.sorted { $0.all.loss.change > $1.all.loss.change }.prefix(count))
  }

  private static func interval(_ change: PairedChange) -> String {
    change.interval.map { "\(Format.signed($0.low, 4)) … \(Format.signed($0.high, 4))" } ?? "–"
  }

  private static func chance(_ effect: AblationEffect) -> String {
    guard effect.loss.documents > 1 else { return "–" }
    return (effect.corrected < 0.001 ? "< 0.001" : Format.fixed(effect.corrected)) + (effect.isFound ? "*" : "")
  }
}

extension AblationResult {
  /// The change of the loss without each item: by label as a map of colours, without labels, or for one item, as bars with their
  /// intervals.
  ///
  /// - Parameter count: Items at most, those of the largest change.
  public func figure(count: Int = 40) -> Figure {
    let chosen = Set(strongest(count).map(\.what))
    let shown = items.filter { chosen.contains($0.what) }
    let title = "What \(model) loses without parts of it"
    let caption =
      "The growth of the loss in nats a prediction where the part is replaced by \(byWords)"
      + (shown.count < items.count ? "; the \(shown.count) of \(items.count) parts with the largest" : "") + "."
    return labels.count > 1 && shown.count > 1
      ? heatmap(shown, title, caption) : bars(shown, title, caption)
  }

  private func heatmap(_ shown: [AblatedItem], _ title: String, _ caption: String) -> Figure {
    let columns = ["all"] + labels
    // From the top down in the order given.
    let rows = shown.reversed().map { [$0.all] + $0.labels.map(\.effect) }
    return Figure(
      title, caption: caption + " A star: p ≤ 0.05 after Holm's correction for \(Format.count(tries)) changes tried.",
      columns: 1, panelWidth: max(460, 160 + 62 * Double(columns.count)),
      plotHeight: max(140, 26 * Double(shown.count)),
      panels: [
        .init(
          x: .categories(columns), y: .categories(shown.reversed().map(\.what)),
          marks: [
            .heatmap(
              .init(
                values: rows.map { $0.map(\.loss.change) }, label: "nats a prediction", colors: .diverging(),
                words: rows.map { $0.map { Format.fixed($0.loss.change, 3) + ($0.isFound ? "*" : "") } }))
          ])
      ])
  }

  private func bars(_ shown: [AblatedItem], _ title: String, _ caption: String) -> Figure {
    let effects =
      shown.count == 1 && labels.count > 1
      ? [("all", shown[0].all)] + shown[0].labels.map { ($0.label, $0.effect) } : shown.map { ($0.what, $0.all) }
    let changes = effects.map(\.1.loss)
    let names = effects.map { $0.0 + ($0.1.isFound ? "*" : "") }
    return Figure(
      shown.count == 1 ? "What \(model) loses without \(shown[0].what)" : title,
      caption: caption + " Error bars: 95 % over documents; a star: p ≤ 0.05 after Holm's correction.", columns: 1,
      panelWidth: max(460, 100 + 34 * Double(effects.count)),
      panels: [
        .init(
          x: .categories(names), y: .init("nats a prediction"),
          marks: [
            .bars(
              heights: changes.map(\.change), lower: changes.map { $0.interval?.low ?? $0.change },
              upper: changes.map { $0.interval?.high ?? $0.change })
          ])
      ])
  }
}
