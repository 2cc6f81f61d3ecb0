import Foundation
import Pages
import Reports
import Testing

@Suite("A page")
struct PageTests {
  private func page(_ blocks: [PageBlock]) throws -> String {
    var page = Page(kind: "Test", title: "A title", source: "From nowhere.")
    page.add("Part", note: "The part's note", blocks)
    return try page.html()
  }

  /// Marks before a `<` or behind it make one character of it: escaping by characters would let these through.
  static let attacks = [
    "<script>alert(1)</script>", "\u{0600}<script>alert(1)</script>", "<\u{0301}img src=x onerror=alert(1)>",
    "\"><img src=x onerror=alert(1)>", "\u{0600}\" onmouseover=\"alert(1)", "</script><script>alert(1)</script>",
    "<!--", "{{title}}{{{policy}}}", "' autofocus onfocus='alert(1)",
  ]

  @Test("A text of a corpus stays text, wherever it stands", arguments: attacks)
  func hostileText(_ text: String) throws {
    let token = PageToken(text, id: 1, position: 0, value: 1, loss: 2, isMarked: true)
    let long = PageTable("", columns: [.init(text)], rows: (0..<200).map { _ in [.init(text, link: "#a")] })
    var page = Page(kind: text, title: text, lead: text, facts: [.init(text, text)], source: text)
    page.links = [.init(text, "#a")]
    page.add(
      text, note: text,
      [
        .paragraph(text), .note(text), .facts([.init(text, text)]), .links([.init(text, "#b")]),
        .table(PageTable(text, columns: [.init(text)], rows: [[.init(text)]])), .table(long),
        .examples(
          PageExamples(text, note: text, scale: 1, [.init(value: 1, label: text, document: text, tokens: [token])])),
        .passage(PagePassage(text, measure: text, scale: 1, tokens: [token])), .bars(PageBars(text, [(text, 1)])),
        .attention(AttentionMaps(tokens: [text], layers: 1, heads: 1, weights: [255], looksBothWays: false)),
        .figure(Figure(text, panels: [.init(text, x: .categories([text]), marks: [.bars(heights: [1])])])),
        .folded(title: text, isOpen: true, place: nil, [.paragraph(text)]),
      ])
    let html = try page.html()
    // The page's own script and style, its data, and nothing else between tags.
    let scripts = html.unicodeScalars.split(separator: "<").filter { $0.starts(with: "script".unicodeScalars) }
    #expect(scripts.count == 3)
    let images = html.unicodeScalars.split(separator: "<").filter { $0.starts(with: "img".unicodeScalars) }
    #expect(images.isEmpty)
    let own = try #require(html.range(of: "<body>"))
    for tag in html.unicodeScalars[own.upperBound...].split(separator: "<") {
      let outside = Self.outsideQuotes(tag)
      for handler in [" onerror", " onmouseover", " onfocus"] {
        #expect(outside.range(of: handler, options: [.literal, .caseInsensitive]) == nil, "\(outside)")
      }
    }
    #expect(html.components(separatedBy: "default-src 'none'").count == 2)
  }

  /// A tag without the values of its attributes, as a browser reads it: by scalars.
  private static func outsideQuotes(_ tag: Substring.UnicodeScalarView) -> String {
    var (outside, isInside) = (String.UnicodeScalarView(), false)
    for scalar in tag {
      if scalar == "\"" {
        isInside.toggle()
      } else if !isInside {
        if scalar == ">" { break } else { outside.append(scalar) }
      }
    }
    return String(outside)
  }

  @Test("Nothing but the page's own script and style may run, and nothing may be loaded")
  func policy() throws {
    let html = try page([.paragraph("words")])
    let policy = try #require(html.firstMatch(of: /content="(default-src[^"]*)"/)).1
    for part in ["default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "base-uri 'none'"] {
      #expect(policy.contains(part))
    }
    #expect(!policy.contains("unsafe"))
    // No style of a tag's own, which the policy forbids, and no address outside the page.
    #expect(!html.contains(" style=\""))
    for match in html.matches(of: /(?:href|src)="([^"#][^"]*)"/) { #expect(!match.1.contains(":"), "\(match.1)") }
  }

  @Test("A block takes nothing from the blocks around it")
  func nesting() throws {
    let inner = PageBlock.folded(title: "inner", isOpen: false, place: nil, [.paragraph("deep")])
    let html = try page([
      .folded(
        title: "outer", isOpen: true, place: "there", [inner, .beside([[.paragraph("left")], [.note("right")]])]),
      .examples(PageExamples("", scale: 1, [.init(value: 1, document: "d", tokens: [PageToken("a")])])),
    ])
    #expect(html.components(separatedBy: "deep").count == 2)
    #expect(html.components(separatedBy: "The part&#39;s note").count == 2)
    #expect(html.components(separatedBy: "id=\"there\"").count == 2)
    // A token without figures has none of the example around it.
    #expect(html.contains("<i class=\"t\">a</i>"))
  }

  @Test("Equal pages have equal bytes")
  func reproducible() throws {
    let blocks: [PageBlock] = [.facts([.init("a", "1")]), .bars(PageBars("b", [("c", 1), ("d", -2)]))]
    #expect(try page(blocks) == page(blocks))
  }

  @Test("Of a long table a hundred rows are drawn, all are there, and it stays small")
  func longTable() throws {
    let rows = (0..<10_000).map { [PageTable.Cell("\($0)", link: "#\($0)"), .init("latent \($0) at a token")] }
    let html = try page([
      .table(PageTable("", columns: [.init("latent", isNumber: true), .init("words")], rows: rows))
    ])
    #expect(html.components(separatedBy: "<tr>").count == 1 + 1 + 100)
    #expect(html.contains("[\"9999\",\"#9999\"]") && html.contains("of 10,000 rows"))
    #expect(html.utf8.count < 2 << 20)
  }

  @Test("Colours go by eleven steps of the scale, on both sides of zero")
  func colours() throws {
    let values: [(Float, String)] = [(0, "t"), (0.04, "t"), (0.5, "t p5"), (9, "t p10"), (-1, "t n10"), (.nan, "t")]
    let tokens = values.map { PageToken("x", value: $0.0) }
    let html = try page([.passage(PagePassage("", measure: "score", scale: 1, tokens: tokens))])
    let found = html.matches(of: /<i class="([^"]*)"/).map { String($0.1) }
    #expect(found == values.map(\.1))
  }
}
