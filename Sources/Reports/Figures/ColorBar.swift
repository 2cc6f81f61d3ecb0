import Foundation

/// The colours of a heatmap and the scale that explains them.
struct ColorScale {
  let lower: Double
  let upper: Double
  private let colors: Figure.Heatmap.Colors

  init(_ map: Figure.Heatmap) {
    colors = map.colors
    let finite = map.values.joined().filter(\.isFinite)
    var (low, high) = (0.0, 1.0)
    switch map.colors {
    case .sequential(let range):
      (low, high) = (range?.lowerBound ?? finite.min() ?? 0, range?.upperBound ?? finite.max() ?? 1)
    case .diverging(let limit):
      let reach = limit ?? finite.map(abs).max() ?? 1
      (low, high) = (-abs(reach), abs(reach))
    case .categories: break
    }
    if !(low.isFinite && high.isFinite && high > low) {
      low = low.isFinite ? low : 0
      high = low + max(abs(low) * 0.1, 1)
    }
    (lower, upper) = (low, high)
  }

  func color(_ value: Double) -> String {
    guard value.isFinite else { return Palette.empty }
    let fraction = value / (upper - lower) - lower / (upper - lower)
    return switch colors {
    case .sequential: Palette.sequential(fraction)
    case .diverging: Palette.diverging(fraction)
    case .categories: Palette.category(Int(min(1e6, max(0, value.rounded()))))
    }
  }
}

/// The strip beside a heatmap that says which colour is which value.
struct ColorBar {
  private static let strip = 14.0
  let scale: ColorScale
  let label: [String]
  let ticks: AxisTicks
  let axis: ScaledAxis
  let width: Double

  /// None for a panel without a heatmap, or with one of categories, which the legend explains.
  init?(_ panel: Figure.Panel, height: Double) {
    var found: Figure.Heatmap?
    for mark in panel.marks {
      if case .heatmap(let map) = mark.shape { found = map }
    }
    guard let map = found else { return nil }
    if case .categories = map.colors { return nil }
    scale = ColorScale(map)
    axis = ScaledAxis(
      Figure.Axis(range: scale.lower...scale.upper), values: [], includesZero: false, isTight: true)
    ticks = AxisTicks(axis, most: Int(height / 34)).thinned(axis, length: height)
    label = Array(TextMeasure.wrapped(map.label, size: PanelLayout.labelSize, width: height).prefix(2))
    let tickWidth = ticks.labelled.map { TextMeasure.width($0.label, size: PanelLayout.tickSize) }.max() ?? 0
    width = Self.strip + 7 + tickWidth + Double(label.count) * 16
  }

  func draw(into svg: inout SVGText, x: Double, y: Double, height: Double) {
    let steps = 48
    for step in 0..<steps {
      let fraction = (Double(step) + 0.5) / Double(steps)
      let top = y + height * (1 - Double(step + 1) / Double(steps))
      // Each reaches under the one above it, so that no seam shows.
      let reach = step == 0 ? 0 : 0.5
      svg.rectangle(
        x, top, Self.strip, height / Double(steps) + reach,
        fill: scale.color(scale.lower + fraction * (scale.upper - scale.lower)))
    }
    svg.rectangle(x, y, Self.strip, height, fill: "none", stroke: Palette.quiet)
    var widest = 0.0
    for tick in ticks.labelled {
      guard let fraction = axis.fraction(tick.position) else { continue }
      let place = y + height * (1 - fraction)
      svg.line(x + Self.strip, place, x + Self.strip + 3, place, stroke: Palette.quiet)
      svg.words(tick.label, x + Self.strip + 6, place + 4, size: PanelLayout.tickSize, color: Palette.quiet)
      widest = max(widest, TextMeasure.width(tick.label, size: PanelLayout.tickSize))
    }
    for (number, line) in label.enumerated() {
      svg.words(
        line, x + Self.strip + 7 + widest + 12 + Double(number) * 16, y + height / 2, size: PanelLayout.labelSize,
        anchor: .middle, turn: -90)
    }
  }
}
