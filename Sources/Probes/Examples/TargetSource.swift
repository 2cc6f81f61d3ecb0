import Activations

/// A source whose labels are replaced: by numbers counted from its own tables, or by other names of its classes.
///
/// Everything else, the activations first of all, is the source's own.
public struct TargetSource<Base: ActivationSource>: ActivationSource {
  private let base: Base
  private let ownDocuments: DocumentTable
  private let ownSpans: SpanTable

  /// Labels counted from the tables: no labels need be in the corpus.
  ///
  /// - Parameter target: `.textLength` gives every document the number of its tokens, `.position` every token its place
  ///   in the document, from 0; tokens that the tokenizer added don't count. Others leave the labels as they are.
  public init(_ base: Base, target: ProbeSettings.Target) throws {
    self.base = base
    var documents = try base.documents
    var spans = try base.spans
    switch target {
    case .label, .number: break
    case .textLength:
      var column: [Label?] = []
      for document in 0..<documents.count {
        let tokens = try base.tokens(in: documents.tokens(of: document))
        column.append(.number(Double(tokens.fromText.count)))
      }
      // Pieces of one document have its length together.
      for document in documents.ids.indices.reversed() where documents.continues(document) {
        if case .number(let own) = column[document], case .number(let before) = column[document - 1] {
          column[document - 1] = .number(own + before)
        }
      }
      documents.labels[DocumentTable.defaultLabels] = column
    case .position:
      var rows: [SpanRow] = []
      for document in 0..<documents.count {
        let tokens = try base.tokens(in: documents.tokens(of: document))
        for (place, index) in tokens.fromText.enumerated() {
          if tokens.ends[index] > tokens.starts[index] {
            rows.append(
              SpanRow(
                document: Int32(document), start: tokens.starts[index], end: tokens.ends[index],
                label: .number(Double(place))))
          }
        }
      }
      spans = SpanTable(rows)
    }
    ownDocuments = documents
    ownSpans = spans
  }

  /// Labels under other names; those that aren't named stay.
  ///
  /// - Parameter keeping: the labels, after renaming, that stay; documents and spans of others take no part. Nil keeps
  ///   all.
  public init(_ base: Base, renaming names: [String: String], keeping: Set<String>? = nil) throws {
    self.base = base
    func renamed(_ label: Label) -> Label? {
      let name = names[label.description] ?? label.description
      if let keeping, !keeping.contains(name) { return nil }
      return names[label.description].map { .text($0) } ?? label
    }
    var documents = try base.documents
    for (column, labels) in documents.labels { documents.labels[column] = labels.map { $0.flatMap(renamed) } }
    ownDocuments = documents
    ownSpans = SpanTable(
      try base.spans.rows.compactMap { row in
        renamed(row.label).map { SpanRow(document: row.document, start: row.start, end: row.end, label: $0) }
      })
  }

  public var origin: Origin { base.origin }
  public var sites: [StoredSite] { base.sites }
  public var rowKind: RowKind { base.rowKind }
  public var rowCount: Int { base.rowCount }
  public var tokenCount: Int { base.tokenCount }
  public var documents: DocumentTable { ownDocuments }
  public var spans: SpanTable { ownSpans }
  public func tokens(in rows: Range<Int>) throws -> TokenTable { try base.tokens(in: rows) }
  public func text(ofDocument document: Int) throws -> String? { try base.text(ofDocument: document) }
  public func statistics(of site: String) throws -> SiteStatistics? { try base.statistics(of: site) }
  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try base.stream(sites, maximumRows: maximumRows, body)
  }
  public func streamRouted(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try base.streamRouted(sites, maximumRows: maximumRows, body)
  }
  public func routedRows(of site: String) throws -> [Int]? { try base.routedRows(of: site) }
}
