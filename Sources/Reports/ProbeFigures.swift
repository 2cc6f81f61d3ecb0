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
        if row == depth.arises, result.isFound {
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
    let model = shown.first?.table.origin.model ?? ""
    return Figure(
      "Where in the depth of \(model) does each concept arise?",
      caption:
        "Each cell is a probe: its balanced accuracy in the training folds (of numbers R²), coloured by how far it "
        + "goes from chance to certainty. Outlined: the first place within one point of the concept's best, where shuffled labels do worse.",
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

extension SpecificationResult {
  /// The scores on examples held back, by layer, a line for each kind of site, and the controls as rules.
  public func figure() -> Figure {
    let layers = Set(table.rows.compactMap(\.layer)).sorted()
    var kinds: [String] = []
    for row in table.rows where row.layer != nil && !kinds.contains(row.kind) { kinds.append(row.kind) }
    let isRegression = table.rows.contains { $0.regression != nil }
    var marks: [Figure.Mark] = kinds.map { kind in
      let own = table.rows.filter { $0.kind == kind }.sorted { ($0.layer ?? 0) < ($1.layer ?? 0) }
      let intervals = own.map { row in
        row.regression.map { $0.intervals?.r2 } ?? row.evaluation.intervals?.balancedAccuracy
      }
      let known = intervals.compactMap(\.self)
      return .line(
        kind.replacingOccurrences(of: "mlp.hook_", with: "mlp_").replacingOccurrences(of: "hook_", with: ""),
        x: own.map { Double($0.layer ?? 0) }, y: own.map(\.heldOutScore),
        lower: known.count == own.count ? known.map(\.low) : [],
        upper: known.count == own.count ? known.map(\.high) : [],
        hasMarkers: true)
    }
    for control in [Control.majority, .bagOfTokens, .embedding, .randomWeights] {
      if let score = controls?[control]?.score { marks.append(.horizontalRule(score, label: control.title)) }
    }
    return Figure(
      "\(name) in \(table.origin.model)",
      caption: (isRegression ? "R²" : "Balanced accuracy")
        + " of a probe at each layer on examples held back, with the interval of a bootstrap over groups.",
      panels: [
        .init(
          x: .init(
            "layer", range: -0.3...(Double(layers.last ?? 0) + 0.3),
            ticks: .labelled(layers.map { .init(Double($0), "\($0)") })),
          y: .init(isRegression ? "R²" : "balanced accuracy"), marks: marks)
      ])
  }
}
