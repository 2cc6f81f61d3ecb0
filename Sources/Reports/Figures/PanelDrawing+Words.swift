extension PanelDrawing {
  /// A rectangle of the plot that words take.
  private struct Box {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    func overlaps(_ other: Box) -> Bool {
      x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
    }
  }

  /// Words of a size whose base line begins at a place.
  private struct Placed {
    var words: String
    var size: Double
    var x: Double
    var y: Double

    var box: Box {
      Box(x: x - 1, y: y - size, width: TextMeasure.width(words, size: size) + 2, height: size * 1.25)
    }
  }

  /// Words on rules, beside points and at places: first what must be said, then what there is room for.
  func drawWords(into svg: inout SVGText) {
    var taken: [Box] = []
    for mark in layout.panel.marks {
      guard case .text(let places, let words, let size) = mark.shape else { continue }
      let color = looks.look(of: mark).color
      for (place, words) in zip(places, words) {
        guard let x = self.x(place.x), let y = self.y(place.y) else { continue }
        let own = Placed(
          words: words, size: size, x: x - TextMeasure.width(words, size: size) / 2, y: y + size * 0.36)
        taken.append(own.box)
        svg.words(words, x, own.y, size: size, anchor: .middle, color: color, halo: true)
      }
    }
    let lines = layout.panel.marks.compactMap { mark -> Double? in
      guard case .rule(_, let y?, _) = mark.shape else { return nil }
      return self.y(y)
    }
    for mark in layout.panel.marks {
      guard case .rule(let x, let y, let label) = mark.shape, !label.isEmpty else { continue }
      let ink = mark.ink == .grey || mark.ink == .faint ? Palette.quiet : looks.look(of: mark).color
      let size = PanelLayout.tickSize
      let length = TextMeasure.width(label, size: size)
      var candidates: [(Double, Double)] = []
      if let y, let place = self.y(y) {
        for shift in [-4.0, 13] {
          for start in [width - length - 4, 4, (width - length) / 2] { candidates.append((start, place + shift)) }
        }
      } else if let x, let place = self.x(x) {
        let start = place + 4 + length <= width || place < length + 4 ? place + 4 : place - 4 - length
        candidates = (0..<8).map { (start, 13 + Double($0) * 15) }
      }
      guard !candidates.isEmpty else { continue }
      let options = candidates.map { Placed(words: label, size: size, x: max(2, $0.0), y: $0.1) }
      let inside = options.filter { $0.box.y >= -2 && $0.box.y + $0.box.height <= height + 2 }
      let free = inside.filter { option in !taken.contains { $0.overlaps(option.box) } }
      // Not on another rule, whose words it would seem to be.
      let clear = free.first { option in
        !lines.contains { option.box.y + 2 < $0 && $0 < option.box.y + option.box.height - 2 }
      }
      let chosen = clear ?? free.first ?? inside.first ?? options[0]
      taken.append(chosen.box)
      svg.words(label, chosen.x, chosen.y, size: size, color: ink, halo: true)
    }
    drawPointLabels(&taken, into: &svg)
  }

  /// Words beside points; those without a free place are left out.
  private func drawPointLabels(_ taken: inout [Box], into svg: inout SVGText) {
    var signs: [Box] = []
    for mark in layout.panel.marks {
      guard case .points(let x, let y, let labels, let diameter) = mark.shape, !labels.isEmpty else { continue }
      for (x, y) in zip(x, y) {
        guard let px = self.x(x), let py = self.y(y) else { continue }
        signs.append(Box(x: px - diameter / 2, y: py - diameter / 2, width: diameter, height: diameter))
      }
    }
    for mark in layout.panel.marks {
      guard case .points(let x, let y, let labels, let diameter) = mark.shape else { continue }
      for (index, label) in labels.enumerated() where !label.isEmpty {
        guard let px = self.x(x[index]), let py = self.y(y[index]) else { continue }
        let size = PanelLayout.tickSize
        let length = TextMeasure.width(label, size: size)
        let away = diameter / 2 + 3
        let options = [
          (px + away, py + 4), (px - away - length, py + 4), (px - length / 2, py - away),
          (px - length / 2, py + away + size * 0.8),
        ].map { Placed(words: label, size: size, x: $0.0, y: $0.1) }
        let free = options.first { option in
          let box = option.box
          return box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= height
            && !taken.contains { $0.overlaps(box) } && !signs.contains { $0.overlaps(box) }
        }
        guard let free else { continue }
        taken.append(free.box)
        svg.words(label, free.x, free.y, size: size, color: Palette.ink, halo: true)
      }
    }
  }
}
