import Foundation
import Interventions

extension HeadAnalysis {
  /// What heads can be listed by.
  public enum Order: String, Sendable, CaseIterable {
    case induction, previous, duplicate, first, entropy, copying, matching
  }

  /// The heads, those with the largest value first; those without one last.
  public func sorted(by order: Order) -> [Head] {
    func value(_ head: Head) -> Double {
      switch order {
      case .induction: head.repeated.induction
      case .previous: head.repeated.previous
      case .duplicate: head.repeated.duplicate
      case .first: head.repeated.first
      case .entropy: head.repeated.entropy
      case .copying: head.copying ?? -.infinity
      case .matching: head.matching ?? -.infinity
      }
    }
    return heads.sorted { a, b in
      let (x, y) = (value(a), value(b))
      return x != y ? x > y : (a.layer, a.head) < (b.layer, b.head)
    }
  }

  /// A table of the strongest heads beside what a head that looks at everything alike would have, and the strongest
  /// compositions.
  public func report(_ style: TerminalStyle, by order: Order, count: Int) -> String {
    var columns: [TextTable.Column] = [
      .left("head"), .right("previous"), .right("duplicate"), .right("induction"), .right("first"), .right("entropy"),
    ]
    if text != nil { columns += [.right("previous"), .right("duplicate"), .right("induction"), .right("entropy")] }
    let (hasCopying, hasMatching) = (heads.contains { $0.copying != nil }, heads.contains { $0.matching != nil })
    if hasCopying { columns.append(.right("copying")) }
    if hasMatching { columns.append(.right("matching")) }
    var table = TextTable(columns)
    func cells(_ name: String, _ repeated: HeadScores, _ text: HeadScores?) -> [String] {
      var cells =
        [name]
        + [repeated.previous, repeated.duplicate, repeated.induction, repeated.first].map { Format.fixed($0) }
        + [Format.fixed(repeated.entropy, 2)]
      if self.text != nil {
        cells += [text?.previous, text?.duplicate, text?.induction].map { Format.fixed($0 ?? .nan) }
        cells.append(Format.fixed(text?.entropy ?? .nan, 2))
      }
      return cells
    }
    for head in sorted(by: order).prefix(count) {
      var row = cells(head.name, head.repeated, head.text)
      if hasCopying { row.append(Format.signed(head.copying ?? .nan, 2)) }
      if hasMatching { row.append(Format.signed(head.matching ?? .nan, 2)) }
      table.append(row)
    }
    table.append(cells("all alike", repeated.chance, text?.chance))
    var lines = [
      style.bold("attention of each head, by \(order.rawValue)") + ": on \(repeated.texts) sequences that say "
        + "\(period) random tokens twice" + (text.map { "; then on \(Format.count($0.texts)) texts" } ?? ""),
      table.rendered(style),
    ]
    if let composition {
      for kind in HeadComposition.Kind.allCases {
        let own = composition.pairs.filter { $0.kind == kind }
        guard !own.isEmpty else { continue }
        let shown = own.prefix(6).map { "\($0.from) → \($0.to) \(Format.fixed($0.score))" }
        lines.append(
          style.bold("composition by \(kind.rawValue)")
            + " (turned at random \(Format.fixed(composition.baseline)), mean "
            + "\(Format.fixed(composition.means[kind.rawValue] ?? .nan))): " + shown.joined(separator: ", "))
      }
    }
    return (lines + notes.map { "Note: \($0)." }).joined(separator: "\n")
  }

  /// A panel for each measure, layers upwards and heads across.
  public func figure() -> Figure {
    let layers = (heads.map(\.layer).max() ?? 0) + 1
    let across = (heads.map(\.head).max() ?? 0) + 1
    func panel(
      _ title: String, _ label: String, _ colors: Figure.Heatmap.Colors, _ value: (Head) -> Double?
    ) -> Figure.Panel? {
      var values = [[Double]](repeating: [Double](repeating: .nan, count: across), count: layers)
      for head in heads { values[head.layer][head.head] = value(head) ?? .nan }
      guard values.joined().contains(where: \.isFinite) else { return nil }
      let words = values.map { $0.map { $0.isFinite && across <= 12 && layers <= 24 ? Format.fixed($0, 2) : "" } }
      return .init(
        title, x: numbered("head", across), y: numbered("layer", layers),
        marks: [.heatmap(.init(values: values, label: label, colors: colors, words: words))])
    }
    /// Every number where there is room for it.
    func numbered(_ label: String, _ count: Int) -> Figure.Axis {
      count <= 12 ? .categories((0..<count).map(String.init), label: label) : .init(label, ticks: .integers)
    }
    let share = Figure.Heatmap.Colors.sequential(0...1)
    return Figure(
      "The attention heads of \(model)",
      caption:
        "Where each head looks on random tokens that are said twice (to the token before; to the first occurrence; to "
        + "what stood behind it; to the text's first token), how spread out it looks, and whether its output raises the "
        + "tokens that it reads.",
      columns: 2, panelWidth: 460, plotHeight: max(120, min(420, 30 * Double(layers))),
      panels: [
        panel("Previous token", "attention", share) { $0.repeated.previous },
        panel("Duplicate token", "attention", share) { $0.repeated.duplicate },
        panel("Induction", "attention", share) { $0.repeated.induction },
        panel("First token", "attention", share) { $0.repeated.first },
        panel("Entropy", "nats", .sequential()) { $0.repeated.entropy },
        panel("Copying", "Σλ / Σ|λ|", .diverging(limit: 1)) { $0.copying },
      ].compactMap { $0 })
  }
}
