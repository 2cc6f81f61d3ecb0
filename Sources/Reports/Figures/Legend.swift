/// The names of what is drawn, each with a sample.
struct Legend: Equatable {
  struct Entry: Equatable {
    enum Sample: Equatable {
      case line(hasMarkers: Bool, width: Double)
      case marker
      case swatch
      case outline
    }

    var name: String
    var look: SeriesLook
    var sample: Sample
  }

  static let size = 12.0
  private static let sampleWidth = 28.0
  private static let rowHeight = 19.0
  private static let space = 18.0

  var entries: [Entry] = []

  init() {}

  init(_ panel: Figure.Panel, looks: SeriesLooks) {
    for mark in panel.marks {
      if case .heatmap(let map) = mark.shape, case .categories(let names) = map.colors {
        for (number, name) in names.enumerated() {
          let look = SeriesLook(color: Palette.category(number), dash: "", marker: .square)
          entries.append(Entry(name: name, look: look, sample: .swatch))
        }
      }
      guard let name = mark.name else { continue }
      let sample: Entry.Sample
      switch mark.shape {
      case .line(_, _, _, _, let hasMarkers, let width): sample = .line(hasMarkers: hasMarkers, width: width)
      case .segments(_, let width, _): sample = .line(hasMarkers: false, width: width)
      case .points: sample = .marker
      case .bars, .heatmap: sample = .swatch
      case .polygon(_, let isFilled, _): sample = isFilled ? .swatch : .outline
      case .rule, .text: continue
      }
      let look = looks.look(of: mark)
      if let known = entries.firstIndex(where: { $0.name == name }) {
        // A line and points of one name are one entry: a line with signs.
        if case .line(_, let width) = entries[known].sample, sample == .marker {
          entries[known].sample = .line(hasMarkers: true, width: width)
        } else if case .line(_, let width) = sample, entries[known].sample == .marker {
          entries[known].sample = .line(hasMarkers: true, width: width)
        }
      } else {
        entries.append(Entry(name: name, look: look, sample: sample))
      }
    }
  }

  func height(width: Double) -> Double { entries.isEmpty ? 0 : Double(rows(width: width).count) * Self.rowHeight }

  private func width(of entry: Entry) -> Double {
    Self.sampleWidth + 6 + TextMeasure.width(entry.name, size: Self.size)
  }

  private func rows(width: Double) -> [[Entry]] {
    var rows: [[Entry]] = []
    var used = 0.0
    for entry in entries {
      let own = self.width(of: entry) + Self.space
      if rows.isEmpty || used + own > width + Self.space {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append(entry)
      used += own
    }
    return rows
  }

  func draw(into svg: inout SVGText, x: Double, y: Double, width: Double) {
    for (number, row) in rows(width: width).enumerated() {
      let middle = y + (Double(number) + 0.5) * Self.rowHeight
      var place = x
      for entry in row {
        drawSample(entry, into: &svg, x: place, y: middle)
        let room = max(20, width - (place - x) - Self.sampleWidth - 6)
        svg.words(
          TextMeasure.truncated(entry.name, size: Self.size, width: room), place + Self.sampleWidth + 6, middle + 4,
          size: Self.size)
        place += self.width(of: entry) + Self.space
      }
    }
  }

  private func drawSample(_ entry: Entry, into svg: inout SVGText, x: Double, y: Double) {
    let (color, middle) = (entry.look.color, x + Self.sampleWidth / 2)
    switch entry.sample {
    case .line(let hasMarkers, let width):
      svg.line(x, y, x + Self.sampleWidth, y, stroke: color, width: width, dash: entry.look.dash)
      if hasMarkers { svg.marker(entry.look.marker, middle, y, size: 7, color: color) }
    case .marker: svg.marker(entry.look.marker, middle, y, size: 8, color: color)
    case .swatch: svg.rectangle(middle - 8, y - 6, 16, 12, fill: color, stroke: Palette.quiet)
    case .outline:
      svg.path([[(middle - 8, y + 6), (middle, y - 6), (middle + 8, y + 6)]], stroke: color, isClosed: true)
    }
  }
}

extension SVGText {
  /// A sign of the given diameter, with a thin white edge that parts it from what lies below.
  mutating func marker(_ marker: SeriesLook.Marker, _ x: Double, _ y: Double, size: Double, color: String) {
    let r = size / 2
    func corners(_ places: [(Double, Double)]) -> [(x: Double, y: Double)] {
      places.map { (x + $0.0 * r, y + $0.1 * r) }
    }
    let edge = size >= 5 ? Palette.card : nil
    switch marker {
    case .circle, .ring:
      let isRing = marker == .ring
      add(
        "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(isRing ? r * 0.85 : r))\" "
          + (isRing
            ? "fill=\"\(Palette.card)\" stroke=\"\(color)\" stroke-width=\"1.6\"/>"
            : "fill=\"\(color)\"" + (edge.map { " stroke=\"\($0)\" stroke-width=\"0.8\"" } ?? "") + "/>"))
    case .square:
      let side = [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]
      path([corners(side)], stroke: edge, width: 0.8, fill: color, isClosed: true)
    case .triangle:
      path([corners([(0, -1.1), (1.05, 0.8), (-1.05, 0.8)])], stroke: edge, width: 0.8, fill: color, isClosed: true)
    case .invertedTriangle:
      path([corners([(0, 1.1), (1.05, -0.8), (-1.05, -0.8)])], stroke: edge, width: 0.8, fill: color, isClosed: true)
    case .diamond:
      path(
        [corners([(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)])], stroke: edge, width: 0.8, fill: color, isClosed: true)
    case .cross:
      path([corners([(-0.8, -0.8), (0.8, 0.8)]), corners([(-0.8, 0.8), (0.8, -0.8)])], stroke: color, width: 2)
    case .plus: path([corners([(-1, 0), (1, 0)]), corners([(0, -1), (0, 1)])], stroke: color, width: 2)
    }
  }
}
