import Activations
import Diagnostics
import Foundation

/// A capture without a model: documents, tokens, values and statistics that follow from the documents' numbers alone.
struct SyntheticRun {
  var documents = 23
  var documentsPerBatch = 3
  var run: StoreRun

  static let sites = [
    StoredSite(name: "blocks.0.hook_resid_post", layer: 0, axes: ["d_model"], shape: [5], storage: .float16),
    StoredSite(name: "blocks.0.attn.hook_z", layer: 0, axes: ["head", "d_head"], shape: [2, 3], storage: .float32),
    StoredSite(
      name: "blocks.0.mlp.hook_post", layer: 0, axes: ["d_mlp"], shape: [7], storage: .bfloat16, gated: true),
    StoredSite(name: "ln_final.hook_scale", axes: ["scale"], shape: [1], storage: .float16),
  ]

  init(shardTokens: Int = 40, rowKind: RowKind = .token, sites: [StoredSite] = SyntheticRun.sites) {
    run = StoreRun(
      origin: Origin(model: "synthetic", modelDigest: "00ff", corpus: ["numbers"], corpusDigest: "11", version: "test"),
      sites: sites, statisticsSites: Self.sites, rowKind: rowKind, shardTokens: shardTokens, seed: 7,
      settings: ["context": "512", "compute": "float32"])
  }

  func length(_ document: Int) -> Int { (document * 7) % 11 + 1 }

  func row(_ number: Int, firstToken: Int) -> DocumentRow {
    DocumentRow(
      id: "document-\(number)", text: number % 5 == 4 ? nil : "Text № \(number), é\u{1F600}",
      label: number % 4 == 3 ? nil : .text(number % 2 == 0 ? "even" : "odd"), group: "group-\(number / 2)", piece: 0,
      firstToken: firstToken, tokenCount: length(number))
  }

  /// The value of a site at a row of the store: small whole numbers, exact in every storage type.
  static func value(site: Int, row: Int, column: Int) -> Float { Float((row * 3 + column * 5 + site) % 97 - 48) }

  /// Runs from the writer's cursor to the end. Returns how many documents it went through.
  @discardableResult
  func capture(
    to url: URL, resume: Bool = false, operations: StoreOperations = .standard, stopAfter: Int? = nil
  ) throws -> Int {
    let writer = try StoreWriter(at: url, run: run, resume: resume, operations: operations)
    if writer.isComplete { return 0 }
    var next = writer.cursor.documents
    let first = next
    var shardRows = writer.rowCount..<writer.rowCount
    while next < documents {
      if let stopAfter, next >= stopAfter {
        try writer.synchronize()
        writer.abandon()
        return next - first
      }
      let batch = next..<min(next + documentsPerBatch, documents)
      try append(batch, to: writer)
      next = batch.upperBound
      shardRows = shardRows.lowerBound..<writer.rowCount
      if try writer.endBatch() {
        try writer.closeShard(cursor: DocumentCursor(documents: next), statistics: statistics(shardRows))
        shardRows = writer.rowCount..<writer.rowCount
      }
    }
    try writer.finish(cursor: DocumentCursor(documents: next), statistics: statistics(shardRows))
    return next - first
  }

  private func append(_ batch: Range<Int>, to writer: StoreWriter) throws {
    let firstRow = writer.rowCount
    var rows: [DocumentRow] = []
    var tokens = TokenTable()
    var spans: [SpanRow] = []
    var token = writer.tokenCount
    for number in batch {
      rows.append(row(number, firstToken: token))
      for position in 0..<length(number) {
        tokens.append(
          id: Int32(number * 100 + position), position: Int32(position), document: Int32(number),
          start: Int32(position), end: Int32(position + 1), special: position == 0)
      }
      if number % 3 == 0 {
        spans.append(SpanRow(document: Int32(number), start: 0, end: 1, label: .text("span \(number)")))
      }
      token += length(number)
    }
    try writer.append(documents: rows, tokens: tokens, spans: spans)
    let count = run.rowKind == .token ? tokens.count : rows.count
    for (index, site) in run.sites.enumerated() {
      let block = try writer.makeBlock(site: index, rows: count)
      for row in 0..<count {
        for column in 0..<site.width {
          let value = Self.value(site: index, row: firstRow + row, column: column)
          let place = row * site.width + column
          switch site.storage {
          case .float32: block.bytes.storeBytes(of: value, toByteOffset: 4 * place, as: Float.self)
          case .bfloat16:
            block.bytes.storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: 2 * place, as: UInt16.self)
          default: block.bytes.storeBytes(of: Float16(value).bitPattern, toByteOffset: 2 * place, as: UInt16.self)
          }
        }
      }
      try writer.append(block)
    }
  }

  func statistics(_ rows: Range<Int>) -> [String: SiteStatistics] {
    var result: [String: SiteStatistics] = [:]
    if rows.isEmpty { return result }
    for (index, site) in run.statisticsSites.enumerated() {
      result[site.name] = Self.statistics(site, index, rows)
    }
    return result
  }

  static func statistics(_ site: StoredSite, _ index: Int, _ rows: Range<Int>) -> SiteStatistics {
    let columns = (0..<site.width).map { column in rows.map { value(site: index, row: $0, column: column) } }
    let n = Double(rows.count)
    let means = columns.map { $0.reduce(0) { $0 + Double($1) } / n }
    func central(_ power: Double) -> [Double] {
      zip(columns, means).map { values, mean in values.reduce(0) { $0 + pow(Double($1) - mean, power) } / n }
    }
    let variance = central(2)
    let edges = stride(from: Float(-50), through: 50, by: 5).map { $0 }
    var counts = [Int64](repeating: 0, count: site.width * (edges.count - 1))
    for (column, values) in columns.enumerated() {
      for value in values { counts[column * (edges.count - 1) + Int((value + 50) / 5)] += 1 }
    }
    let k = 3
    var top = TopExamples(k: k, values: [], rows: [], documents: [])
    for values in columns {
      let best = zip(values, rows).sorted { ($0.0, -$0.1) > ($1.0, -$1.1) }.prefix(k)
      for place in 0..<k {
        top.values.append(place < best.count ? best[place].0 : 0)
        top.rows.append(place < best.count ? Int64(best[place].1) : -1)
        top.documents.append(place < best.count ? 0 : -1)
      }
    }
    let sampled = rows.map { (UInt64($0) &* 0x9E37_79B9_7F4A_7C15, $0) }.sorted { $0 < $1 }.prefix(4)
    return SiteStatistics(
      width: site.width, count: rows.count, mean: means, variance: variance,
      skewness: zip(central(3), variance).map { $1 > 0 ? $0 / pow($1, 1.5) : 0 },
      kurtosis: zip(central(4), variance).map { $1 > 0 ? $0 / ($1 * $1) : 0 },
      minimum: columns.map { $0.min() ?? 0 }, maximum: columns.map { $0.max() ?? 0 },
      firing: columns.map { Double($0.filter { $0 > 0 }.count) / n },
      histogram: Histogram(edges: edges, counts: counts), top: top,
      sample: RowSample(
        capacity: 4, priorities: sampled.map(\.0), rows: sampled.map { Int64($0.1) },
        documents: sampled.map { _ in 0 },
        values: sampled.flatMap { row in (0..<site.width).map { value(site: index, row: row.1, column: $0) } }))
  }
}

/// The bytes of every file in a folder, by name, without the lock.
func contents(of folder: URL) throws -> [String: Data] {
  var result: [String: Data] = [:]
  for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name != ".lock" {
    result[name] = try Data(contentsOf: folder.appendingPathComponent(name))
  }
  return result
}

/// What fails at one step, as a kill would: every later step fails too, so that nothing can be tidied up.
final class Breaker: @unchecked Sendable {
  // `lock` guards both.
  private let lock = NSLock()
  private var steps = 0
  private let limit: Int
  private let stays: Bool

  init(failingAt limit: Int, staysBroken: Bool) {
    self.limit = limit
    stays = staysBroken
  }

  var operations: StoreOperations {
    StoreOperations { step, path in
      let broken = self.lock.withLock {
        self.steps += 1
        return self.stays ? self.steps >= self.limit : self.steps == self.limit
      }
      if broken { throw Fault(.inputOutput, "test.broken", "\(step.rawValue) was made to fail", file: path) }
    }
  }

  var reached: Bool { lock.withLock { steps >= limit } }
}
