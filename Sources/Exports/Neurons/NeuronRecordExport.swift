import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Neurons

/// Neurons as OpenAI's NeuronRecords: `neurons/LAYER/INDEX.json`.
public struct NeuronRecordExport: Sendable {
  /// Stretches around the strongest places.
  public var top = 20
  /// Stretches around tokens drawn at random.
  public var random = 20
  /// Groups of equal size that the random stretches are divided into by their highest activation.
  public var quantiles = 4
  /// Tokens of a stretch.
  public var length = 64
  public var seed: UInt64 = 0

  public init() {}

  /// Writes a record of each neuron of the sites, or of those named. One pass over a site or more.
  ///
  /// - Parameter neurons: nil: all of the sites.
  /// - Throws: `file.exists`, `export.noStatistics`, `export.settings`, `export.noLayer`,
  ///   `neurons.noSuchNeuron`, and what reading the store throws.
  public func write(
    _ sites: [StoredSite], neurons: [NeuronReference]? = nil, of source: any ActivationSource,
    piece: (@Sendable (Int32) -> String)? = nil, to folder: URL, replaces: Bool = false,
    progress: (String, Int) -> Void = { _, _ in }
  ) throws -> ExportSummary {
    for (name, value, range) in [
      ("top", top, 1...1000), ("random", random, 0...1000), ("quantiles", quantiles, 1...100),
      ("length", length, 1...4096),
    ] where !range.contains(value) {
      throw Fault(
        .usage, "export.settings", "A number of the export cannot be used", place: name,
        expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
    }
    try AtomicFile.requireFree(folder, replaces: replaces)
    try source.requireTokenRows()
    let texts = try TokenTexts(source, piece: piece)
    let sampled = try randomRows(source)
    var count = 0
    let files = try ExportFolder.fill(folder, replaces: replaces) { output in
      for site in sites {
        guard let layer = site.layer else {
          throw Fault(
            .badData, "export.noLayer", "The site belongs to no layer, which this format needs", place: site.name,
            expected: "a site such as blocks.3.mlp.hook_post", found: site.name)
        }
        let columns = try columns(of: site, neurons)
        let statistics = try requireStatistics(of: site.name, in: source)
        try records(of: site, layer: layer, columns, statistics, source, texts, sampled) { record in
          let name = "neurons/\(layer)/\(record.neuronId.neuronIndex).json"
          try AtomicFile.write(JSONText.bytes(record, isSnakeCase: true), to: try output.file(name))
          count += 1
          progress("writing neurons", count)
        }
      }
    }
    return ExportSummary(format: "neuron-records", output: folder.path, files: files, counts: ["neurons": count])
  }

  private func columns(of site: StoredSite, _ neurons: [NeuronReference]?) throws -> [Int] {
    guard let neurons else { return Array(0..<site.width) }
    let columns = neurons.filter { $0.site == site.name }.map(\.index)
    if let bad = columns.first(where: { !(0..<site.width).contains($0) }) {
      throw Fault(
        .usage, "neurons.noSuchNeuron", "The site has no such neuron", place: site.name,
        expected: "0 to \(site.width - 1)", found: "\(bad)")
    }
    return Array(Set(columns)).sorted()
  }

  /// Tokens of the text drawn uniformly, in order.
  private func randomRows(_ source: any ActivationSource) throws -> [Int] {
    var rows: [Int] = []
    for start in stride(from: 0, to: source.tokenCount, by: 1 << 20) {
      let some = start..<min(start + 1 << 20, source.tokenCount)
      rows += try source.tokens(in: some).fromText.map { $0 + start }
    }
    var generator = SeededGenerator(seed: seed, stream: "neuron records")
    return generator.choice(min(random, rows.count), of: rows.count).map { rows[$0] }.sorted()
  }

  /// A stretch of `length` tokens of a row's document, the row as near its middle as the document allows.
  private func window(around row: Int, _ texts: TokenTexts) -> Range<Int> {
    let all = texts.documents.tokens(of: texts.documents.document(ofRow: row))
    let start = max(all.lowerBound, min(row - length / 2, all.upperBound - length))
    return start..<min(all.upperBound, start + length)
  }

  private func records(
    of site: StoredSite, layer: Int, _ columns: [Int], _ statistics: SiteStatistics, _ source: any ActivationSource,
    _ texts: TokenTexts, _ sampled: [Int], _ body: (NeuronRecord) throws -> Void
  ) throws {
    guard let gathered = statistics.top else {
      throw Fault(
        .badData, "export.noStatistics", "The store has no top examples of this site", place: site.name,
        expected: "top examples", found: "none", advice: "capture with --top 20")
    }
    let perNeuron = (top + random) * length
    let perPass = max(1, ColumnWindows.most / perNeuron)
    for start in stride(from: 0, to: columns.count, by: perPass) {
      let some = columns[start..<min(start + perPass, columns.count)]
      var windows: [ColumnWindows.Window] = []
      var tops: [Int] = []
      for column in some {
        let rows = strongest(gathered, column: column, texts)
        tops.append(rows.count)
        windows += (rows + sampled).map { .init(column: column, rows: window(around: $0, texts)) }
      }
      var values = ColumnWindows(windows)
      try source.streamRouted([site.name], maximumRows: max(64, (4 << 20) / site.width)) { block in
        let rows = block.rowNumbers(0)
        values.take(rows) { block.values[0][$0, $1] }
      }
      var next = 0
      for (column, count) in zip(some, tops) {
        func record() -> NeuronRecord.ActivationRecord {
          defer { next += 1 }
          return .init(tokens: texts.texts(windows[next].rows), activations: Array(values[next]))
        }
        let strongest = (0..<count).map { _ in record() }
        let drawn = sampled.map { _ in record() }
        let (groups, boundaries) = byQuantile(drawn)
        try body(
          NeuronRecord(
            neuronId: .init(layerIndex: layer, neuronIndex: column), randomSample: drawn,
            randomSampleByQuantile: groups, quantileBoundaries: boundaries, mean: statistics.mean[column],
            variance: statistics.variance[column], skewness: statistics.skewness[column],
            kurtosis: statistics.kurtosis[column], mostPositiveActivationRecords: strongest))
      }
    }
  }

  /// The strongest places of a neuron whose stretches differ.
  private func strongest(_ gathered: TopExamples, column: Int, _ texts: TokenTexts) -> [Int] {
    var seen = Set<[Int32]>()
    var rows: [Int] = []
    for place in column * gathered.k..<(column + 1) * gathered.k where rows.count < top {
      let row = Int(gathered.rows[place])
      if row >= 0, seen.insert(Array(texts.ids[window(around: row, texts)])).inserted { rows.append(row) }
    }
    return rows
  }

  private func byQuantile(
    _ records: [NeuronRecord.ActivationRecord]
  ) -> (groups: [[NeuronRecord.ActivationRecord]], boundaries: [Float]) {
    let sorted = records.map { (record: $0, peak: $0.activations.max() ?? 0) }.sorted { $0.peak < $1.peak }
    let parts = min(quantiles, max(sorted.count, 1))
    let bounds = (0...parts).map { $0 * sorted.count / parts }
    let groups = (0..<parts).map { sorted[bounds[$0]..<bounds[$0 + 1]].map(\.record) }
    return (groups, (1..<max(parts, 1)).map { sorted[bounds[$0]].peak })
  }
}

/// A site's statistics.
///
/// - Throws: `export.noStatistics`.
func requireStatistics(of site: String, in source: any ActivationSource) throws -> SiteStatistics {
  guard let statistics = try source.statistics(of: site) else {
    throw Fault(
      .badData, "export.noStatistics", "The store has no statistics of this site", place: site,
      expected: "statistics gathered by the capture", found: "none",
      advice: "capture the site again with this version of Unfold")
  }
  return statistics
}
