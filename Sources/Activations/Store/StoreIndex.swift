import Diagnostics
import Foundation
import HDF5
import LinearAlgebra

/// `index.h5`: the datasets of all shards as virtual datasets, and the merged statistics. It is made anew when
/// the shards have doubled, at a stop and at the end. It is for other programs; Unfold's own reader goes by the manifest.
struct StoreIndex {
  static let fileName = "index.h5"
  /// Version 2 shows NaN and −1 where a shard is missing; one without a version shows zeros.
  static let version: Int64 = 2

  let folder: URL
  let manifest: StoreManifest
  let statistics: [String: SiteStatistics]

  /// Writes the file under its name in the folder, at once.
  func write(_ operations: StoreOperations) throws {
    let final = folder.appendingPathComponent(Self.fileName).path
    let part = final + ".part"
    try operations.before(.create, part)
    try ShardFile.outOfSpaceNamed(part) { try make(at: part) }
    try operations.sync(part)
    try operations.publish(part, as: final)
  }

  /// Whether the index that is there speaks of the same shards.
  static func isCurrent(_ folder: URL, _ manifest: StoreManifest) -> Bool {
    guard let file = try? H5File(opening: folder.appendingPathComponent(fileName).path) else { return false }
    let shards = try? file.numberAttribute("shards", as: Int64.self)
    let complete = try? file.numberAttribute("complete", as: UInt8.self)
    return shards == Int64(manifest.shards.count) && complete == (manifest.isComplete ? 1 : 0)
  }

  /// - Parameter library: the version of HDF5 that is recorded.
  func make(at path: String, library: String = H5Library.version) throws {
    let file = try H5File(creating: path)
    try file.setRunAttributes(manifest.run)
    try file.setAttribute("hdf5_version", library)
    try file.setAttribute("index_version", Self.version)
    try file.setAttribute("shards", Int64(manifest.shards.count))
    try file.setAttribute("complete", UInt8(manifest.isComplete ? 1 : 0))
    let tokens = try file.makeGroup("tokens")
    for name in ShardFile.tokenColumns {
      try makeVirtual("tokens/\(name)", name, .int32, [], in: tokens) { $0.tokens }
    }
    try tokens.close()
    let documents = try file.makeGroup("documents")
    for name in ["id", "text"] {
      try makeVirtual("documents/\(name)", name, .string, [], in: documents) { $0.documents }
    }
    try makeLabels(in: documents)
    try makeVirtual("documents/group", "group", .string, [], in: documents) { $0.documents }
    try makeVirtual("documents/piece", "piece", .int32, [], in: documents) { $0.documents }
    try makeVirtual("documents/first_token", "first_token", .int64, [], in: documents) { $0.documents }
    try makeVirtual("documents/token_count", "token_count", .int32, [], in: documents) { $0.documents }
    try documents.close()
    try makeSpans(in: file)
    try makeAddedLabels(in: file)
    let activations = try file.makeGroup("activations")
    let numbers = routedNumbers
    for site in manifest.run.sites {
      try makeVirtual(
        "activations/\(site.name)", site.name, site.storage.elementType, site.shape, in: activations,
        attributes: { try $0.setSiteAttributes(site, rowKind: manifest.run.rowKind) },
        rows: { shard in numbers[site.name].map { shard.routedRows?[$0] ?? 0 } ?? shard.rows })
    }
    try activations.close()
    try makeRowNumbers(numbers, in: file)
    let group = try file.makeGroup("statistics")
    try statistics.write(in: group, order: manifest.run.statisticsSites)
    try group.close()
    try makeQuantization(in: file)
    try file.flush()
    try file.close()
  }

  /// Where each routed site stands in a shard's `routedRows`.
  private var routedNumbers: [String: Int] {
    Dictionary(uniqueKeysWithValues: manifest.run.routedSites.enumerated().map { ($1.name, $0) })
  }

  private func makeRowNumbers(_ numbers: [String: Int], in file: borrowing H5File) throws {
    if numbers.isEmpty { return }
    let group = try file.makeGroup("rows")
    for (number, site) in manifest.run.routedSites.enumerated() {
      try makeVirtual(
        "rows/\(site.name)", site.name, .int64, [], in: group,
        attributes: { try $0.setRowNumberAttributes(site) }, rows: { $0.routedRows?[number] ?? 0 })
    }
    try group.close()
  }

  private func makeVirtual(
    _ source: String, _ name: String, _ type: H5ElementType, _ rowShape: [Int], in group: borrowing H5Group,
    attributes: (borrowing H5Dataset) throws -> Void = { _ in }, rows: (ShardEntry) -> Int
  ) throws {
    let sources = manifest.shards.filter { rows($0) > 0 }.map {
      H5VirtualSource(file: $0.file, dataset: "/\(source)", shape: [rows($0)] + rowShape)
    }
    try makeVirtual(name, type, rowShape, sources, in: group, attributes)
  }

  private func makeVirtual(
    _ name: String, _ type: H5ElementType, _ rowShape: [Int], _ sources: [H5VirtualSource],
    in group: borrowing H5Group, _ attributes: (borrowing H5Dataset) throws -> Void = { _ in }
  ) throws {
    let dataset =
      sources.isEmpty
      ? try group.makeDataset(name, type, shape: [0] + rowShape)
      : try group.makeVirtualDataset(name, type, sources: sources)
    try attributes(dataset)
    try dataset.close()
  }

  /// The corpus's own labels, or those that were added under their name since.
  private func makeLabels(in group: borrowing H5Group) throws {
    let name = DocumentTable.defaultLabels
    if let entry = manifest.labels, let kind = entry.columns[name] {
      let source = H5VirtualSource(file: entry.file, dataset: "/labels/\(name)", shape: [manifest.documents])
      try makeVirtual(name, kind.elementType, [], manifest.documents > 0 ? [source] : [], in: group) {
        try $0.setAttribute("kind", kind.rawValue)
      }
      return
    }
    try makeColumn(name, from: "documents/label", in: group, kind: \.labelKind, rows: \.documents)
  }

  /// A column of labels over all shards: virtual where they agree in kind, otherwise a copy that holds all of them.
  private func makeColumn(
    _ name: String, from source: String, in group: borrowing H5Group, kind: (ShardEntry) -> LabelKind,
    rows: (ShardEntry) -> Int
  ) throws {
    let shards = manifest.shards.filter { rows($0) > 0 }
    let whole = shards.reduce(LabelKind.none) { $0.joined(kind($1)) }
    if shards.allSatisfy({ kind($0).elementType == whole.elementType }) {
      let sources = shards.map { H5VirtualSource(file: $0.file, dataset: "/\(source)", shape: [rows($0)]) }
      try makeVirtual(name, whole.elementType, [], sources, in: group) { try $0.setAttribute("kind", whole.rawValue) }
      return
    }
    var labels: [Label?] = []
    for shard in shards {
      let file = try H5File(opening: folder.appendingPathComponent(shard.file).path)
      labels += try file.labels(source)
    }
    try group.write(labels: whole == .text ? labels.map { $0.map { .text($0.description) } } : labels, as: name)
  }

  private func makeSpans(in file: borrowing H5File) throws {
    let spans = try file.makeGroup("spans")
    if let entry = manifest.labels, let count = entry.spans {
      for (name, type) in [
        ("document", .int32), ("start", .int32), ("end", .int32), ("label", entry.spanLabelKind.elementType),
      ]
        as [(String, H5ElementType)]
      {
        let source = H5VirtualSource(file: entry.file, dataset: "/spans/\(name)", shape: [count])
        try makeVirtual(name, type, [], count > 0 ? [source] : [], in: spans)
      }
    } else {
      for name in ["document", "start", "end"] {
        try makeVirtual("spans/\(name)", name, .int32, [], in: spans) { $0.spans }
      }
      try makeColumn("label", from: "spans/label", in: spans, kind: \.spanLabelKind, rows: \.spans)
    }
    try spans.close()
  }

  private func makeAddedLabels(in file: borrowing H5File) throws {
    let added = (manifest.labels?.columns ?? [:]).filter { $0.key != DocumentTable.defaultLabels }
    let names = Set(added.keys).union(manifest.run.labelColumns).sorted()
    if names.isEmpty { return }
    let group = try file.makeGroup("labels")
    for name in names {
      guard let entry = manifest.labels, let kind = added[name] else {
        try makeColumn(
          name, from: "labels/\(name)", in: group, kind: { $0.labelKinds[name] ?? .none }, rows: \.documents)
        continue
      }
      let source = H5VirtualSource(file: entry.file, dataset: "/labels/\(name)", shape: [manifest.documents])
      try makeVirtual(name, kind.elementType, [], manifest.documents > 0 ? [source] : [], in: group) {
        try $0.setAttribute("kind", kind.rawValue)
      }
    }
    try group.close()
  }

  /// The scales and offsets of bytes are the same in all shards.
  private func makeQuantization(in file: borrowing H5File) throws {
    let sites = manifest.run.sites.filter { $0.storage == .uint8 }
    guard !sites.isEmpty, let shard = manifest.shards.first else { return }
    let source = try H5File(opening: folder.appendingPathComponent(shard.file).path)
    let group = try file.makeGroup("quantization")
    for site in sites {
      let columns = try Quantization(reading: source, site: site.name)
      let place = try group.makeGroup(site.name)
      try place.write(columns.scale, as: "scale")
      try place.write(columns.offset, as: "offset")
      try place.close()
    }
    try group.close()
  }
}

extension LabelKind {
  var elementType: H5ElementType { self == .number ? .float64 : .string }
}

extension H5File {
  /// A column of labels as `write(labels:)` wrote it.
  func labels(_ name: String) throws -> [Label?] {
    let column = try dataset(name)
    switch column.elementType {
    case .string, .fixedString: return try checkedTexts(name).map { $0.isEmpty ? nil : .text($0) }
    default: return try column.read(as: Double.self).map { $0.isNaN ? nil : .number($0) }
    }
  }

  /// A column of texts, held against its checksum where it has one.
  func checkedTexts(_ name: String) throws -> [String] {
    let column = try dataset(name)
    let texts = try column.readTexts()
    if let stated = try column.textAttribute("crc32c") {
      let found = TextColumn.checksum(texts)
      guard found == stated else {
        throw Fault(
          .badData, "hdf5.checksum", "Data are damaged: their checksum does not match", file: file,
          place: column.path, expected: "CRC-32C \(stated)", found: found,
          advice: "restore the file from a copy, or make it again")
      }
    }
    return texts
  }

  /// The statistics of every site that has some, held against the run and the rows and documents up to the file's end.
  func statistics(_ run: StoreRun, rows: Int, documents: Int) throws -> [String: SiteStatistics] {
    guard contains("statistics") else { return [:] }
    let group = try group("statistics")
    let widths = Dictionary((run.statisticsSites + run.sites).map { ($0.name, $0.width) }) { first, _ in first }
    var result: [String: SiteStatistics] = [:]
    for name in try group.members() {
      let site = try group.group(name)
      result[name] = try SiteStatistics(reading: site, width: widths[name], rows: rows, documents: documents)
    }
    return result
  }

  /// Those of a shard.
  func statistics(of shard: ShardEntry, _ run: StoreRun) throws -> [String: SiteStatistics] {
    try statistics(
      run, rows: max(shard.firstRow + shard.rows, shard.firstToken + shard.tokens),
      documents: shard.firstDocument + shard.documents)
  }
}

extension [String: SiteStatistics] {
  /// Takes in the statistics of the next shard.
  /// - Throws: `Fault` named `store.statistics` where a site that the run does not name has another width there.
  mutating func merge(_ shard: Self, run: StoreRun) throws {
    for (name, statistics) in shard {
      guard let mine = self[name], mine.width != statistics.width else { continue }
      throw Fault(
        .badData, "store.statistics", "Statistics of one site differ in width between files of a store", place: name,
        expected: "\(mine.width) columns", found: "\(statistics.width)",
        advice: "restore the files from a copy, or capture again")
    }
    let gated = Set((run.statisticsSites + run.sites).filter(\.gated).map(\.name))
    let names = Array(shard.keys)
    let merged = Threads.map(names.count) { index -> SiteStatistics? in
      let name = names[index]
      guard var sum = self[name], let statistics = shard[name] else { return shard[name] }
      sum.merge(statistics, gated: gated.contains(name))
      return sum
    }
    for (name, statistics) in zip(names, merged) { self[name] = statistics }
  }
}
