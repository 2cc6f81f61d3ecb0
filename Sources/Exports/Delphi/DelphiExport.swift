import Activations
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra

/// A dictionary's latents as delphi caches them: `MODULE/START_END.safetensors`, each of a stretch of latents, with
/// `locations` [n, 3] (row of the token table, position, latent − START), `activations` [n] in float16 and `tokens`
/// [rows, context]; beside them `config.json`.
///
/// delphi's token table is a rectangle: a document takes one row or several, the last filled up with a token at which
/// nothing is active.
public struct DelphiExport: Sendable {
  /// Tokens of a row.
  public var context = 256
  /// Files that the latents are divided into.
  public var splits = 4
  /// The token that fills rows.
  public var filler: Int32 = 0
  public var site: String?
  /// The most active latents held at a time, 8 bytes each; splits that do not fit are written in further passes.
  var held = 1 << 26

  public init() {}

  /// Writes the folder of one module in one pass to count and one or more to gather.
  ///
  /// - Throws: `file.exists`, `export.delphi`, `export.overflow`, and what reading the dictionary throws.
  public func write(
    _ dictionary: SparseAutoencoder, on source: any ActivationSource, to folder: URL, replaces: Bool = false,
    progress: (String, Int) -> Void = { _, _ in }
  ) throws -> ExportSummary {
    guard (1...65_535).contains(context), (1...min(1024, dictionary.latents)).contains(splits), filler >= 0 else {
      throw Fault(
        .usage, "export.delphi", "A number of the export cannot be used",
        expected: "a context from 1 to 65535, splits from 1 to \(min(1024, dictionary.latents)), and a filler from 0",
        found: "context \(context), splits \(splits), filler \(filler)")
    }
    try AtomicFile.requireFree(folder, replaces: replaces)
    let input = try DictionaryInput(dictionary, source: source, site: site)
    try input.source.requireTokenRows()
    let texts = try TokenTexts(source, piece: nil)
    let table = try TokenRectangle(texts, context: context, filler: filler)
    var firing = [Int](repeating: 0, count: dictionary.latents)
    var seen = 0
    try input.stream { block in
      for latent in dictionary.encode(block.input).indices { firing[Int(latent)] += 1 }
      seen += block.rows.count
      progress("counting", seen)
    }
    let ranges = (0..<splits).map {
      $0 * dictionary.latents / splits..<($0 + 1) * dictionary.latents / splits
    }
    let module = input.output.name
    var total = 0
    let files = try ExportFolder.fill(folder, replaces: replaces) { output in
      var next = 0
      while next < ranges.count {
        var end = next
        var count = 0
        repeat {
          count += firing[ranges[end]].reduce(0, +)
          end += 1
        } while end < ranges.count && count + firing[ranges[end]].reduce(0, +) <= held
        var parts = ranges[next..<end].map { DelphiSplit($0, rows: table.rows) }
        try gather(input, table, into: &parts, progress: progress)
        for part in parts {
          total += part.count
          try part.write(
            tokens: table,
            to: try output.file("\(module)/\(part.latents.lowerBound)_\(part.latents.upperBound - 1).safetensors"))
        }
        next = end
      }
      try AtomicFile.write(
        JSONText.bytes(configuration(source, rows: table.rows), isSnakeCase: true),
        to: try output.file("\(module)/config.json"))
    }
    return ExportSummary(
      format: "delphi", output: folder.path, files: files,
      counts: ["activations": total, "rows": table.rows, "latents": dictionary.latents])
  }

  private func gather(
    _ input: DictionaryInput, _ table: TokenRectangle, into parts: inout [DelphiSplit],
    progress: (String, Int) -> Void
  ) throws {
    var seen = 0
    try input.stream { block in
      let active = input.dictionary.encode(block.input)
      for (offset, row) in block.rows.enumerated() {
        let (line, position) = table.place(of: row, document: Int(block.documents[offset]))
        for place in active.range(ofRow: offset) {
          let latent = Int(active.indices[place])
          guard let part = parts.firstIndex(where: { $0.latents.contains(latent) }) else { continue }
          parts[part].append(line: line, position: position, latent: latent, value: active.values[place])
        }
      }
      seen += block.rows.count
      progress("gathering", seen)
    }
  }

  /// The keys of delphi's own cache configuration, and whose activations these are.
  private struct Configuration: Encodable {
    var datasetRepo: String
    var datasetSplit = ""
    var datasetName = ""
    var datasetColumn = "text"
    var batchSize = 1
    var cacheCtxLen: Int
    var ctxLen: Int
    var nTokens: Int
    var nSplits: Int
    var modelName: String
    var fillerToken: Int32
  }

  private func configuration(_ source: any ActivationSource, rows: Int) -> Configuration {
    Configuration(
      datasetRepo: source.origin.corpus.joined(separator: ", "), cacheCtxLen: context, ctxLen: context,
      nTokens: rows * context, nSplits: splits, modelName: source.origin.model, fillerToken: filler)
  }
}

/// The tokens of all documents as lines of equal length.
struct TokenRectangle {
  let context: Int
  let filler: Int32
  let texts: TokenTexts
  /// The line that each document begins on.
  let firstLines: [Int]
  let rows: Int

  init(_ texts: TokenTexts, context: Int, filler: Int32) throws {
    var firstLines: [Int] = []
    var rows = 0
    for count in texts.documents.tokenCounts {
      firstLines.append(rows)
      rows += (count + context - 1) / context
    }
    self.context = context
    self.filler = filler
    self.texts = texts
    self.firstLines = firstLines
    self.rows = rows
    guard rows < Int(UInt32.max), rows.multipliedReportingOverflow(by: context * 8).partialValue < 1 << 36 else {
      throw Fault(
        .usage, "export.delphi", "The token table would be too large", expected: "less than 64 GiB",
        found: "\(rows) rows of \(context)", advice: "give a smaller --context")
    }
  }

  func place(of row: Int, document: Int) -> (line: Int, position: Int) {
    let offset = row - texts.documents.firstTokens[document]
    return (firstLines[document] + offset / context, offset % context)
  }

  /// Lends the table's bytes as int64, a document at a time.
  func lend(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    for document in 0..<texts.documents.count {
      let ids = texts.ids[texts.documents.tokens(of: document)]
      guard !ids.isEmpty else { continue }
      let missing = (context - ids.count % context) % context
      let line = ids.map { Int64($0).littleEndian } + [Int64](repeating: Int64(filler).littleEndian, count: missing)
      try line.withUnsafeBytes { try body($0) }
    }
  }
}
