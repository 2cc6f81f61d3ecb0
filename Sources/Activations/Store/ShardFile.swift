import Diagnostics
import Digests
import Foundation
import HDF5

/// One HDF5 file of a store while it is written: a shard, or the single file that `-o NAME.h5` asks for.
///
/// Every member of the layout is there, empty or not. Memory: a chunk for each dataset, and the labels.
final class ShardFile {
  private let run: StoreRun
  private let path: String
  private let operations: StoreOperations
  private var file: H5File?
  private var groups: [String: H5GroupBox] = [:]
  private let activations: [ShardColumn]
  /// The token's row of each row of a routed site, by the site's index.
  private let rowNumbers: [Int: ShardColumn]
  private let tokens: [ShardColumn]
  private let documentNumbers = (
    piece: ShardColumn("piece", .int32, rowShape: []), first: ShardColumn("first_token", .int64, rowShape: []),
    count: ShardColumn("token_count", .int32, rowShape: [])
  )
  private let documentTexts = (id: TextColumn("id"), text: TextColumn("text"), group: TextColumn("group"))
  private let spanNumbers = ["document", "start", "end"].map { ShardColumn($0, .int32, rowShape: []) }
  private var labels: [Label?] = []
  private var furtherLabels: [String: [Label?]]
  private var spanLabels: [Label?] = []
  private let first: (row: Int, token: Int, document: Int)

  /// A group that several methods use.
  private final class H5GroupBox {
    var group: H5Group
    init(_ group: consuming H5Group) { self.group = group }
  }

  static let tokenColumns = ["id", "position", "document", "start", "end", "special"]

  init(
    creating path: String, run: StoreRun, firstRow: Int, firstToken: Int, firstDocument: Int,
    operations: StoreOperations = .standard
  ) throws {
    self.run = run
    self.path = path
    self.operations = operations
    first = (firstRow, firstToken, firstDocument)
    furtherLabels = [String: [Label?]](uniqueKeysWithValues: Set(run.labelColumns).map { ($0, []) })
    let chunks = run.routedChunkBytes
    activations = run.sites.map {
      ShardColumn(
        $0.name, $0.storage.elementType, rowShape: $0.shape,
        chunkBytes: $0.isRouted ? chunks.values : ShardColumn.chunkBytes)
    }
    rowNumbers = Dictionary(
      uniqueKeysWithValues: run.sites.indices.filter { run.sites[$0].isRouted }.map {
        ($0, ShardColumn(run.sites[$0].name, .int64, rowShape: [], chunkBytes: chunks.numbers))
      })
    tokens = Self.tokenColumns.map { ShardColumn($0, .int32, rowShape: []) }
    try operations.before(.create, path)
    file = try Self.outOfSpaceNamed(path) { try H5File(creating: path) }
    let members =
      ["tokens", "documents", "spans", "activations"] + (rowNumbers.isEmpty ? [] : ["rows"]) + ["statistics"]
    for name in members {
      guard let group = try file?.makeGroup(name) else { continue }
      groups[name] = H5GroupBox(group)
    }
    try file?.setRunAttributes(run)
    try file?.setAttribute("first_row", Int64(firstRow))
    try file?.setAttribute("first_token", Int64(firstToken))
    try file?.setAttribute("first_document", Int64(firstDocument))
  }

  private func group(_ name: String) -> H5GroupBox {
    guard let group = groups[name] else { preconditionFailure("\(path): the group \(name) is closed") }
    return group
  }

  /// - Parameter numbers: the token's row of each row of a routed site, ascending over all calls.
  func append(site: Int, _ bytes: UnsafeMutableRawBufferPointer, rows: Int, numbers: [Int64]? = nil) throws {
    try operations.before(.writeRows, path)
    precondition(
      numbers?.count ?? rows == rows && (numbers != nil) == run.sites[site].isRouted,
      "\(run.sites[site].name): \(numbers?.count ?? 0) row numbers for \(rows) rows")
    try Self.outOfSpaceNamed(path) {
      try activations[site].append(bytes, rows: rows, in: group("activations").group)
      if let numbers { try rowNumbers[site]?.append(numbers, in: group("rows").group) }
    }
  }

  func append(documents: [DocumentRow], tokens table: TokenTable, spans: [SpanRow]) throws {
    try operations.before(.writeRows, path)
    try Self.outOfSpaceNamed(path) {
      let columns = [table.ids, table.positions, table.documents, table.starts, table.ends, table.special]
      for (column, values) in zip(tokens, columns) { try column.append(values, in: group("tokens").group) }
      let group = group("documents")
      try documentNumbers.piece.append(documents.map(\.piece), in: group.group)
      try documentNumbers.first.append(documents.map { Int64($0.firstToken) }, in: group.group)
      try documentNumbers.count.append(documents.map { Int32(clamping: $0.tokenCount) }, in: group.group)
      for document in documents {
        try documentTexts.id.append(document.id, in: group.group)
        try documentTexts.text.append(document.text, in: group.group)
        try documentTexts.group.append(document.group, in: group.group)
        labels.append(document.label)
        for name in furtherLabels.keys { furtherLabels[name]?.append(document.labels[name]) }
      }
      let columnsOfSpans = [spans.map(\.document), spans.map(\.start), spans.map(\.end)]
      for (column, values) in zip(spanNumbers, columnsOfSpans) {
        try column.append(values, in: self.group("spans").group)
      }
      spanLabels += spans.map(\.label)
    }
  }

  /// Writes what is left and closes the file. Afterwards its bytes are with the system, though not surely on the disk.
  func close(
    statistics: [String: SiteStatistics], quantization: [String: Quantization] = [:], cursor: DocumentCursor
  ) throws -> ShardEntry {
    try operations.before(.closeFile, path)
    return try Self.outOfSpaceNamed(path) {
      try closeTables()
      try closeActivations(statistics)
      try quantization.write(in: file)
      let dense = run.sites.firstIndex { !$0.isRouted }
      let rows = dense.map { activations[$0].rows } ?? (run.rowKind == .token ? tokens[0].rows : labels.count)
      let routed = run.sites.indices.filter { run.sites[$0].isRouted }.map { activations[$0].rows }
      groups.removeAll()
      guard let file = file.take() else { preconditionFailure("\(path) is closed") }
      let (bytes, crc) = try Self.close(file, path, operations)
      return ShardEntry(
        file: URL(fileURLWithPath: path).lastPathComponent, bytes: bytes, crc32c: crc, firstRow: first.row, rows: rows,
        firstToken: first.token, tokens: tokens[0].rows, firstDocument: first.document, documents: labels.count,
        spans: spanLabels.count, labelKind: LabelKind(labels), spanLabelKind: LabelKind(spanLabels),
        labelKinds: furtherLabels.mapValues { LabelKind($0) }, cursor: cursor,
        routedRows: routed.isEmpty ? nil : routed)
    }
  }

  private func closeActivations(_ statistics: [String: SiteStatistics]) throws {
    let group = group("activations")
    for (site, column) in zip(run.sites, activations) {
      try column.close(in: group.group) { try $0.setSiteAttributes(site, rowKind: run.rowKind) }
    }
    for site in rowNumbers.keys.sorted() {
      try rowNumbers[site]?.close(in: self.group("rows").group) { try $0.setRowNumberAttributes(run.sites[site]) }
    }
    try statistics.write(in: self.group("statistics").group, order: run.statisticsSites)
  }

  private func closeTables() throws {
    let documents = group("documents")
    for column in tokens { try column.close(in: group("tokens").group) }
    try documentTexts.id.close(in: documents.group)
    try documentTexts.text.close(in: documents.group)
    try documents.group.write(labels: labels, as: "label")
    try documentTexts.group.close(in: documents.group)
    try documentNumbers.piece.close(in: documents.group)
    try documentNumbers.first.close(in: documents.group)
    try documentNumbers.count.close(in: documents.group)
    if !furtherLabels.isEmpty, let group = try file?.makeGroup("labels") {
      for name in furtherLabels.keys.sorted() { try group.write(labels: furtherLabels[name] ?? [], as: name) }
      try group.close()
    }
    for column in spanNumbers { try column.close(in: group("spans").group) }
    try group("spans").group.write(labels: spanLabels, as: "label")
  }

  /// Closes a file that was written.
  /// - Returns: Its size and CRC-32C.
  static func close(
    _ file: consuming H5File, _ path: String, _ operations: StoreOperations
  ) throws -> (bytes: Int, crc: String) {
    try file.flush()
    let written = try file.close()
    try operations.before(.checksum, path)
    return try written.map { ($0.bytes, CRC32C.hexadecimal($0.crc32c)) } ?? checksum(path)
  }

  /// The size and CRC-32C of a file that lies there.
  static func checksum(_ path: String) throws -> (bytes: Int, crc: String) {
    try StoreOperations.standard.withDescriptor(path, O_RDONLY) { descriptor in
      var crc = CRC32C()
      var total = 0
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
      defer { buffer.deallocate() }
      while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw StoreOperations.systemFault("reading", path) }
        if count == 0 { break }
        crc.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        total += count
      }
      return (total, crc.hexadecimal())
    }
  }

  /// HDF5's "disk full" under the store's name, with the store's advice.
  static func outOfSpaceNamed<Result: ~Copyable>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let fault as Fault where fault.name == "hdf5.outOfSpace" {
      throw StoreOperations.outOfSpace(path)
    }
  }
}

extension StorageType {
  /// How the values lie in HDF5.
  var elementType: H5ElementType {
    switch self {
    case .float16: .float16
    case .float32: .float32
    case .bfloat16: .uint16
    case .uint8: .uint8
    }
  }
}

extension H5File {
  /// The attributes of the root group: what the file is, and where it comes from.
  func setRunAttributes(_ run: StoreRun) throws {
    try setAttribute("format", StoreManifest.format)
    try setAttribute("format_version", Int64(StoreManifest.formatVersion))
    try setAttribute("unfold_version", run.origin.version)
    try setAttribute("model", run.origin.model)
    try setAttribute("model_digest", run.origin.modelDigest)
    if let digest = run.origin.tokenizerDigest { try setAttribute("tokenizer_digest", digest) }
    if let digest = run.origin.corpusDigest { try setAttribute("corpus_digest", digest) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try setAttribute("run", String(decoding: try encoder.encode(run), as: UTF8.self))
  }
}

extension H5Dataset {
  func setSiteAttributes(_ site: StoredSite, rowKind: RowKind) throws {
    try setAttribute("site", site.name)
    if let layer = site.layer { try setAttribute("layer", Int64(layer)) }
    try setAttribute("axes", [site.isRouted ? "routed_token" : rowKind.rawValue] + site.axes)
    try setAttribute("dtype", site.storage.rawValue)
    if let routing = site.routing {
      try setAttribute("experts", Int64(routing.experts))
      try setAttribute("active_experts", Int64(routing.active))
    }
    if site.isRouted {
      if let expert = site.expert { try setAttribute("expert", Int64(expert)) }
      try setAttribute("rows", "/rows/\(site.name)")
    }
  }

  func setRowNumberAttributes(_ site: StoredSite) throws {
    try setAttribute("site", site.name)
    try setAttribute("axes", ["routed_token"])
  }
}

extension H5Group {
  /// A column of labels: numbers where all are numbers, otherwise texts; none is NaN or an empty text.
  func write(labels: [Label?], as name: String) throws {
    let kind = LabelKind(labels)
    if kind == .number {
      let column = ShardColumn(name, .float64, rowShape: [])
      try column.append(
        labels.map { label -> Double in if case .number(let number) = label { number } else { .nan } }, in: self)
      try column.close(in: self) { try $0.setAttribute("kind", kind.rawValue) }
    } else {
      let column = TextColumn(name)
      for label in labels { try column.append(label?.description, in: self) }
      try column.close(in: self) { try $0.setAttribute("kind", kind.rawValue) }
    }
  }
}
