import Foundation

extension PanelDrawing {
  typealias Place = (x: Double, y: Double)

  /// Lines and areas are cut at the plot's edges; signs and words lie on top and are whole or absent.
  func drawMarks(into svg: inout SVGText) {
    let numbers = [left, top, width, height].map(SVGText.number)
    svg.open(
      "svg",
      "x=\"\(numbers[0])\" y=\"\(numbers[1])\" width=\"\(numbers[2])\" height=\"\(numbers[3])\" "
        + "viewBox=\"0 0 \(numbers[2]) \(numbers[3])\"")
    let barMarks = layout.panel.marks.filter {
      if case .bars(_, _, _, _, nil) = $0.shape { true } else { false }
    }.count
    var bar = 0
    for mark in layout.panel.marks {
      let look = looks.look(of: mark)
      switch mark.shape {
      case .line(let x, let y, let lower, let upper, _, let width):
        drawBand(x, lower, upper, look, into: &svg)
        svg.path(pieces(x, y), stroke: look.color, width: width, dash: look.dash)
      case .bars(let x, let heights, let lower, let upper, let width):
        let share = width ?? 0.8 / Double(max(1, barMarks))
        let shift = width == nil ? (Double(bar) - Double(barMarks - 1) / 2) * share : 0
        if width == nil { bar += 1 }
        drawBars(x.map { $0 + shift }, heights, lower, upper, width: share, look, into: &svg)
      case .heatmap(let map): drawHeatmap(map, into: &svg)
      case .segments(let segments, let width, let isArrow):
        drawSegments(segments, width, isArrow, look, into: &svg)
      case .polygon(let outlines, let isFilled, let width):
        // An outline with a corner that has no place is left out whole.
        let places = outlines.map { ($0.count, $0.compactMap(place)) }.filter { $0.0 == $0.1.count }.map(\.1)
        svg.path(
          places, stroke: look.color, width: width, fill: isFilled ? look.color : "none", opacity: 0.25,
          isClosed: true)
      case .rule(let x, let y, _):
        if let x, let place = self.x(x) {
          svg.line(place, 0, place, self.height, stroke: look.color, width: 1.2, dash: "4 4")
        }
        if let y, let place = self.y(y) {
          svg.line(0, place, self.width, place, stroke: look.color, width: 1.2, dash: "4 4")
        }
      case .points, .text: continue
      }
    }
    svg.close("svg")
    svg.open("g", "transform=\"translate(\(numbers[0]) \(numbers[1]))\"")
    drawSigns(into: &svg)
    drawWords(into: &svg)
    svg.close("g")
  }

  private func drawSigns(into svg: inout SVGText) {
    for mark in layout.panel.marks {
      let look = looks.look(of: mark)
      let places: [Place?]
      var diameter = 7.0
      switch mark.shape {
      case .points(let x, let y, _, let size):
        diameter = size
        places = zip(x, y).map(placeInside)
      case .line(let x, let y, _, _, true, _): places = zip(x, y).map(placeInside)
      default: continue
      }
      for place in places.compactMap(\.self) {
        svg.marker(look.marker, place.x, place.y, size: diameter, color: look.color)
      }
    }
  }

  private func placeInside(_ x: Double, _ y: Double) -> Place? {
    guard let px = self.x(x), let py = self.y(y) else { return nil }
    return (px, py)
  }

  /// The runs of neighbouring points that all have a place.
  private func pieces(_ x: [Double], _ y: [Double]) -> [[Place]] {
    var pieces: [[Place]] = [[]]
    for (x, y) in zip(x, y) {
      if let place = place(Figure.Mark.Point(x, y)) {
        pieces[pieces.count - 1].append(place)
      } else if !pieces[pieces.count - 1].isEmpty {
        pieces.append([])
      }
    }
    return pieces
  }

  private func drawBand(
    _ x: [Double], _ lower: [Double], _ upper: [Double], _ look: SeriesLook, into svg: inout SVGText
  ) {
    guard !lower.isEmpty else { return }
    var run: [(upper: Place, lower: Place)] = []
    func flush() {
      guard run.count > 1 else { return }
      svg.path(
        [run.map(\.upper) + run.reversed().map(\.lower)], stroke: nil, fill: look.color, opacity: 0.16, isClosed: true)
    }
    for index in x.indices {
      if let high = place(.init(x[index], upper[index])), let low = place(.init(x[index], lower[index])) {
        run.append((high, low))
      } else {
        flush()
        run = []
      }
    }
    flush()
  }

  private func drawBars(
    _ x: [Double], _ heights: [Double], _ lower: [Double], _ upper: [Double], width: Double, _ look: SeriesLook,
    into svg: inout SVGText
  ) {
    // On a logarithmic axis there is no 0 to stand on: the bars stand on the axis.
    let base = y(0, clips: false) ?? height
    for (index, middle) in x.enumerated() {
      guard let from = self.x(middle - width / 2, clips: false), let to = self.x(middle + width / 2, clips: false),
        let end = y(heights[index], clips: false)
      else { continue }
      svg.rectangle(from, min(base, end), to - from, abs(base - end), fill: look.color, stroke: Palette.card)
      guard !lower.isEmpty, let high = y(upper[index], clips: false), let low = y(lower[index], clips: false) else {
        continue
      }
      let centre = (from + to) / 2
      svg.path(
        [
          [(centre, high), (centre, low)], [(centre - 4, high), (centre + 4, high)],
          [(centre - 4, low), (centre + 4, low)],
        ], stroke: Palette.ink, width: 1.3)
    }
  }

  private func drawHeatmap(_ map: Figure.Heatmap, into svg: inout SVGText) {
    let scale = ColorScale(map)
    // Cells are equally large on the page, on a logarithmic axis too.
    guard let left = self.x(map.xRange.lowerBound, clips: false),
      let right = self.x(map.xRange.upperBound, clips: false),
      let bottom = self.y(map.yRange.lowerBound, clips: false),
      let top = self.y(map.yRange.upperBound, clips: false)
    else { return }
    func edge(column: Int) -> Double { left + (right - left) * Double(column) / Double(max(map.columns, 1)) }
    func edge(row: Int) -> Double { bottom + (top - bottom) * Double(row) / Double(max(map.values.count, 1)) }
    // Cells meet without a seam.
    svg.open("g", "shape-rendering=\"crispEdges\"")
    defer { svg.close("g") }
    for (row, values) in map.values.enumerated() {
      let (low, high) = (edge(row: row), edge(row: row + 1))
      let colors = values.map(scale.color)
      var start = 0
      while start < colors.count {
        // Neighbours of one colour are one shape.
        var end = start + 1
        while end < colors.count, colors[end] == colors[start] { end += 1 }
        let (from, to) = (edge(column: start), edge(column: end))
        // A little larger than the cell, so that no seam shows.
        svg.rectangle(from, high, to - from + 0.4, low - high + 0.4, fill: colors[start])
        start = end
      }
      guard !map.words.isEmpty else { continue }
      for (column, words) in map.words[row].enumerated() {
        let (from, to) = (edge(column: column), edge(column: column + 1))
        var size = min(12, (low - high) * 0.6)
        while size >= 7, TextMeasure.width(words, size: size) > to - from - 4 { size -= 0.5 }
        guard size >= 7 else { continue }
        svg.words(
          words, (from + to) / 2, (low + high) / 2 + size * 0.36, size: size, anchor: .middle,
          color: Palette.text(on: colors[column]))
      }
    }
  }

  private func drawSegments(
    _ segments: [Figure.Mark.Segment], _ width: Double, _ isArrow: Bool, _ look: SeriesLook, into svg: inout SVGText
  ) {
    var lines: [[Place]] = []
    var heads: [[Place]] = []
    for segment in segments {
      guard let from = place(segment.from), let to = place(segment.to) else { continue }
      let (dx, dy) = (to.x - from.x, to.y - from.y)
      let length = (dx * dx + dy * dy).squareRoot()
      guard isArrow, length > 1 else {
        lines.append([from, to])
        continue
      }
      let head = min(9, length)
      let (ux, uy) = (dx / length, dy / length)
      let base: Place = (to.x - ux * head, to.y - uy * head)
      lines.append([from, base])
      heads.append([
        to, (base.x - uy * head * 0.4, base.y + ux * head * 0.4), (base.x + uy * head * 0.4, base.y - ux * head * 0.4),
      ])
    }
    svg.path(lines, stroke: look.color, width: width, dash: look.dash)
    svg.path(heads, stroke: nil, fill: look.color, isClosed: true)
  }
}
