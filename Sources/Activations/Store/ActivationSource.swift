import Diagnostics
import LinearAlgebra

/// Consecutive rows of the sites asked for.
public struct ActivationBlock: Sendable {
  /// The rows of the source: tokens, or documents where the source is pooled.
  public var rows: Range<Int>
  /// For each site, in the order asked: [rows, width], float32. A row of a site with several axes lies flat.
  public var values: [Matrix]

  public init(rows: Range<Int>, values: [Matrix]) {
    self.rows = rows
    self.values = values
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
  /// - Parameter sites: full names of `sites`; an unknown one throws `Fault` named `activations.unknownSite`.
  func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws

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
