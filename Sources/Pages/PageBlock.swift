import Reports

/// One thing to look at on a page.
public enum PageBlock: Sendable {
  case paragraph(String)
  /// A sentence that stands back: how a figure was made, what was left out.
  case note(String)
  case facts([Page.Fact])
  case links([Page.Link])
  case table(PageTable)
  case figure(Figure)
  /// A picture as the text of an SVG file.
  case drawing(String)
  /// Places of a corpus, each with the tokens around it, coloured by value.
  case examples(PageExamples)
  /// One text, coloured token by token.
  case passage(PagePassage)
  /// Names with bars beside them.
  case bars(PageBars)
  case attention(AttentionMaps)
  /// What a reader may ask the page's server.
  case form(PageForm)
  /// Blocks under a heading that opens and closes them.
  case folded(title: String, isOpen: Bool, place: String?, [PageBlock])
  /// Blocks beside each other where there is room.
  case beside([[PageBlock]])
}

/// Names with bars beside them, such as the tokens that a direction promotes.
public struct PageBars: Sendable {
  public var title: String
  public var bars: [(name: String, value: Double)]
  /// Decimals of the values.
  public var decimals: Int

  public init(_ title: String, _ bars: [(name: String, value: Double)], decimals: Int = 2) {
    (self.title, self.bars, self.decimals) = (title, bars, decimals)
  }
}

/// A table that a reader can sort and search. Of many rows the first hundred are drawn, the others when they are asked for.
public struct PageTable: Sendable {
  public struct Column: Sendable {
    public var title: String
    public var isNumber: Bool

    public init(_ title: String, isNumber: Bool = false) { (self.title, self.isNumber) = (title, isNumber) }
  }

  public struct Cell: Sendable, ExpressibleByStringLiteral {
    public var text: String
    /// Where the cell leads, if anywhere.
    public var link: String?

    public init(_ text: String, link: String? = nil) { (self.text, self.link) = (text, link) }
    public init(stringLiteral text: String) { self.init(text) }
  }

  public var caption: String
  public var columns: [Column]
  public var rows: [[Cell]]

  public init(_ caption: String, columns: [Column], rows: [[Cell]]) {
    (self.caption, self.columns, self.rows) = (caption, columns, rows)
  }

  /// A table of the terminal's; columns that stand on the right there are numbers.
  ///
  /// - Parameter link: Where a row's first cell leads, by the cell's text.
  public init(_ caption: String, _ table: TextTable, link: (String) -> String? = { _ in nil }) {
    self.init(
      caption, columns: table.columns.map { Column($0.title, isNumber: $0.alignment == .right) },
      rows: table.rows.map { row in
        row.enumerated().map { Cell($0.element, link: $0.offset == 0 ? link($0.element) : nil) }
      })
  }
}
