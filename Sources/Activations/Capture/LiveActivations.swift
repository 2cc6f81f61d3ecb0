import Architectures
import Diagnostics
import LinearAlgebra
import Tokenization
import Transformer

/// A model and a corpus, read as if their activations were in a store: they are computed whenever they are read.
///
/// The corpus's tokens and texts are kept in memory, so this is for corpora of labelled examples, not for gigabytes.
public struct LiveActivations: ActivationSource {
  public let origin: Origin
  public let sites: [StoredSite]
  public let rowKind: RowKind
  public let documents: DocumentTable
  public let spans: SpanTable
  /// Documents left out since they were empty, had no token of their own, or were not UTF-8.
  public let skippedDocuments: Int
  private let model: Model
  private let settings: CaptureSettings
  private let keys: Int
  private let modelSites: [String: Site]
  private let batches: [CaptureBatch]

  /// Reads and tokenizes the corpus; nothing is computed yet.
  ///
  /// - Parameters:
  ///   - settings: Its sites, layers, context, overflow, pooling, batches and special tokens; the rest has no meaning here.
  /// - Throws: as `Capture.init`.
  public init(
    model: Model, tokenizer: Tokenizer?, corpus: Corpus, settings: CaptureSettings, modelName: String? = nil,
    version: String = "0.1.0"
  ) throws {
    var settings = settings
    settings.storage = .float32
    self.model = model
    self.settings = settings
    rowKind = settings.pool == nil ? .token : .document
    let architecture = model.architecture
    let chosen = try settings.chosenSites(of: architecture)
    try Capture.check(settings, sites: chosen)
    try Capture.check(corpus.options)
    let cutter = DocumentCutter(
      tokenizer: tokenizer, context: try Capture.context(settings, architecture), overflow: settings.overflow,
      addsSpecialTokens: settings.addsSpecialTokens, vocabularySize: architecture.vocabularySize,
      labelFields: corpus.options.labelFields)
    let pieces = try PieceReader(corpus, cutter: cutter, share: settings.share, cursor: DocumentCursor())
    let context = try Capture.context(settings, architecture)
    let width = chosen.reduce(0) { $0 + Capture.describe($1, architecture, settings, keys: context).width }
    let memory = CaptureMemoryPlanner(
      model: model, sites: chosen, longest: context, allTokens: nil, statistics: 0, storedBytesPerToken: 4 * width,
      largestSiteBytes: 0, storeLimit: .max
    ).plan(tokens: settings.batchTokens)
    var maker = BatchMaker(pieces, batchTokens: memory.batchTokens)
    var batches: [CaptureBatch] = []
    var (tokens, count) = (0, 0)
    while let some = try maker.next() {
      let batch = CaptureBatch(
        some, firstToken: tokens, firstDocument: count, countsSpecialTokens: settings.countsSpecialTokens,
        rowKind: rowKind)
      tokens += batch.tokens.count
      count += some.count
      batches.append(batch)
    }
    self.batches = batches
    let rows = batches.flatMap(\.documentRows)
    var documents = DocumentTable(rows)
    for column in cutter.labelColumns { documents.labels[column] = rows.map { $0.labels[column] } }
    self.documents = documents
    spans = SpanTable(batches.flatMap(\.spanRows))
    skippedDocuments =
      pieces.documentsWithoutTokens + pieces.reader.emptyDocuments + pieces.reader.invalidDocuments
    let keys = batches.flatMap { $0.tokens.lengths }.max() ?? 1
    self.keys = keys
    sites = chosen.map { Capture.describe($0, architecture, settings, keys: keys) }
    modelSites = Dictionary(uniqueKeysWithValues: chosen.map { ($0.name, $0) })
    origin = try Capture.origin(model: model, tokenizer: tokenizer, corpus: corpus, modelName, version)
  }

  public var tokenCount: Int { batches.last.map { $0.firstToken + $0.tokens.count } ?? 0 }
  public var rowCount: Int { rowKind == .token ? tokenCount : documents.count }

  public func tokens(in rows: Range<Int>) throws -> TokenTable {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= tokenCount, "tokens \(rows) of \(tokenCount)")
    var table = TokenTable()
    for batch in batches {
      let part = rows.clamped(to: batch.firstToken..<batch.firstToken + batch.tokens.count)
      guard !part.isEmpty else { continue }
      let whole = batch.tokenTable
      for row in part.lowerBound - batch.firstToken..<part.upperBound - batch.firstToken {
        table.append(
          id: whole.ids[row], position: whole.positions[row], document: whole.documents[row],
          start: whole.starts[row], end: whole.ends[row], special: whole.special[row] != 0)
      }
    }
    return table
  }

  public func text(ofDocument document: Int) throws -> String? {
    precondition(document >= 0 && document < documents.count, "document \(document) of \(documents.count)")
    let batch = batches.last { $0.firstDocument <= document }
    return batch.flatMap { $0.pieces[document - $0.firstDocument].text }
  }

  /// Computes the sites over the whole corpus; stops each pass after the last site wanted.
  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try requireEveryToken(sites.map { try site(named: $0) })
    try streamRouted(sites, maximumRows: maximumRows, body)
  }

  public func streamRouted(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    precondition(maximumRows > 0, "blocks of \(maximumRows) rows")
    let stored = try sites.map { try site(named: $0) }
    let wanted = try sites.map { name in
      guard let site = modelSites[name] else { throw unknownSite(name) }
      return site
    }
    let assemblers = zip(wanted, stored).map { site, stored in
      RowAssembler(
        site: site, width: stored.width, keys: Capture.hasColumns(site) ? nil : keys, pool: settings.pool)
    }
    for batch in batches {
      var values = stored.map { [Float](repeating: 0, count: $0.isRouted ? 0 : batch.rowCount * $0.width) }
      var routed = stored.map { $0.isRouted ? [Int]() : nil }
      let hooks = assemblers.indices.map { index in
        Hook(wanted[index]) { value in
          if let tokens = value.tokens {
            (values[index], routed[index]) = (value.copy(), tokens)
            return
          }
          try assemblers[index].take(value, of: batch) { base, rows in
            let width = stored[index].width
            values[index].replaceSubrange(
              rows.lowerBound * width..<rows.upperBound * width,
              with: UnsafeBufferPointer(start: base, count: rows.count * width))
          }
        }
      }
      try model.run(batch.tokens, hooks: hooks)
      for start in stride(from: 0, to: batch.rowCount, by: maximumRows) {
        let rows = start..<min(start + maximumRows, batch.rowCount)
        try body(
          ActivationBlock(
            rows: batch.firstRow + rows.lowerBound..<batch.firstRow + rows.upperBound,
            values: stored.indices.map { index in
              let width = stored[index].width
              let all = values[index]
              let own = routed[index].map { $0.lowerBound(rows.lowerBound)..<$0.lowerBound(rows.upperBound) } ?? rows
              return Matrix(
                rows: own.count, columns: width,
                elements: own.count * width == all.count
                  ? all : Array(all[own.lowerBound * width..<own.upperBound * width]))
            },
            routed: stored.contains(where: \.isRouted)
              ? routed.map { tokens in
                tokens.map { $0.filter(rows.contains).map { batch.firstRow + $0 } }
              } : []))
      }
    }
  }

  /// None are gathered: a store has them.
  public func statistics(of site: String) throws -> SiteStatistics? { nil }
}
