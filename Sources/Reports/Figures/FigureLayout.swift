/// Places the title, the legend and the panels of a figure on its card.
struct FigureLayout {
  static let margin = 18.0
  static let gap = 22.0
  static let titleSize = 17.0
  static let captionSize = 12.5
  static let panelTitleSize = 13.5
  static let font = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"

  let figure: Figure
  let looks: SeriesLooks
  /// One legend for all panels, where all that have one have the same.
  let sharedLegend: Legend?
  let panels: [PanelLayout]
  let columns: Int

  init(_ figure: Figure) {
    self.figure = figure
    let looks = SeriesLooks(figure)
    self.looks = looks
    let legends = figure.panels.map { Legend($0, looks: looks) }
    let filled = legends.filter { !$0.entries.isEmpty }
    let first = filled.first
    let isShared = filled.count > 1 && filled.allSatisfy { $0 == first }
    sharedLegend = isShared ? first : nil
    panels = zip(figure.panels, legends).map { panel, legend in
      PanelLayout(
        panel, width: figure.panelWidth, plotHeight: figure.plotHeight, legend: isShared ? Legend() : legend,
        looks: looks)
    }
    columns = max(1, min(figure.columns ?? Self.usualColumns(figure.panels.count), max(1, figure.panels.count)))
  }

  private static func usualColumns(_ count: Int) -> Int {
    switch count {
    case ...3: max(1, count)
    case 4: 2
    case ...9: 3
    default: 4
    }
  }

  func text() -> String {
    let inner = Double(columns) * figure.panelWidth + Double(columns - 1) * Self.gap
    var body = SVGText()
    var y = Self.margin
    for line in TextMeasure.wrapped(figure.title, size: Self.titleSize, width: inner, isBold: true) {
      y += Self.titleSize
      body.words(line, Self.margin, y, size: Self.titleSize, isBold: true)
      y += 6
    }
    if let caption = figure.caption {
      for line in TextMeasure.wrapped(caption, size: Self.captionSize, width: inner) {
        y += Self.captionSize + 1
        body.words(line, Self.margin, y, size: Self.captionSize, color: Palette.quiet)
        y += 4
      }
    }
    y += 10
    if let sharedLegend {
      sharedLegend.draw(into: &body, x: Self.margin, y: y, width: inner)
      y += sharedLegend.height(width: inner) + 10
    }
    for start in stride(from: 0, to: panels.count, by: columns) {
      let row = panels[start..<min(start + columns, panels.count)]
      let top = row.map(\.topHeight).max() ?? 0
      let bottom = row.map(\.bottomHeight).max() ?? 0
      for (column, panel) in row.enumerated() {
        let x = Self.margin + Double(column) * (figure.panelWidth + Self.gap)
        PanelDrawing(panel, x: x, y: y + top, looks: looks).draw(into: &body, top: y)
      }
      y += top + figure.plotHeight + bottom + Self.gap
    }
    let height = y - (panels.isEmpty ? 0 : Self.gap) + Self.margin
    return wrapped(body, width: inner + 2 * Self.margin, height: height)
  }

  private func wrapped(_ body: SVGText, width: Double, height: Double) -> String {
    let (w, h) = (SVGText.number(width.rounded(.up)), SVGText.number(height.rounded(.up)))
    var whole = SVGText()
    whole.add(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(w)\" height=\"\(h)\" viewBox=\"0 0 \(w) \(h)\" role=\"img\" "
        + "font-family=\"\(Self.font)\">")
    whole.add("<title>\(SVGText.escaped(figure.title))</title>")
    if let caption = figure.caption { whole.add("<desc>\(SVGText.escaped(caption))</desc>") }
    whole.rectangle(
      0.5, 0.5, width.rounded(.up) - 1, height.rounded(.up) - 1, fill: Palette.card, stroke: Palette.border, radius: 8)
    return whole.text + body.text + "</svg>\n"
  }
}

/// The looks of a figure's series: each name has one, in the order of first appearance.
struct SeriesLooks: Equatable {
  private var numbers: [String: Int] = [:]

  init(_ figure: Figure) {
    for panel in figure.panels {
      for mark in panel.marks where mark.ink == .automatic {
        if let name = mark.name, numbers[name] == nil { numbers[name] = numbers.count }
      }
    }
  }

  func look(of mark: Figure.Mark) -> SeriesLook {
    switch mark.ink {
    case .automatic: Palette.look(mark.name.flatMap { numbers[$0] } ?? 0)
    case .series(let number): Palette.look(number)
    case .black: SeriesLook(color: Palette.ink, dash: "", marker: .circle)
    case .grey: SeriesLook(color: Palette.grey, dash: "", marker: .circle)
    case .faint: SeriesLook(color: Palette.faint, dash: "", marker: .circle)
    case .shade(let fraction): SeriesLook(color: Palette.sequential(fraction), dash: "", marker: .circle)
    }
  }
}
