import Diagnostics
import LinearAlgebra
import Transformer

/// What becomes of one site's values in a capture: converted into the store's blocks, and gathered into statistics.
final class SiteSink {
  let stored: StoredSite
  private let assembler: RowAssembler
  /// The index of the site in the store's run; nil where only statistics are gathered.
  private let storeIndex: Int?
  private let gatherer: ColumnGatherer?
  private let sampleCapacity: Int
  private var samples: [Float] = []
  private var block: StorageBlock?
  /// Draws an expert's rows, which are others than the run's.
  private var ownSampler: RowSampler?

  init(
    _ site: Site, stored: StoredSite, keys: Int?, pool: CaptureSettings.Pooling?, storeIndex: Int?,
    gathersStatistics: Bool, top: Int, sampleCapacity: Int, seed: UInt64
  ) {
    self.stored = stored
    self.storeIndex = storeIndex
    self.sampleCapacity = gathersStatistics ? sampleCapacity : 0
    assembler = RowAssembler(site: site, width: stored.width, keys: keys, pool: pool)
    gatherer =
      gathersStatistics
      ? ColumnGatherer(
        columns: stored.width, top: top, keepsLowest: stored.gated,
        bins: stored.gated ? .quarterOctaves : .halfOctaves) : nil
    samples = [Float](repeating: 0, count: self.sampleCapacity * stored.width)
    ownSampler = stored.isRouted ? RowSampler(capacity: self.sampleCapacity, seed: seed) : nil
  }

  /// Takes the values that a hook is lent.
  func take(
    _ value: borrowing HookedValue, of batch: CaptureBatch, sampled: [(row: Int, slot: Int)], into writer: StoreWriter
  ) throws {
    if let tokens = value.tokens { return try take(value, routed: tokens, of: batch, into: writer) }
    try assembler.take(value, of: batch) { base, rows in
      try gather(base, rows, of: batch, sampled: sampled)
      try store(base, rows, of: batch, into: writer)
    }
  }

  private func gather(
    _ base: UnsafePointer<Float>, _ rows: Range<Int>, of batch: CaptureBatch, sampled: [(row: Int, slot: Int)]
  ) throws {
    guard let gatherer else { return }
    var runs = batch.datasetRuns
    if rows.count != batch.rowCount {
      runs = runs.compactMap { run in
        let part = run.rows.clamped(to: rows)
        guard !part.isEmpty else { return nil }
        return .init(
          rows: part.lowerBound - rows.lowerBound..<part.upperBound - rows.lowerBound, document: run.document)
      }
    }
    if let column = gatherer.add(base, runs: runs, firstRow: batch.firstRow + rows.lowerBound) {
      throw notFinite(base, rows, of: batch, runs: runs, column: column)
    }
    keep(base, rows, sampled)
  }

  private func keep(_ base: UnsafePointer<Float>, _ rows: Range<Int>, _ sampled: [(row: Int, slot: Int)]) {
    let width = stored.width
    for (row, slot) in sampled where rows.contains(row) {
      let source = base + (row - rows.lowerBound) * width
      samples.withUnsafeMutableBufferPointer { samples in
        guard let target = samples.baseAddress else { return }
        (target + slot * width).update(from: source, count: width)
      }
    }
  }

  private func store(
    _ base: UnsafePointer<Float>, _ rows: Range<Int>, of batch: CaptureBatch, into writer: StoreWriter
  ) throws {
    guard let storeIndex else { return }
    let block = try self.block ?? writer.makeBlock(site: storeIndex, rows: batch.rowCount)
    self.block = block
    guard let target = block.bytes.baseAddress.map({ $0 + rows.lowerBound * stored.rowBytes }) else { return }
    if let overflow = convert(base, target, rows.count * stored.width) {
      throw overflowing(
        base[overflow], row: rows.lowerBound + overflow / stored.width, column: overflow % stored.width, of: batch)
    }
    if rows.upperBound == batch.rowCount {
      self.block = nil
      try writer.append(block)
    }
  }

  /// Takes an expert's values: rows of the tokens routed there alone.
  private func take(
    _ value: borrowing HookedValue, routed tokens: [Int], of batch: CaptureBatch, into writer: StoreWriter
  ) throws {
    if tokens.isEmpty { return }
    try value.withUnsafeBuffer { values in
      guard let base = values.baseAddress else { return }
      let numbers = tokens.map { Int64(batch.firstToken + $0) }
      if let gatherer {
        let runs = batch.runs(ofTokens: tokens)
        if let column = gatherer.add(base, runs: runs, firstRow: 0, numbers: numbers) {
          throw notFinite(base, 0..<tokens.count, of: batch, runs: runs, column: column, tokens: tokens)
        }
        keep(base, 0..<tokens.count, ownSampler?.offer(runs) { Int(numbers[$0]) } ?? [])
      }
      guard let storeIndex else { return }
      let block = try writer.makeBlock(site: storeIndex, rows: tokens.count)
      guard let target = block.bytes.baseAddress else { return }
      if let overflow = convert(base, target, tokens.count * stored.width) {
        throw overflowing(
          base[overflow], row: tokens[overflow / stored.width], column: overflow % stored.width, of: batch)
      }
      try writer.append(block, numbers: numbers)
    }
  }

  /// Returns the index of the first value that overflows.
  private func convert(_ base: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int? {
    switch stored.storage {
    case .float16: return Kernels.toFloat16(base, into: target.assumingMemoryBound(to: UInt16.self), count: count)
    case .bfloat16: return Kernels.toBFloat16(base, into: target.assumingMemoryBound(to: UInt16.self), count: count)
    case .float32, .uint8:
      target.copyMemory(from: base, byteCount: count * MemoryLayout<Float>.size)
      return nil
    }
  }

  /// Forgets a batch that was begun.
  func cancelBatch() { block = nil }

  /// What was gathered since the last call, and begins anew; nil where nothing is gathered.
  func takeStatistics(samples entries: [RowSampler.Entry]) -> SiteStatistics? {
    guard let gatherer else { return nil }
    defer {
      gatherer.reset()
      ownSampler?.reset()
    }
    let entries = ownSampler?.entries ?? entries
    let width = stored.width
    let sample =
      sampleCapacity > 0
      ? RowSample(
        capacity: sampleCapacity, priorities: entries.map(\.priority), rows: entries.map { Int64($0.row) },
        documents: entries.map(\.document),
        values: entries.flatMap { samples[$0.slot * width..<($0.slot + 1) * width] }) : nil
    return SiteStatistics(gatherer, gated: stored.gated, sample: sample)
  }

  // MARK: Faults

  private func place(row: Int, column: Int, of batch: CaptureBatch) -> String {
    let document = batch.rowKind == .token ? batch.document(ofToken: row) : row
    let piece = batch.pieces[document]
    var place = "\(stored.name), column \(column), document \"\(piece.id.prefix(80))\""
    if piece.number > 0 { place += " (piece \(piece.number))" }
    return batch.rowKind == .token ? place + ", token \(row - batch.tokens.starts[document])" : place
  }

  private func overflowing(_ value: Float, row: Int, column: Int, of batch: CaptureBatch) -> Fault {
    let largest = stored.storage == .float16 ? "65504" : "3.39e38"
    return Fault(
      .badData, "capture.overflow", "A value is too large for the storage type",
      place: place(row: row, column: column, of: batch),
      expected: "magnitudes up to \(largest), the largest \(stored.storage.rawValue)", found: "\(value)",
      advice: stored.storage == .float16 ? "store bfloat16 or float32 (--storage bfloat16)" : "store float32")
  }

  private func notFinite(
    _ base: UnsafePointer<Float>, _ rows: Range<Int>, of batch: CaptureBatch, runs: [ColumnGatherer.Run], column: Int,
    tokens: [Int]? = nil
  ) -> Fault {
    let row = runs.lazy.flatMap(\.rows).first { !base[$0 * self.stored.width + column].isFinite } ?? 0
    return Fault(
      .badData, "capture.notFinite", "The model computed a value that is not a finite number",
      place: place(row: tokens?[row] ?? rows.lowerBound + row, column: column, of: batch), expected: "finite numbers",
      found: "\(base[row * stored.width + column])",
      advice: "check the model's weights; if it was computed in bfloat16, try float32")
  }
}
