import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// Parts of a store as one file of tensors: `.safetensors`, or `.npz` for NumPy. Names are those of the store's datasets,
/// such as `activations/blocks.2.hook_resid_post`, `tokens/id` and `statistics/blocks.2.mlp.hook_post/mean`.
public struct TensorExport: Sendable {
  /// What can be written.
  public enum Part: String, Codable, Sendable, CaseIterable {
    /// The sites' values: float32, or float16 where that was asked for.
    case activations
    /// The columns of the token table.
    case tokens
    /// The documents' first token and number of tokens, and the number of each one's label among the labels' names, which
    /// the file's metadata hold; −1 without one.
    case documents
    /// The sites' statistics.
    case statistics
  }

  public var parts: Set<Part> = [.activations, .tokens, .documents]
  /// Whether activations are written in float16, as most stores hold them.
  public var halves = false

  public init() {}

  /// Writes the file, streaming: memory is a block of some MiB, and a document table.
  ///
  /// - Parameter sites: those whose activations and statistics are written.
  /// - Throws: `file.exists`, `export.tensorFile`, `export.noStatistics`, `export.overflow`, `file.tooLarge`, and
  ///   what reading the store throws.
  public func write(
    _ sites: [StoredSite], of source: any ActivationSource, to url: URL, replaces: Bool = false,
    progress: @escaping (String, Int) -> Void = { _, _ in }
  ) throws -> ExportSummary {
    try AtomicFile.requireFree(url, replaces: replaces)
    let kind = url.pathExtension
    guard ["safetensors", "npz"].contains(kind) else {
      throw Fault(
        .usage, "export.tensorFile", "The file's name does not say what to write", file: url.path,
        expected: "a name that ends in .safetensors or .npz", found: kind.isEmpty ? "none" : ".\(kind)",
        advice: "choose .npz for NumPy, .safetensors for all else")
    }
    var tensors: [SafetensorsWriter.LentTensor] = []
    if parts.contains(.tokens) { tensors += tokenColumns(source) }
    var metadata = ["format": "unfold-store", "model": source.origin.model]
    if parts.contains(.documents) {
      let (columns, labels) = try documentColumns(source)
      tensors += columns
      metadata["labels"] = String(decoding: try JSONText.bytes(labels), as: UTF8.self)
    }
    if parts.contains(.activations) {
      for site in sites {
        if let rows = try source.routedRows(of: site.name) {
          tensors.append(column("rows/\(site.name)", .int64, rows.map { Int64($0).littleEndian }))
          tensors.append(activations(site, rows: rows.count, source, progress))
        } else {
          tensors.append(activations(site, rows: source.rowCount, source, progress))
        }
      }
    }
    if parts.contains(.statistics) {
      for site in sites { tensors += statistics(try requireStatistics(of: site.name, in: source), site: site.name) }
    }
    if kind == "npz" {
      try NumPyArchive.write(lent: tensors, to: url)
    } else {
      try SafetensorsWriter.write(lent: tensors, metadata: metadata, to: url)
    }
    return ExportSummary(
      format: kind, output: url.path, files: 1, counts: ["tensors": tensors.count, "rows": source.rowCount])
  }

  private func activations(
    _ site: StoredSite, rows: Int, _ source: any ActivationSource, _ progress: @escaping (String, Int) -> Void
  ) -> SafetensorsWriter.LentTensor {
    .init(
      name: "activations/\(site.name)", type: halves ? .float16 : .float32, shape: [rows] + site.shape
    ) { body in
      try source.streamRouted([site.name], maximumRows: max(64, (1 << 20) / max(site.width, 1))) { block in
        progress("writing \(site.name)", block.rows.upperBound)
        let values = block.values[0].elements
        guard !values.isEmpty else { return }
        if halves {
          try toHalves(values, site: site.name).withUnsafeBytes { try body($0) }
        } else {
          try values.withUnsafeBytes { try body($0) }
        }
      }
    }
  }

  private func toHalves(_ values: [Float], site: String) throws -> [UInt16] {
    var halves = [UInt16](repeating: 0, count: values.count)
    let overflow = values.withUnsafeBufferPointer { input in
      halves.withUnsafeMutableBufferPointer { output -> Int? in
        guard let input = input.baseAddress, let output = output.baseAddress else { return nil }
        return Kernels.toFloat16(input, into: output, count: values.count)
      }
    }
    guard let overflow else { return halves }
    throw Fault(
      .badData, "export.overflow", "An activation does not fit float16", place: site, expected: "below 65520",
      found: "\(values[overflow])", advice: "write float32: leave --type out")
  }

  private func tokenColumns(_ source: any ActivationSource) -> [SafetensorsWriter.LentTensor] {
    let columns: [(String, any KeyPath<TokenTable, [Int32]> & Sendable)] = [
      ("id", \.ids), ("position", \.positions), ("document", \.documents), ("start", \.starts), ("end", \.ends),
      ("special", \.special),
    ]
    return columns.map { name, path in
      .init(name: "tokens/\(name)", type: .int32, shape: [source.tokenCount]) { body in
        for start in stride(from: 0, to: source.tokenCount, by: 1 << 18) {
          let table = try source.tokens(in: start..<min(start + 1 << 18, source.tokenCount))
          try table[keyPath: path].withUnsafeBytes { try body($0) }
        }
      }
    }
  }

  private func documentColumns(
    _ source: any ActivationSource
  ) throws -> (columns: [SafetensorsWriter.LentTensor], labels: [String: [String]]) {
    let table = try source.documents
    var columns = [
      column("documents/first_token", .int64, table.firstTokens.map { Int64($0).littleEndian }),
      column("documents/token_count", .int64, table.tokenCounts.map { Int64($0).littleEndian }),
    ]
    var names: [String: [String]] = [:]
    for (name, labels) in table.labels.sorted(by: { $0.key < $1.key }) {
      let known = Set(labels.compactMap { $0?.description }).sorted()
      let numbers = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, Int64($0)) })
      names[name] = known
      columns.append(
        column(
          "documents/\(name)", .int64,
          labels.map { label in (label.flatMap { numbers[$0.description] } ?? -1).littleEndian }))
    }
    return (columns, names)
  }

  private func statistics(_ statistics: SiteStatistics, site: String) -> [SafetensorsWriter.LentTensor] {
    let width = statistics.width
    func name(_ column: String) -> String { "statistics/\(site)/\(column)" }
    var tensors = [
      column(name("mean"), .float64, statistics.mean), column(name("variance"), .float64, statistics.variance),
      column(name("skewness"), .float64, statistics.skewness), column(name("kurtosis"), .float64, statistics.kurtosis),
      column(name("minimum"), .float32, statistics.minimum), column(name("maximum"), .float32, statistics.maximum),
      column(name("firing"), .float64, statistics.firing),
      column(name("count"), .int64, [Int64(statistics.count)]),
    ]
    if let histogram = statistics.histogram {
      tensors.append(column(name("histogram"), .int64, histogram.counts, shape: [width, histogram.bins]))
      tensors.append(column(name("histogram_edges"), .float32, histogram.edges))
    }
    if let top = statistics.top {
      tensors.append(column(name("top_value"), .float32, top.values, shape: [width, top.k]))
      tensors.append(column(name("top_row"), .int64, top.rows, shape: [width, top.k]))
      tensors.append(column(name("top_document"), .int32, top.documents, shape: [width, top.k]))
    }
    return tensors
  }

  /// A small tensor that is held whole.
  private func column<Element: BitwiseCopyable & Sendable>(
    _ name: String, _ type: ElementType, _ values: [Element], shape: [Int]? = nil
  ) -> SafetensorsWriter.LentTensor {
    .init(name: name, type: type, shape: shape ?? [values.count]) { body in
      try values.withUnsafeBytes { try body($0) }
    }
  }
}
