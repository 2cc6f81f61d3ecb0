import Activations
import Diagnostics
import LinearAlgebra

/// A source with one site more: the activations of several sites, side by side.
///
/// Nothing is copied but the rows that are read.
public struct JoinedSites: ActivationSource {
  private let base: any ActivationSource
  private let parts: [StoredSite]
  private let joined: StoredSite

  /// - Throws: `activations.unknownSite`; `dictionary.crosscoder` where there are fewer than two sites, or one twice;
  ///   `dictionary.expertSite` where a site lacks rows for some tokens.
  public init(_ source: any ActivationSource, sites names: [String]) throws {
    parts = try names.map { try source.site(named: $0) }
    guard Set(names).count == names.count, names.count > 1 else {
      throw Fault(
        .usage, "dictionary.crosscoder", "A crosscoder reads several sites, each once",
        place: names.joined(separator: ", "),
        expected: "two sites or more", found: "\(Set(names).count)",
        advice: "name layers such as --layers 0-3, or train an autoencoder without --crosscoder")
    }
    if let expert = parts.first(where: \.isRouted) {
      throw Fault(
        .usage, "dictionary.expertSite", "No crosscoder can be trained on an expert's site", place: expert.name,
        expected: "sites that have a row for every token", found: "one with rows for the tokens routed there alone",
        advice: "train on what all tokens have, such as hook_resid_post of each layer")
    }
    base = source
    joined = StoredSite(
      name: Self.name(of: names), axes: ["d"], shape: [parts.reduce(0) { $0 + $1.width }], storage: .float32)
  }

  /// What the joined site is called.
  public static func name(of sites: [String]) -> String { sites.joined(separator: "+") }

  public var sites: [StoredSite] { base.sites + [joined] }

  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    var wanted: [String] = []
    for name in sites.flatMap(expanded) where !wanted.contains(name) { wanted.append(name) }
    try base.stream(wanted, maximumRows: maximumRows) { block in
      let values = Dictionary(uniqueKeysWithValues: zip(wanted, block.values))
      try body(
        ActivationBlock(
          rows: block.rows,
          values: sites.map { name in Matrix(sideBySide: expanded(name).compactMap { values[$0] }) }))
    }
  }

  /// The base's sites that a site consists of.
  private func expanded(_ name: String) -> [String] { name == joined.name ? parts.map(\.name) : [name] }

  /// Reads any rows of a site, where the base can.
  fileprivate var reader: ((String, Range<Int>) throws -> Matrix)? {
    guard let read = rowReader(of: base) else { return nil }
    return { name, rows in Matrix(sideBySide: try expanded(name).map { try read($0, rows) }) }
  }

  public var origin: Origin { base.origin }
  public var rowKind: RowKind { base.rowKind }
  public var rowCount: Int { base.rowCount }
  public var tokenCount: Int { base.tokenCount }
  public var documents: DocumentTable { get throws { try base.documents } }
  public var spans: SpanTable { get throws { try base.spans } }
  public func tokens(in rows: Range<Int>) throws -> TokenTable { try base.tokens(in: rows) }
  public func text(ofDocument document: Int) throws -> String? { try base.text(ofDocument: document) }
  public func statistics(of site: String) throws -> SiteStatistics? {
    site == joined.name ? nil : try base.statistics(of: site)
  }
}

/// Reads a run of rows of a site at once; nil where the source can only be streamed.
func rowReader(of source: any ActivationSource) -> ((String, Range<Int>) throws -> Matrix)? {
  if let store = source as? ActivationStore { return { try store.read($0, rows: $1) } }
  return (source as? JoinedSites)?.reader
}

extension SparseAutoencoder {
  /// Refuses another site than a crosscoder's own.
  func requireOwnSites(_ name: String?) throws {
    guard isCrosscoder, let name, name != configuration.hookIn else { return }
    throw Fault(
      .usage, "dictionary.crosscoder", "A crosscoder reads its own sites", expected: configuration.hookIn, found: name,
      advice: "leave --site out")
  }

  /// The source, with the crosscoder's sites joined where the dictionary is one.
  ///
  /// - Throws: `dictionary.crosscoder` where another site is named; `dictionary.site`.
  func joined(_ source: any ActivationSource, site: String?) throws -> any ActivationSource {
    guard let sites = configuration.crosscoder else { return source }
    try requireOwnSites(site)
    let held = Set(source.sites.map(\.name))
    for site in sites where !held.contains(site.site) {
      throw Fault(
        .badData, "dictionary.site", "The source has not all of the crosscoder's sites", expected: site.site,
        found: source.sites.prefix(8).map(\.name).joined(separator: ", "), advice: "capture that site too")
    }
    for site in sites where try source.site(named: site.site).width != site.width {
      throw Fault(
        .badData, "dictionary.width", "The activations have another width than the crosscoder's site",
        place: site.site, expected: "\(site.width)", found: "\(try source.site(named: site.site).width)",
        advice: "check that model and site are those that the crosscoder was trained on")
    }
    return try JoinedSites(source, sites: sites.map(\.site))
  }
}
