import Foundation

/// Draws one panel: its words and axes, then its marks.
struct PanelDrawing {
  let layout: PanelLayout
  let looks: SeriesLooks
  /// The panel's left edge and the top of the room for plots, on the card.
  let originX: Double
  let originY: Double

  init(_ layout: PanelLayout, x: Double, y: Double, looks: SeriesLooks) {
    self.layout = layout
    self.looks = looks
    originX = x
    originY = y
  }

  var left: Double { originX + layout.plot.x }
  var top: Double { originY + layout.plot.y }
  var width: Double { layout.plot.width }
  var height: Double { layout.plot.height }
  /// The top of what is written below the plot. Plots of a row end together also where one gave way.
  private var bottom: Double { top + height }

  func draw(into svg: inout SVGText, top cardTop: Double) {
    svg.open("g", "class=\"panel\"")
    for (number, line) in layout.titleLines.enumerated() {
      let y = top - 10 - Double(layout.titleLines.count - 1 - number) * 18
      svg.words(line, originX, y, size: FigureLayout.panelTitleSize, isBold: true)
    }
    drawGrid(into: &svg)
    drawMarks(into: &svg)
    drawAxes(into: &svg)
    layout.colorBar?.draw(into: &svg, x: left + width + 10, y: top, height: height)
    let legendTop =
      bottom + layout.tickHeight + Double(layout.xLabelLines.count) * 16 + (layout.xLabelLines.isEmpty ? 0 : 2) + 8
    layout.legend.draw(into: &svg, x: originX, y: legendTop, width: layout.width)
    svg.close("g")
  }

  private func drawGrid(into svg: inout SVGText) {
    let hasHeatmap = layout.panel.marks.contains { if case .heatmap = $0.shape { true } else { false } }
    guard !hasHeatmap else { return }
    for tick in layout.yTicks.labelled {
      guard let y = y(tick.position) else { continue }
      svg.line(left, top + y, left + width, top + y, stroke: Palette.grid)
    }
    for tick in layout.xTicks.labelled where !isNamed(layout.panel.x) {
      guard let x = x(tick.position) else { continue }
      svg.line(left + x, top, left + x, bottom, stroke: Palette.grid)
    }
  }

  private func isNamed(_ axis: Figure.Axis) -> Bool {
    if case .labelled = axis.ticks { true } else { false }
  }

  private func drawAxes(into svg: inout SVGText) {
    if layout.panel.x.ticks != .hidden {
      svg.line(left, bottom, left + width, bottom, stroke: Palette.quiet)
      for minor in layout.xTicks.minor {
        guard let x = x(minor) else { continue }
        svg.line(left + x, bottom, left + x, bottom + 3, stroke: Palette.quiet, width: 0.7)
      }
      for tick in layout.xTicks.labelled {
        guard let x = x(tick.position) else { continue }
        svg.line(left + x, bottom, left + x, bottom + 5, stroke: Palette.quiet)
        let words = PanelLayout.tickText(tick.label)
        if layout.isSlanted {
          svg.words(
            words, left + x + 3, bottom + 15, size: PanelLayout.tickSize, anchor: .end, color: Palette.quiet,
            turn: -PanelLayout.slant)
        } else {
          svg.words(
            words, left + x, bottom + 17, size: PanelLayout.tickSize, anchor: .middle, color: Palette.quiet)
        }
      }
    }
    for (number, line) in layout.xLabelLines.enumerated() {
      svg.words(
        line, left + width / 2, bottom + layout.tickHeight + 13 + Double(number) * 16, size: PanelLayout.labelSize,
        anchor: .middle)
    }
    if layout.panel.y.ticks != .hidden {
      svg.line(left, top, left, bottom, stroke: Palette.quiet)
      for minor in layout.yTicks.minor {
        guard let y = y(minor) else { continue }
        svg.line(left - 3, top + y, left, top + y, stroke: Palette.quiet, width: 0.7)
      }
      for tick in layout.yTicks.labelled {
        guard let y = y(tick.position) else { continue }
        svg.line(left - 5, top + y, left, top + y, stroke: Palette.quiet)
        svg.words(
          PanelLayout.tickText(tick.label), left - 8, top + y + 4, size: PanelLayout.tickSize, anchor: .end,
          color: Palette.quiet)
      }
    }
    for (number, line) in layout.yLabelLines.enumerated() {
      svg.words(
        line, originX + 12 + Double(number) * 16 + max(0, layout.plot.x - usualLeft), top + height / 2,
        size: PanelLayout.labelSize, anchor: .middle, turn: -90)
    }
  }

  /// Where the plot begins when only the words left of it take room.
  private var usualLeft: Double {
    let tickWidth =
      layout.yTicks.labelled
      .map { TextMeasure.width(PanelLayout.tickText($0.label), size: PanelLayout.tickSize) }.max() ?? 0
    return PanelLayout.leftWidth(labels: layout.yLabelLines.count, ticks: tickWidth)
  }

  // MARK: From values to pixels of the plot

  /// Pixels from the plot's left edge; nil for what has no place, or lies outside where `clips`.
  func x(_ value: Double, clips: Bool = true) -> Double? {
    guard let fraction = layout.xAxis.fraction(value) else { return nil }
    if clips, fraction < -1e-6 || fraction > 1 + 1e-6 { return nil }
    return fraction * width
  }

  /// Pixels from the plot's upper edge.
  func y(_ value: Double, clips: Bool = true) -> Double? {
    guard let fraction = layout.yAxis.fraction(value) else { return nil }
    if clips, fraction < -1e-6 || fraction > 1 + 1e-6 { return nil }
    return (1 - fraction) * height
  }

  /// The place of a point, also outside the plot, where clipping by the file's viewer will cut.
  func place(_ point: Figure.Mark.Point) -> (x: Double, y: Double)? {
    guard let x = x(point.x, clips: false), let y = y(point.y, clips: false) else { return nil }
    return (x, y)
  }
}
