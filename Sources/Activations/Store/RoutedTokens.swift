import Diagnostics
import LinearAlgebra

/// A source seen through one expert: its rows are the tokens that were routed there, and no others.
///
/// What works on any source (probes, dictionaries) so works on an expert's neurons: tokens that the expert never saw are
/// no examples, a document is pooled over those it saw, and of labelled spans only those that lie over a routed token
/// remain. Beside the expert's own sites the source's others can be read at these tokens.
public struct RoutedTokens: ActivationSource {
  private let base: any ActivationSource
  /// The source's row of each row here, ascending.
  public let baseRows: [Int]
  public let sites: [StoredSite]
  public let documents: DocumentTable
  public let spans: SpanTable

  /// - Parameter name: full name of a site; where it is not inside an expert, the source is seen whole.
  /// - Throws: `activations.unknownSite`, and what reading throws.
  /// - Complexity: the tables of documents and spans; of a running model one pass, to learn where its tokens go.
  public init(_ base: some ActivationSource, site name: String) throws {
    let site = try base.site(named: name)
    let rows = try base.routedRows(of: name) ?? Array(0..<base.rowCount)
    self.base = base
    baseRows = rows
    sites = base.sites.filter { !$0.isRouted || ($0.layer == site.layer && $0.expert == site.expert) }
    let table = try base.documents
    let allSpans = try base.spans
    guard base.rowKind == .token, site.isRouted else {
      (documents, spans) = (table, allSpans)
      return
    }
    var own = table
    var kept: [SpanRow] = []
    for document in 0..<table.count {
      let all = table.tokens(of: document)
      let places = rows.lowerBound(all.lowerBound)..<rows.lowerBound(all.upperBound)
      own.firstTokens[document] = places.lowerBound
      own.tokenCounts[document] = places.count
      let spans = allSpans.spans(of: document)
      if spans.isEmpty { continue }
      let tokens = try base.tokens(in: all)
      for span in spans {
        let under = all.indices.filter { index in
          span.start < tokens.ends[index - all.lowerBound] && tokens.starts[index - all.lowerBound] < span.end
        }
        // One without any token is wrong, which is for others to say.
        let isSeen = under.contains { row in
          let place = rows.lowerBound(row)
          return place < rows.count && rows[place] == row
        }
        if under.isEmpty || isSeen { kept.append(span) }
      }
    }
    documents = own
    self.spans = SpanTable(kept)
  }

  public var origin: Origin { base.origin }
  public var rowKind: RowKind { base.rowKind }
  public var rowCount: Int { baseRows.count }
  public var tokenCount: Int { base.rowKind == .token ? baseRows.count : base.tokenCount }

  public func tokens(in rows: Range<Int>) throws -> TokenTable {
    guard base.rowKind == .token else { return try base.tokens(in: rows) }
    let wanted = baseRows[rows]
    guard let first = wanted.first, let last = wanted.last else { return TokenTable() }
    let all = try base.tokens(in: first..<last + 1)
    func chosen(_ column: [Int32]) -> [Int32] { wanted.map { column[$0 - first] } }
    return TokenTable(
      ids: chosen(all.ids), positions: chosen(all.positions), documents: chosen(all.documents),
      starts: chosen(all.starts), ends: chosen(all.ends), special: chosen(all.special))
  }

  public func text(ofDocument document: Int) throws -> String? { try base.text(ofDocument: document) }

  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try base.streamRouted(sites, maximumRows: maximumRows) { block in
      let own = baseRows.lowerBound(block.rows.lowerBound)..<baseRows.lowerBound(block.rows.upperBound)
      if own.isEmpty { return }
      let places = baseRows[own].map { $0 - block.rows.lowerBound }
      let values = block.values.indices.map { index -> Matrix in
        let isPart = block.routed.indices.contains(index) && block.routed[index] != nil
        return isPart || places.count == block.rows.count
          ? block.values[index] : block.values[index].selectingRows(places)
      }
      try body(ActivationBlock(rows: own, values: values))
    }
  }

  public func routedRows(of site: String) throws -> [Int]? { nil }

  /// Those of the expert's own sites, whose rows are counted here.
  public func statistics(of site: String) throws -> SiteStatistics? {
    guard let stored = sites.first(where: { $0.name == site }) else { return nil }
    guard baseRows.count < base.rowCount else { return try base.statistics(of: site) }
    guard stored.isRouted, var statistics = try base.statistics(of: site) else { return nil }
    func counted(_ row: Int64) -> Int64 { row < 0 ? row : Int64(baseRows.lowerBound(Int(row))) }
    if let rows = statistics.top?.rows { statistics.top?.rows = rows.map(counted) }
    if let rows = statistics.bottom?.rows { statistics.bottom?.rows = rows.map(counted) }
    if let rows = statistics.sample?.rows { statistics.sample?.rows = rows.map(counted) }
    return statistics
  }
}

extension ActivationSource {
  /// The source as one expert sees it, where some of the sites are inside that expert; nil where none is.
  ///
  /// - Throws: `Fault` named `activations.severalExperts` where they are inside several, which see other tokens each.
  public func throughExpert(of sites: [String]) throws -> RoutedTokens? {
    if self is RoutedTokens { return nil }
    let routed = try sites.map { try site(named: $0) }.filter(\.isRouted)
    guard let first = routed.first else { return nil }
    if let other = routed.first(where: { $0.layer != first.layer || $0.expert != first.expert }) {
      throw Fault(
        .usage, "activations.severalExperts", "Different experts see different tokens, so they cannot share examples",
        place: other.name, expected: "the sites of one expert", found: "\(first.name) beside it",
        advice: "name one expert's site in full, such as \(first.name), or probe what all tokens have, such as mlp_out")
    }
    return try RoutedTokens(self, site: first.name)
  }
}
