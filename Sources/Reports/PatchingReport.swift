import Activations
import Interventions
import Neurons
import Probes
import Tokenization

/// A patching result with what is needed to show it.
public struct PatchingReport: Sendable {
  public let result: PatchingResult
  /// The texts of the tokens, where all pairs are one: of the clean and of the corrupted text.
  public let clean: [String]
  public let corrupt: [String]
  public let answers: (right: String, wrong: String)?

  public init(
    _ result: PatchingResult, clean: [String] = [], corrupt: [String] = [],
    answers: (right: String, wrong: String)? = nil
  ) {
    self.result = result
    self.clean = clean
    self.corrupt = corrupt
    self.answers = answers
  }

  /// The result of some pairs; where there is but one, with the texts of its tokens and answers.
  public init(_ result: PatchingResult, of pairs: [PromptPair], in session: Session) {
    let single = pairs.count == 1 ? pairs.first : nil
    self.init(
      result, clean: session.pieces(of: single?.clean ?? []), corrupt: session.pieces(of: single?.corrupt ?? []),
      answers: single.map { (session.text(of: $0.answers.right), session.text(of: $0.answers.wrong)) })
  }

  /// What a column of a grid over positions is called: the token that is put in, and its place.
  private func column(_ position: Int) -> String {
    let shown = result.direction == .denoising ? clean : corrupt
    let other = result.direction == .denoising ? corrupt : clean
    guard shown.indices.contains(position) else { return "\(position)" }
    let isChanged = other.indices.contains(position) && other[position] != shown[position]
    return shown[position].onOneLine + (isChanged ? "*" : "")
  }

  /// A cell's name, such as `L2 z head 3` or `L1 resid_pre at 4 " king"`.
  private func name(_ grid: PatchingGrid, _ cell: Int) -> String {
    let place = grid.place(cell)
    var words = [place.layer.map { "L\($0)" }, grid.site].compactMap(\.self)
    if let part = place.part, let name = grid.partName {
      words.append("\(name.replacing("_", with: "-")) \(part)")
    }
    if let position = place.position {
      words.append(clean.isEmpty ? "at \(position)" : "at \(position) \"\(column(position))\"")
    }
    return words.joined(separator: " ")
  }

  // MARK: - Terminal

  public func text(_ style: TerminalStyle, count: Int) -> String {
    var parts = [heading]
    for grid in result.sites {
      parts.append(style.bold("\(grid.site): share of the difference \(verb)") + "\n" + self.grid(grid, style))
    }
    parts.append(table(count: count).rendered(style))
    return parts.joined(separator: "\n\n")
  }

  private var verb: String { result.direction == .denoising ? "restored" : "taken away" }

  /// The strongest places by name.
  public func table(count: Int) -> TextTable {
    let hasChances = result.strongest(1).first?.corrected != nil
    var table = TextTable(
      [
        .left("strongest"), .right(verb), .right(hasChances ? "95 %" : ""), .right(hasChances ? "p (Holm)" : ""),
        .right("difference"), .right("probability"), .right("KL"),
      ])
    for place in result.strongest(count) {
      let grid = result.sites[place.grid]
      let cell = grid.cells[place.cell]
      let bounds = cell.interval.map { interval in
        let ends =
          result.direction == .denoising ? (interval.low, interval.high) : (1 - interval.high, 1 - interval.low)
        return "\(Format.fixed(ends.0, 2)) – \(Format.fixed(ends.1, 2))"
      }
      table.append([
        name(grid, place.cell), Format.fixed(place.effect), bounds ?? "",
        place.corrected.map { $0 < 0.001 ? "< 0.001" : Format.fixed($0) } ?? "", Format.fixed(cell.difference, 2),
        Format.percent(cell.probability), Format.fixed(cell.divergence),
      ])
    }
    return table
  }

  /// The logit difference of both texts, and which way values are moved.
  public var heading: String {
    let what = answers.map { "\"\($0.right.onOneLine)\" − \"\($0.wrong.onOneLine)\"" } ?? "right − wrong"
    let pairs = result.pairs == 1 ? "" : ", mean of \(result.pairs) pairs"
    let move =
      result.direction == .denoising
      ? "values of the clean text put into the corrupted run"
      : "values of the corrupted text put into the clean run"
    return
      "logit \(what)\(pairs): clean \(Format.fixed(result.clean, 2)), corrupted \(Format.fixed(result.corrupt, 2)); \(move)"
  }

  /// Rows are layers, columns positions or parts; a grid over both has a block of positions for each layer.
  private func grid(_ grid: PatchingGrid, _ style: TerminalStyle) -> String {
    let table = Cells(grid, effect: result.effect, column: column)
    let widths = table.columns.map { min(max($0.displayWidth, 5), 12) }
    let label = table.rows.map(\.displayWidth).max() ?? 0
    // As many columns at once as the line has room for.
    var blocks: [String] = []
    var first = 0
    while first < table.columns.count {
      var (last, width) = (first, label)
      while last < table.columns.count, last == first || width + widths[last] + 1 <= style.width {
        width += widths[last] + 1
        last += 1
      }
      var lines = [
        String(repeating: " ", count: label)
          + (first..<last).map { " " + table.columns[$0].truncated(toDisplayWidth: widths[$0]).padded(widths[$0]) }
          .joined()
      ]
      for (row, values) in table.values.enumerated() {
        let cells = (first..<last).map { column in
          " " + style.shaded(Format.fixed(values[column], 2).padded(widths[column]), intensity: values[column])
        }
        lines.append(table.rows[row].padded(label) + cells.joined())
      }
      blocks.append(lines.joined(separator: "\n"))
      first = last
    }
    return blocks.joined(separator: "\n\n")
  }

  // MARK: - Figure

  /// A heatmap for each site, layers upwards.
  public func figure() -> Figure {
    let tables = result.sites.map { Cells($0, effect: result.effect, column: column) }
    let rows = Double(tables.map(\.rows.count).max() ?? 1)
    let columns = Double(tables.map(\.columns.count).max() ?? 1)
    return Figure(
      result.direction == .denoising ? "What restores the answer" : "What the answer needs", caption: heading,
      panelWidth: min(1000, max(320, 150 + 44 * columns)), plotHeight: min(900, max(120, 30 * rows)),
      panels: zip(result.sites, tables).map { grid, table in
        Figure.Panel(
          grid.site,
          x: .categories(
            table.columns,
            label: grid.positions != nil && grid.parts == nil ? "token" : grid.partName?.replacing("_", with: "-") ?? ""
          ),
          y: .categories(table.rows),
          marks: [
            .heatmap(
              .init(
                values: table.values, label: result.direction == .denoising ? "restored" : "taken away",
                colors: .diverging(limit: max(1, table.values.joined().map(abs).max() ?? 1)),
                words: table.columns.count * table.rows.count <= 240
                  ? table.values.map { $0.map { Format.fixed($0, 2) } } : []))
          ])
      })
  }

  /// A grid as a table of two axes.
  private struct Cells {
    var rows: [String] = []
    var columns: [String]
    var values: [[Double]]

    init(_ grid: PatchingGrid, effect: (PatchingEffect) -> Double, column: (Int) -> String) {
      let width = grid.shape.last ?? 1
      let single = grid.shape.count == 1
      columns = single ? ["all"] : grid.parts.map { $0.map(String.init) } ?? (0..<width).map(column)
      let each = single ? 1 : width
      values = stride(from: 0, to: grid.cells.count, by: each).map { first in
        // No cell is −0.00.
        grid.cells[first..<first + each].map { abs(effect($0)) < 0.005 ? 0 : effect($0) }
      }
      for row in values.indices {
        let place = grid.place(row * each)
        let layer = place.layer.map { "L\($0)" } ?? ""
        rows.append(grid.shape.count > 2 ? "\(layer) \(place.position.map(column) ?? "")" : layer)
      }
    }
  }
}

extension String {
  /// With spaces behind it up to a width.
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - displayWidth))
  }
}

// MARK: - JSON

extension PatchingReport: Encodable {
  private enum CodingKeys: String, CodingKey {
    case direction, clean, corrupt, pairs, cleanTokens, corruptTokens, sites, strongest
  }
  private enum SiteKeys: String, CodingKey {
    case site, axes, layers, parts, restored, low, high, difference, probability, divergence
  }
  private enum PlaceKeys: String, CodingKey {
    case site, layer, position, part, effect, corrected
  }

  /// Grids are nested arrays: layers, then positions, then parts, as `axes` says.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(result.direction, forKey: .direction)
    try container.encode(result.clean, forKey: .clean)
    try container.encode(result.corrupt, forKey: .corrupt)
    try container.encode(result.pairs, forKey: .pairs)
    if !clean.isEmpty { try container.encode(clean, forKey: .cleanTokens) }
    if !corrupt.isEmpty { try container.encode(corrupt, forKey: .corruptTokens) }
    var sites = container.nestedUnkeyedContainer(forKey: .sites)
    for grid in result.sites {
      var own = sites.nestedContainer(keyedBy: SiteKeys.self)
      try own.encode(grid.site, forKey: .site)
      try own.encode(grid.axes, forKey: .axes)
      try own.encodeIfPresent(grid.layers, forKey: .layers)
      try own.encodeIfPresent(grid.parts, forKey: .parts)
      func nest(_ key: SiteKeys, _ value: (PatchingEffect) -> Double) throws {
        try own.encode(NestedArray(grid.cells.map(value), shape: grid.shape), forKey: key)
      }
      try nest(.restored, \.restored)
      if grid.cells.allSatisfy({ $0.interval != nil }) {
        try nest(.low) { $0.interval?.low ?? .nan }
        try nest(.high) { $0.interval?.high ?? .nan }
      }
      try nest(.difference, \.difference)
      try nest(.probability, \.probability)
      try nest(.divergence, \.divergence)
    }
    var places = container.nestedUnkeyedContainer(forKey: .strongest)
    for found in result.strongest(20) {
      let grid = result.sites[found.grid]
      let place = grid.place(found.cell)
      var own = places.nestedContainer(keyedBy: PlaceKeys.self)
      try own.encode(grid.site, forKey: .site)
      try own.encodeIfPresent(place.layer, forKey: .layer)
      try own.encodeIfPresent(place.position, forKey: .position)
      try own.encodeIfPresent(place.part, forKey: .part)
      try own.encode(found.effect, forKey: .effect)
      try own.encodeIfPresent(found.corrected, forKey: .corrected)
    }
  }
}

/// Numbers as arrays in arrays.
struct NestedArray: Encodable {
  let values: ArraySlice<Double>
  let shape: ArraySlice<Int>

  /// - Precondition: As many values as the shape has places.
  init(_ values: [Double], shape: [Int]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values in \(shape)")
    self.init(values: values[...], shape: shape[...])
  }

  private init(values: ArraySlice<Double>, shape: ArraySlice<Int>) {
    self.values = values
    self.shape = shape
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    guard shape.count > 1 else {
      for value in values { try container.encode(value) }
      return
    }
    let each = values.count / max(shape.first ?? 1, 1)
    for first in stride(from: values.startIndex, to: values.endIndex, by: max(each, 1)) {
      try container.encode(NestedArray(values: values[first..<first + each], shape: shape.dropFirst()))
    }
  }
}
