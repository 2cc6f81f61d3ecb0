/// What a run is: the first line of a store's manifest. A resumed run must agree with it in everything.
public struct StoreRun: Codable, Sendable, Equatable {
  public var origin: Origin
  /// The sites whose activations are stored, in the model's order; empty when only statistics are gathered.
  public var sites: [StoredSite]
  /// The sites whose statistics are stored.
  public var statisticsSites: [StoredSite]
  public var rowKind: RowKind
  /// The names of label columns beside `label`, where a corpus has several label fields.
  public var labelColumns: [String]
  /// A shard closes at the end of the batch that brings it to so many tokens.
  public var shardTokens: Int
  /// Or to so many bytes of activations.
  public var shardBytes: Int
  public var seed: UInt64
  /// Every other choice that decides what is written, by the name of its flag: `context`, `overflow`, `pool`,
  /// `batch-tokens`, `compute`, `threads`, `kernel`, `top`, `shard` …
  public var settings: [String: String]
  /// Rows that the document table has at the end, where the corpus was counted before the run: what a store that was left
  /// unfinished is held against. No choice, so runs that differ here alone are equal.
  public var expectedDocuments: Int?

  public init(
    origin: Origin, sites: [StoredSite], statisticsSites: [StoredSite] = [], rowKind: RowKind = .token,
    labelColumns: [String] = [],
    shardTokens: Int = 1 << 20, shardBytes: Int = 1 << 30, seed: UInt64 = 0, settings: [String: String] = [:],
    expectedDocuments: Int? = nil
  ) {
    self.origin = origin
    self.sites = sites
    self.statisticsSites = statisticsSites
    self.rowKind = rowKind
    self.labelColumns = labelColumns
    self.shardTokens = shardTokens
    self.shardBytes = shardBytes
    self.seed = seed
    self.settings = settings
    self.expectedDocuments = expectedDocuments
  }

  /// The bytes of activations that one row takes over all sites that have a row for each.
  public var rowBytes: Int { sites.reduce(0) { $0 + ($1.isRouted ? 0 : $1.rowBytes) } }
}

/// How far a run has come in its corpus: where a resumed run goes on.
public struct DocumentCursor: Codable, Sendable, Equatable {
  /// Documents of the corpus that are done.
  public var documents: Int
  /// What the corpus reader needs to go on, by name; compared and kept, never interpreted here.
  public var state: [String: String]

  public init(documents: Int = 0, state: [String: String] = [:]) {
    self.documents = documents
    self.state = state
  }
}
