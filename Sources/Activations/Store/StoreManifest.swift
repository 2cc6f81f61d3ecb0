import Checkpoints
import Diagnostics
import Digests
import Foundation
import StrictJSON

/// A store's manifest: a line for the run, one for each finished shard, one for labels added later, and one when it is
/// complete. Each line ends with the CRC-32C of what stands before it, and a torn last line counts as not written.
struct StoreManifest: Sendable, Equatable {
  static let fileName = "manifest.jsonl"
  static let format = "unfold.activations"
  static let formatVersion = 1

  var run: StoreRun
  var shards: [ShardEntry] = []
  var labels: LabelsEntry?
  var isComplete = false

  var rows: Int { shards.last.map { $0.firstRow + $0.rows } ?? 0 }
  var tokens: Int { shards.last.map { $0.firstToken + $0.tokens } ?? 0 }
  var documents: Int { shards.last.map { $0.firstDocument + $0.documents } ?? 0 }
  var spans: Int { shards.reduce(0) { $0 + $1.spans } }
  var cursor: DocumentCursor { shards.last?.cursor ?? DocumentCursor() }
}

/// A finished shard.
struct ShardEntry: Codable, Sendable, Equatable {
  var file: String
  var bytes: Int
  /// CRC-32C of the whole file, in hexadecimal.
  var crc32c: String
  var firstRow: Int
  var rows: Int
  var firstToken: Int
  var tokens: Int
  var firstDocument: Int
  var documents: Int
  var spans: Int
  /// What the shard's label columns hold: `none`, `number` or `text`.
  var labelKind: LabelKind
  var spanLabelKind: LabelKind
  /// The same for the run's further label columns, by name.
  var labelKinds: [String: LabelKind]
  var cursor: DocumentCursor
  /// Rows of each of the run's routed sites, in order; nil where it has none.
  var routedRows: [Int]?

  static func fileName(_ number: Int) -> String {
    let digits = String(number)
    return "shard-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".h5"
  }
}

/// Labels and spans that were added to a finished store: a file of their own beside the shards.
struct LabelsEntry: Codable, Sendable, Equatable {
  var file: String
  var bytes: Int
  var crc32c: String
  /// The label columns in it, by name.
  var columns: [String: LabelKind]
  /// Rows of its span table, or nil where it has none and the shards' own hold.
  var spans: Int?
  var spanLabelKind: LabelKind
}

/// What a column of labels holds.
enum LabelKind: String, Codable, Sendable {
  case none, number, text

  init(_ labels: some Sequence<Label?>) {
    self = .none
    for case let label? in labels {
      switch label {
      case .text:
        self = .text
        return
      case .number: self = .number
      }
    }
  }

  /// What a column of both holds.
  func joined(_ other: LabelKind) -> LabelKind {
    if self == .text || other == .text { return .text }
    return self == .number || other == .number ? .number : .none
  }
}

// MARK: - Lines

private struct Line: Codable {
  enum Kind: String, Codable { case run, shard, labels, complete }
  var kind: Kind
  var format: String?
  var version: Int?
  var run: StoreRun?
  var shard: ShardEntry?
  var labels: LabelsEntry?
  var shards: Int?
}

extension StoreManifest {
  static func runLine(_ run: StoreRun) throws -> [UInt8] {
    try encode(Line(kind: .run, format: format, version: formatVersion, run: run))
  }

  static func shardLine(_ entry: ShardEntry) throws -> [UInt8] { try encode(Line(kind: .shard, shard: entry)) }

  static func labelsLine(_ entry: LabelsEntry) throws -> [UInt8] { try encode(Line(kind: .labels, labels: entry)) }

  static func completeLine(shards: Int) throws -> [UInt8] { try encode(Line(kind: .complete, shards: shards)) }

  /// The whole file.
  func encoded() throws -> [UInt8] {
    var bytes = try Self.runLine(run)
    for shard in shards { bytes += try Self.shardLine(shard) }
    if let labels { bytes += try Self.labelsLine(labels) }
    if isComplete { bytes += try Self.completeLine(shards: shards.count) }
    return bytes
  }

  private static let checkPrefix = ",\"line_crc32c\":\""

  private static func encode(_ line: Line) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let body = Array(try encoder.encode(line).dropLast())
    var crc = CRC32C()
    crc.update(body)
    return body + Array("\(checkPrefix)\(crc.hexadecimal())\"}\n".utf8)
  }

  /// Reads a store's manifest.
  /// - Returns: nil where the file is there but no whole first line: a run that was killed before it began.
  /// - Throws: `Fault` `store.noManifest` or `store.manifestDamaged`, with the line.
  static func read(_ folder: URL) throws -> StoreManifest? {
    let url = folder.appendingPathComponent(fileName)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw Fault(
        .noInput, "store.noManifest", "There is no activation store here", file: folder.path,
        expected: "a folder with \(fileName), or one .h5 file", advice: "check the path")
    }
    let data = try MappedFile(contentsOf: url).withUnsafeBytes { Array($0) }
    var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
    // What follows the last line's end was being written when the run was killed.
    lines.removeLast()
    var manifest: StoreManifest?
    for (number, bytes) in lines.enumerated() {
      let line = try decode(bytes, file: url.path, number: number + 1)
      try take(line, into: &manifest, file: url.path, number: number + 1)
    }
    return manifest
  }

  private static func decode(_ bytes: [UInt8], file: String, number: Int) throws -> Line {
    func damaged(_ expected: String, _ found: String) -> Fault {
      Fault(
        .badData, "store.manifestDamaged", "The store's manifest is damaged", file: file, place: "line \(number)",
        expected: expected, found: found, advice: "restore the file from a copy, or capture again")
    }
    let tail = checkPrefix.utf8.count + 10
    guard bytes.count > tail, bytes.suffix(tail).prefix(checkPrefix.utf8.count).elementsEqual(checkPrefix.utf8) else {
      throw damaged("a line that ends with its checksum", "\(bytes.count) bytes without one")
    }
    var crc = CRC32C()
    crc.update(bytes.dropLast(tail))
    let stated = String(decoding: bytes.suffix(10).prefix(8), as: UTF8.self)
    guard crc.hexadecimal() == stated else { throw damaged("CRC-32C \(stated)", crc.hexadecimal()) }
    _ = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self), file: file)
    do {
      return try JSONDecoder().decode(Line.self, from: Data(bytes))
    } catch {
      throw damaged("a line of format version \(formatVersion)", "\(error)")
    }
  }

  private static func take(_ line: Line, into manifest: inout StoreManifest?, file: String, number: Int) throws {
    func wrong(_ expected: String) -> Fault {
      Fault(
        .badData, "store.manifestDamaged", "The store's manifest does not add up", file: file, place: "line \(number)",
        expected: expected, found: "a line of kind \(line.kind.rawValue)",
        advice: "restore the file from a copy, or capture again")
    }
    if line.kind == .run {
      guard manifest == nil, let run = line.run else { throw wrong("the run on the first line alone") }
      guard line.format == format, line.version == formatVersion else {
        throw Fault(
          .badData, "store.unknownVersion", "The store has another format", file: file,
          expected: "\(format), version \(formatVersion)",
          found: "\(line.format ?? "none"), version \(line.version.map(String.init) ?? "none")",
          advice: "use the version of Unfold that wrote it")
      }
      try run.requireSound(file)
      manifest = StoreManifest(run: run)
      return
    }
    guard let before = manifest, !before.isComplete else { throw wrong("the run first, and nothing after completion") }
    switch line.kind {
    case .shard:
      guard let entry = line.shard, entry.file == ShardEntry.fileName(before.shards.count),
        entry.firstRow == before.rows, entry.firstToken == before.tokens, entry.firstDocument == before.documents,
        entry.isSound(before.run)
      else { throw wrong("shard \(before.shards.count), from row \(before.rows) and token \(before.tokens)") }
      manifest?.shards.append(entry)
    case .labels:
      guard let entry = line.labels, isLocalName(entry.file), entry.isSound else {
        throw wrong("a labels file of this folder")
      }
      manifest?.labels = entry
    case .complete:
      guard line.shards == before.shards.count else { throw wrong("\(before.shards.count) shards") }
      manifest?.isComplete = true
    case .run: break
    }
  }

  private static func isLocalName(_ name: String) -> Bool { !name.isEmpty && !name.contains("/") && name != ".." }
}
