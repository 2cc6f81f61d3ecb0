import Diagnostics
import Foundation
import HDF5
import LinearAlgebra
import StrictJSON

/// A store of activations on disk: a folder of shards with a manifest, or one HDF5 file of the same layout.
///
/// Opening reads the manifest and holds it against the files; nothing else is kept in memory. Shards are opened when they
/// are read. A shard that is missing or of another size is an error, and so is a chunk whose checksum does not match:
/// nothing is ever read as zeros.
public struct ActivationStore: ActivationSource {
  public let url: URL
  public let run: StoreRun
  /// Whether the run that wrote it came to its end.
  public let isComplete: Bool
  let manifest: StoreManifest?
  let parts: [Part]

  /// One file of the store, and where its rows stand in the whole.
  struct Part: Sendable {
    var path: String
    var rows: Range<Int>
    var tokens: Range<Int>
    var documents: Range<Int>
    var spanCount: Int
    /// Rows of each routed site, by name.
    var routedRows: [String: Int] = [:]

    /// Rows of a site's dataset.
    func count(of site: StoredSite) -> Int { site.isRouted ? routedRows[site.name] ?? 0 : rows.count }
  }

  /// Opens a store.
  ///
  /// - Parameter url: the folder; its `index.h5` or `manifest.jsonl`, which mean the same; or a single `.h5` file.
  /// - Throws: `Fault`: `store.noManifest`, `store.manifestDamaged`, `store.missingShard`, `store.shardDamaged`, or what
  ///   `HDF5` has to say about a single file.
  public init(opening url: URL) throws {
    var url = url
    let beside = url.deletingLastPathComponent()
    if [StoreIndex.fileName, StoreManifest.fileName].contains(url.lastPathComponent),
      FileManager.default.fileExists(atPath: beside.appendingPathComponent(StoreManifest.fileName).path)
    {
      url = beside
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw Fault(
        .noInput, "store.noManifest", "There is no activation store here", file: url.path,
        expected: "a folder with \(StoreManifest.fileName), or one .h5 file", found: "nothing of that name",
        advice: "check the path")
    }
    if isFolder.boolValue {
      try self.init(folder: url)
    } else {
      try self.init(file: url)
    }
  }

  private init(folder: URL) throws {
    guard let manifest = try StoreManifest.read(folder) else {
      throw Fault(
        .badData, "store.empty", "The store's run was stopped before it wrote anything", file: folder.path,
        advice: "run the capture again with --resume")
    }
    url = folder
    run = manifest.run
    isComplete = manifest.isComplete
    self.manifest = manifest
    let routed = manifest.run.routedSites.map(\.name)
    parts = try manifest.shards.map { shard in
      try Self.check(shard.file, bytes: shard.bytes, in: folder)
      return Part(
        path: folder.appendingPathComponent(shard.file).path, rows: shard.firstRow..<shard.firstRow + shard.rows,
        tokens: shard.firstToken..<shard.firstToken + shard.tokens,
        documents: shard.firstDocument..<shard.firstDocument + shard.documents, spanCount: shard.spans,
        routedRows: Dictionary(uniqueKeysWithValues: zip(routed, shard.routedRows ?? [])))
    }
    if let labels = manifest.labels { try Self.check(labels.file, bytes: labels.bytes, in: folder) }
  }

  private init(file url: URL) throws {
    let file = try H5File(opening: url.path)
    let run = try Self.run(of: file)
    try run.requireSound(url.path)
    func misshapen(_ name: String, _ expected: String, _ found: [Int]) -> Fault {
      Fault(
        .badData, "store.shape", "A dataset is not of the shape it must have", file: url.path, place: "/\(name)",
        expected: expected, found: "\(found)", advice: "write the file as docs/store.md describes, or capture again")
    }
    func length(_ name: String) throws -> Int {
      guard file.contains(name) else { return 0 }
      let shape = try file.dataset(name).shape
      guard shape.count == 1 else { throw misshapen(name, "one axis", shape) }
      return shape[0]
    }
    let tokens = try length("tokens/id")
    let documents = try length("documents/id")
    let rows =
      try run.sites.first { !$0.isRouted }.flatMap { try file.dataset("activations/\($0.name)").shape.first }
      ?? (run.rowKind == .token ? tokens : documents)
    var routed: [String: Int] = [:]
    for site in run.sites {
      let shape = try file.dataset("activations/\(site.name)").shape
      if site.isRouted { routed[site.name] = try length("rows/\(site.name)") }
      let rows = routed[site.name] ?? rows
      guard shape == [rows] + site.shape else {
        throw misshapen("activations/\(site.name)", "\([rows] + site.shape)", shape)
      }
    }
    guard documents <= Int(Int32.max) else { throw misshapen("documents/id", "at most 2^31 − 1 rows", [documents]) }
    let described = run.rowKind == .token ? tokens : documents
    guard rows == described || described == 0 else {
      throw misshapen(run.rowKind == .token ? "tokens/id" : "documents/id", "\(rows), as many as rows", [described])
    }
    self.url = url
    self.run = run
    isComplete = true
    manifest = nil
    parts = [
      Part(
        path: url.path, rows: 0..<rows, tokens: 0..<tokens, documents: 0..<documents,
        spanCount: try length("spans/document"), routedRows: routed)
    ]
  }

  /// The run that a file says it comes from; or, for a file of the same layout that others wrote, what its datasets show.
  private static func run(of file: borrowing H5File) throws -> StoreRun {
    if try file.textAttribute("format") == StoreManifest.format, let text = try file.textAttribute("run") {
      _ = try JSONValue(parsing: text, file: file.file)
      do {
        return try JSONDecoder().decode(StoreRun.self, from: Data(text.utf8))
      } catch {
        throw Fault(
          .badData, "store.manifestDamaged", "The file's record of its run cannot be read", file: file.file,
          place: "attribute run", found: Fault.words(of: error),
          advice: "restore the file from a copy, or capture again")
      }
    }
    guard file.contains("activations") else {
      throw Fault(
        .badData, "store.noActivations", "The file is no activation store", file: file.file,
        expected: "a group /activations", found: try file.members().joined(separator: ", "))
    }
    let group = try file.group("activations")
    let sites = try group.members().compactMap { name -> StoredSite? in
      guard try group.kind(of: name) == .dataset else { return nil }
      let dataset = try group.dataset(name)
      let shape = try Array(dataset.shape.dropFirst())
      let storage: StorageType
      switch dataset.elementType {
      case .float16: storage = .float16
      case .uint16 where try dataset.textAttribute("dtype") == StorageType.bfloat16.rawValue: storage = .bfloat16
      case .uint8 where file.contains("quantization/\(name)/scale"): storage = .uint8
      case .string, .fixedString, .other: return nil
      default: storage = .float32
      }
      return StoredSite(
        name: name, layer: try dataset.numberAttribute("layer", as: Int64.self).flatMap { Int(exactly: $0) },
        axes: shape.indices.map { "axis\($0)" }, shape: shape, storage: storage,
        routing: try routing(of: name, dataset, in: file))
    }
    return StoreRun(
      origin: Origin(
        model: try file.textAttribute("model") ?? "unknown", modelDigest: try file.textAttribute("model_digest") ?? "",
        version: try file.textAttribute("unfold_version") ?? "unknown"), sites: sites)
  }

  /// The experts that a dataset's attributes speak of. One inside an expert whose rows are numbered is routed in any case.
  private static func routing(
    of name: String, _ dataset: borrowing H5Dataset, in file: borrowing H5File
  ) throws -> Routing? {
    func number(_ attribute: String) throws -> Int? {
      try dataset.numberAttribute(attribute, as: Int64.self).flatMap { Int(exactly: $0) }
    }
    if StoredSite.expert(inName: name) != nil, !file.contains("rows/\(name)") { return nil }
    if let experts = try number("experts"), let active = try number("active_experts"), experts > 0, active > 0 {
      return Routing(experts: experts, active: active)
    }
    return StoredSite.expert(inName: name) == nil ? nil : Routing(experts: 1, active: 1)
  }

  /// Holds a file of the store against the manifest: it is there, and of the size it had.
  static func check(_ name: String, bytes: Int, in folder: URL) throws {
    let url = folder.appendingPathComponent(name)
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: url.path),
      let size = attributes[.size] as? Int
    else {
      throw Fault(
        .badData, "store.missingShard", "A file of the store is missing", file: url.path,
        expected: "\(name), \(bytes.formatted()) bytes", found: "no such file",
        advice: "bring the file back, or capture again")
    }
    guard attributes[.type] as? FileAttributeType == .typeRegular else {
      throw Fault(
        .badData, "store.shardDamaged", "A file of the store is no regular file", file: url.path,
        expected: "a regular file of \(bytes.formatted()) bytes", found: "a pipe, link, folder or device",
        advice: "restore the file from a copy, or capture again")
    }
    guard size == bytes else {
      throw Fault(
        .badData, "store.shardDamaged", "A file of the store has another size than when it was written",
        file: url.path, expected: "\(bytes.formatted()) bytes", found: "\(size.formatted()) bytes",
        advice: "restore the file from a copy, or capture again")
    }
  }

  /// Opens a shard of a store that is being resumed or read.
  static func open(_ shard: ShardEntry, in folder: URL) throws -> H5File {
    try check(shard.file, bytes: shard.bytes, in: folder)
    return try H5File(opening: folder.appendingPathComponent(shard.file).path)
  }

  // MARK: - What it holds

  public var origin: Origin { run.origin }
  public var sites: [StoredSite] { run.sites }
  public var rowKind: RowKind { run.rowKind }
  public var rowCount: Int { parts.last?.rows.upperBound ?? 0 }
  public var tokenCount: Int { parts.last?.tokens.upperBound ?? 0 }
  public var documentCount: Int { parts.last?.documents.upperBound ?? 0 }
}
