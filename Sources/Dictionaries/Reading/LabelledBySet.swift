import Activations

/// A source of several data sets whose labels do not go together, with labels that name the set first.
///
/// One store may hold sets that each have labels of their own: names in one, numbers in another, none in a third. A
/// document's set is what its id begins with (`korean-0012`: `korean`). Its label becomes `korean: Korean` where the set
/// has two labels to twelve, all of them names; otherwise the set's name alone.
public struct LabelledBySet: ActivationSource {
  private let base: any ActivationSource
  public let documents: DocumentTable

  /// Nil where the column's labels can be used as they are (2 to 100 of them), or where there is one set alone.
  public init?(_ source: any ActivationSource, column: String = DocumentTable.defaultLabels) throws {
    var documents = try source.documents
    let labels = documents.labels[column] ?? [Label?](repeating: nil, count: documents.count)
    guard !(2...100 ~= Set(labels.compactMap { $0?.description }).count) else { return nil }
    let sets = documents.ids.map(Self.set)
    var names: [String: Set<String>] = [:]
    for (set, label) in zip(sets, labels) {
      var known = names[set] ?? []
      switch label {
      case .text(let name): known.insert(name)
      case .number(let number): known.formUnion(["\(number)", "a number"])
      case nil: known.insert("no label")
      }
      names[set] = known
    }
    guard 2...100 ~= names.count else { return nil }
    func hasNames(_ set: String) -> Bool {
      let known = names[set] ?? []
      return 2...12 ~= known.count && known.isDisjoint(with: ["a number", "no label"])
    }
    let all = names.keys.reduce(0) { $0 + (hasNames($1) ? names[$1]?.count ?? 0 : 1) }
    documents.labels[column] = zip(sets, labels).map { set, label in
      guard all <= 100, hasNames(set), let label else { return .text(set) }
      return .text("\(set): \(label.description)")
    }
    self.documents = documents
    base = source
  }

  /// The id without its number and what parts the two.
  private static func set(of id: String) -> String {
    var name = id[...]
    while let last = name.last, last.isNumber { name = name.dropLast() }
    while let last = name.last, "-_:#/ ".contains(last) { name = name.dropLast() }
    return String(name)
  }

  public var origin: Origin { base.origin }
  public var sites: [StoredSite] { base.sites }
  public var rowKind: RowKind { base.rowKind }
  public var rowCount: Int { base.rowCount }
  public var tokenCount: Int { base.tokenCount }
  public var spans: SpanTable { get throws { try base.spans } }
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
