import Diagnostics
import Foundation
import Reports
import TestFiles
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What an SVG file holds, read by a parser that is not ours.
private final class Drawing: NSObject, XMLParserDelegate {
  var counts: [String: Int] = [:]
  var words: [String] = []
  private var isInWords = false

  init?(_ svg: String) {
    super.init()
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = self
    guard parser.parse() else { return nil }
  }

  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    counts[element, default: 0] += 1
    isInWords = element == "text"
    if isInWords { words.append("") }
  }

  func parser(_ parser: XMLParser, didEndElement element: String, namespaceURI: String?, qualifiedName: String?) {
    isInWords = false
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if isInWords { words[words.count - 1] += text }
  }
}

@Suite("Figures") struct FigureTests {
  private let x = (1...20).map(Double.init)

  @Test("A figure is well-formed, says its words and draws every point") func structure() throws {
    let figure = Figure(
      "Loss & error < 1", caption: "What \"is\" seen\u{1}.",
      panels: [
        .init(
          "Left", x: .init("step"), y: .init("loss"),
          marks: [
            .line("a", x: x, y: x.map { 1 / $0 }, lower: x.map { 0.5 / $0 }, upper: x.map { 2 / $0 }),
            .points("b", x: x, y: x.map { 2 / $0 }), .horizontalRule(0.5, label: "chance"),
          ]),
        .init(
          "Right", x: .categories(["one", "two"]), y: .init("count"),
          marks: [.bars("c", heights: [3, 5], lower: [2, 4], upper: [4, 6])]),
      ])
    let svg = figure.svg()
    let drawing = try #require(Drawing(svg))
    for word in ["Loss & error < 1", "Left", "Right", "step", "loss", "chance", "a", "b", "c", "one", "two"] {
      #expect(drawing.words.contains(word))
    }
    // 20 points and one sample in the second legend.
    #expect((drawing.counts["path"] ?? 0) >= 21)
    #expect(svg == figure.svg())
  }

  @Test(
    "Values without a place leave gaps, never coordinates that are not numbers",
    arguments: [Figure.Axis.Scale.linear, .logarithmic])
  func badValues(scale: Figure.Axis.Scale) throws {
    let values = [1, .nan, 3, .infinity, -2, 0, 1e300, -.infinity, 5e-324, -1e308, 2]
    let places = values.indices.map(Double.init)
    let figure = Figure(
      "Bad values",
      panels: [
        .init(
          x: .init(scale: scale), y: .init(scale: scale),
          marks: [
            .line("line", x: places, y: values, lower: values, upper: values, hasMarkers: true),
            .points(x: values, y: values, labels: values.map { "\($0)" }), .bars(heights: values),
            .segments(segments: [.init(from: .init(.nan, 0), to: .init(1, 1))], isArrow: true),
            .polygon(corners: values.map { .init($0, $0) }), .horizontalRule(.nan, label: "none"),
            .text(["lost"], at: [.init(.nan, .nan)]),
          ]),
        .init(marks: [.heatmap(.init(values: [values, values.reversed()], colors: .sequential()))]),
        .init(marks: [.heatmap(.init(values: [values], colors: .diverging(limit: .nan)))]),
        .init(marks: [.heatmap(.init(values: [[0, 1, 9, .nan]], colors: .categories(["no", "yes"])))]),
        .init(marks: []), .init(y: .init(range: 2...2), marks: [.line(x: [1, 1], y: [2, 2])]),
        .init(marks: [.heatmap(.init(values: []))]),
      ])
    let svg = figure.svg()
    #expect(Drawing(svg) != nil)
    let attributes = svg.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }.map {
      $0.element.lowercased()
    }
    #expect(attributes.allSatisfy { !$0.contains("nan") && !$0.contains("inf") || $0.contains("sans-serif") })
  }

  @Test("Ticks are round numbers within the range, few enough to read")
  func ticks() throws {
    for (low, high, scale) in [
      (0, 1, Figure.Axis.Scale.linear), (-3e-9, 7e-9, .linear), (1e6, 1_000_001, .linear), (0.02, 0.9, .logarithmic),
      (1e-30, 1e30, .logarithmic), (3, 4, .logarithmic),
    ] {
      let figure = Figure(
        "Ticks", panels: [.init(x: .init(scale: scale, range: low...high), y: .hidden(), marks: [.verticalRule(low)])])
      let drawing = try #require(Drawing(figure.svg()))
      let labels = drawing.words.dropFirst()
      #expect(labels.count >= 2 && labels.count <= 12, "\(low) … \(high): \(labels)")
      #expect(Set(labels).count == labels.count, "\(labels)")
    }
  }

  @Test("Marks of one name look alike in every panel, and have one legend") func legend() throws {
    let panels = ["left", "right"].map {
      Figure.Panel($0, marks: [.line("first", x: x, y: x), .line("second", x: x, y: x.map(\.self).reversed())])
    }
    let drawing = try #require(Drawing(Figure("Two", panels: panels).svg()))
    #expect(drawing.words.filter { $0 == "first" }.count == 1)
    #expect(drawing.words.filter { $0 == "second" }.count == 1)
  }

  @Test("Neighbouring cells of one colour are one shape") func heatmapRuns() throws {
    let flat = Figure.Heatmap(values: [[1, 1, 1, 1, 1, 1, 1, 0]], colors: .categories(["off", "on"]))
    let drawing = try #require(Drawing(Figure("Cells", panels: [.init(marks: [.heatmap(flat)])]).svg()))
    // The card, two runs of cells, two samples.
    #expect(drawing.counts["rect"] == 5)
  }

  @Test("A file that cannot be written is a fault") func unwritable() throws {
    let folder = try TemporaryFolder()
    let figure = Figure("File", panels: [])
    try figure.write(to: folder.file("a.svg"))
    #expect(try String(contentsOf: folder.file("a.svg"), encoding: .utf8) == figure.svg())
    #expect(throws: Fault.self) { try figure.write(to: folder.file("absent/a.svg")) }
  }
}
