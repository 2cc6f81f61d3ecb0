import Activations
import Foundation
import Probes

extension SweepReport {
  /// One concept's scores by layer, or where in the depth each of several concepts arises.
  public func figure() -> Figure {
    results.count == 1 ? results[0].figure() : depthFigure()
  }

  /// From the embeddings at the bottom up: a column a concept, in the order in which they arise.
  private func depthFigure() -> Figure {
    let shown = inOrderOfDepth.filter { $0.depth != nil }
    let places = shown.compactMap(\.depth).max { $0.places.count < $1.places.count }?.places.map(\.title) ?? []
    var values = [[Double]](repeating: [Double](repeating: .nan, count: shown.count), count: places.count)
    var words = [[String]](repeating: [String](repeating: "", count: shown.count), count: places.count)
    var outlines: [Figure.Mark] = []
    for (column, result) in shown.enumerated() {
      guard let depth = result.depth else { continue }
      for (row, place) in depth.places.enumerated() {
        guard let level = places.firstIndex(of: place.title) else { continue }
        values[level][column] = max(0, (place.score - result.chance) / (1 - result.chance))
        words[level][column] = Format.fixed(place.score, 2)
        if row == depth.arises, result.isShown {
          let (x, y) = (Double(column), Double(level))
          outlines.append(
            .polygon(
              corners: [
                .init(x - 0.46, y - 0.46), .init(x + 0.46, y - 0.46), .init(x + 0.46, y + 0.46),
                .init(x - 0.46, y + 0.46),
              ], width: 2.5, ink: .black))
        }
      }
    }
    let model = shown.first?.origin.model ?? ""
    return Figure(
      "Where in the depth of \(model) does each concept arise?",
      caption:
        "Each cell is a probe: its balanced accuracy on examples held back (of numbers R²), coloured by how far it "
        + "goes from chance to certainty. Outlined: the first place that no other is shown to be better than, where "
        + "shuffled labels do worse.",
      columns: 1, panelWidth: max(460, 160 + 40 * Double(shown.count)), plotHeight: max(140, 44 * Double(places.count)),
      panels: [
        .init(
          x: .categories(shown.map(\.name)), y: .categories(places),
          marks: [
            .heatmap(
              .init(values: values, label: "from chance to certainty", colors: .sequential(0...1), words: words))
          ] + outlines)
      ])
  }
}

extension StudyResult {
  /// The scores on examples held back, by layer, a line for each kind of site, and the controls as rules; of several
  /// methods a panel for each kind, a line a method.
  public func figure() -> Figure {
    var kinds: [String] = []
    for row in rows where row.layer != nil && !kinds.contains(row.kind) { kinds.append(row.kind) }
    let measure = measure.title
    func short(_ kind: String) -> String {
      kind.replacingOccurrences(of: "mlp.hook_", with: "mlp_").replacingOccurrences(of: "hook_", with: "")
    }
    let rules = [Control.majority, .words, .embedding, .randomWeights].compactMap { control in
      controls?[control]?.score.map { Figure.Mark.horizontalRule($0, label: control.title) }
    }
    let caption =
      measure.prefix(1).uppercased() + measure.dropFirst() + " of a probe at each layer on examples held back"
    let title = "\(name) in \(origin.model)"
    guard methods.count > 1 else {
      let method = rows.first?.method
      return Figure(
        title, caption: caption + ", with the interval of a bootstrap over groups.",
        panels: [panel(nil, measure, kinds.map { line(short($0), kind: $0, method: method) } + rules)])
    }
    let range = sharedRange
    return Figure(
      title, caption: caption + ", a line for each classifier; the rules are controls of the best.",
      columns: min(2, max(1, kinds.count)),
      panels: kinds.map { kind in
        // Bands of many lines would hide each other.
        let lines = methods.map { line($0.rawValue, kind: kind, method: $0, hasBand: false) }
        return panel(short(kind), measure, lines + (kind == bestRow?.kind ? rules : []), range: range)
      })
  }

  /// From chance, or the least score, to 1, so that panels can be compared.
  private var sharedRange: ClosedRange<Double> {
    let least = rows.filter { $0.layer != nil }.map(\.heldOutScore).filter(\.isFinite).min() ?? chance
    return max(-1, min(chance, least) - 0.02)...1.02
  }

  private func panel(
    _ title: String?, _ measure: String, _ marks: [Figure.Mark], range: ClosedRange<Double>? = nil
  ) -> Figure.Panel {
    let layers = Set(rows.compactMap(\.layer)).sorted()
    return .init(
      title,
      x: .init(
        "layer", range: (Double(layers.first ?? 0) - 0.3)...(Double(layers.last ?? 0) + 0.3),
        ticks: .labelled(layers.map { .init(Double($0), "\($0)") })),
      y: .init(measure, range: range), marks: marks)
  }

  private func line(
    _ title: String, kind: String, method: ProbeSettings.Method?, hasBand: Bool = true
  ) -> Figure.Mark {
    let own = rows.filter { $0.kind == kind && $0.method == method }.sorted { ($0.layer ?? 0) < ($1.layer ?? 0) }
    let known = hasBand ? own.compactMap(\.heldOutInterval) : []
    return .line(
      title, x: own.map { Double($0.layer ?? 0) }, y: own.map(\.heldOutScore),
      lower: known.count == own.count ? known.map(\.low) : [], upper: known.count == own.count ? known.map(\.high) : [],
      hasMarkers: true)
  }
}
