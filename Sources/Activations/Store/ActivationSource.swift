import Diagnostics
import LinearAlgebra

/// Consecutive rows of the sites asked for.
public struct ActivationBlock: Sendable {
  /// The rows of the source: tokens, or documents where the source is pooled.
  public var rows: Range<Int>
  /// For each site, in the order asked: [rows, width], float32. A row of a site with several axes lies flat.
  public var values: [Matrix]
  /// For each site the rows of the source that its values are of, where they are not all: those of the tokens routed to
  /// an expert. Empty where every site has all.
  public var routed: [[Int]?]

  public init(rows: Range<Int>, values: [Matrix], routed: [[Int]?] = []) {
    self.rows = rows
    self.values = values
    self.routed = routed
  }

  /// The row of the source that each row of a site's values is of.
  public func rowNumbers(_ site: Int) -> [Int] {
    routed.indices.contains(site) ? routed[site] ?? Array(rows) : Array(rows)
  }
}

/// Activations to learn from: a store on disk or a model that runs now, read the same way.
public protocol ActivationSource: Sendable {
  var origin: Origin { get }
  /// What can be read, in the model's order.
  var sites: [StoredSite] { get }
  /// What a row stands for.
  var rowKind: RowKind { get }
  /// Rows of every site.
  var rowCount: Int { get }
  /// Rows of the token table; equals `rowCount` unless the source is pooled.
  var tokenCount: Int { get }
  /// The whole document table, without texts.
  var documents: DocumentTable { get throws }
  /// The whole table of token-level labels.
  var spans: SpanTable { get throws }

  /// A run of the token table's rows.
  func tokens(in rows: Range<Int>) throws -> TokenTable

  /// A document's text, or nil where the corpus had none.
  func text(ofDocument document: Int) throws -> String?

  /// Gives `body` every row of the sites, in order, in blocks of at most `maximumRows`.
  ///
  /// - Parameter sites: full names of `sites`; an unknown one throws `Fault` named `activations.unknownSite`, and one that
  ///   has rows for the tokens routed to an expert alone `activations.routedSite`.
  func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws

  /// The same for experts' sites too: of those a block holds the rows that are there, `ActivationBlock.routed` says which.
  func streamRouted(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws

  /// The rows of the source that a site has, ascending; nil where it has all.
  func routedRows(of site: String) throws -> [Int]?

  /// The statistics gathered for a site, or nil where none were.
  func statistics(of site: String) throws -> SiteStatistics?
}

extension ActivationSource {
  /// The site of that name.
  /// - Throws: `Fault` named `activations.unknownSite`, with the names most like it.
  public func site(named name: String) throws -> StoredSite {
    guard let site = sites.first(where: { $0.name == name }) else { throw unknownSite(name) }
    return site
  }
}

extension ActivationSource {
  public func streamRouted(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try stream(sites, maximumRows: maximumRows, body)
  }

  /// Found by reading the site once.
  public func routedRows(of site: String) throws -> [Int]? {
    guard try self.site(named: site).isRouted else { return nil }
    var rows: [Int] = []
    try streamRouted([site], maximumRows: 4096) { rows += $0.rowNumbers(0) }
    return rows
  }

  /// Refuses a site that has no row for some tokens, where every token needs one.
  func requireEveryToken(_ sites: [StoredSite]) throws {
    guard let site = sites.first(where: \.isRouted) else { return }
    throw Fault(
      .usage, "activations.routedSite", "An expert's site has rows for the tokens routed there alone",
      place: site.name, expected: "a site with a row for every token, such as hook_resid_post or mlp.hook_in",
      found: "an expert of \(site.routing?.experts ?? 0), of which a token wakes \(site.routing?.active ?? 0)",
      advice: "read it with its row numbers (`streamRouted`), or through `RoutedTokens`, whose rows are those tokens")
  }

  /// Refuses a source whose rows are documents, which have no tokens to show.
  /// - Throws: `Fault` named `activations.pooled`.
  public func requireTokenRows() throws {
    guard rowKind != .token else { return }
    throw Fault(
      .badData, "activations.pooled", "A row of this store stands for a whole document",
      expected: "a row for each token",
      found: "a store captured with --pool", advice: "capture again without --pool")
  }

  func unknownSite(_ name: String) -> Fault {
    let near = nearestNames(to: name, among: sites.map(\.name))
    return Fault(
      .usage, "activations.unknownSite", "The source holds no such site", place: name,
      expected: near.isEmpty
        ? "one of its \(sites.count) sites, such as \(sites.first?.name ?? "none")"
        : "a name such as \(near.joined(separator: ", "))",
      found: name, advice: "list the sites with `unfold store info`, or capture this one")
  }
}
