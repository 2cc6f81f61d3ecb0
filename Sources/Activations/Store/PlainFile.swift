import Diagnostics
import Foundation
import HDF5

/// One plain HDF5 file with a whole store in it, in the layout of a shard.
enum PlainFile {
  static func write(_ store: ActivationStore, to url: URL, _ operations: StoreOperations) throws {
    let part = url.path + ".part"
    UnfinishedOutputs.begin(part)
    defer { UnfinishedOutputs.end(part) }
    do {
      let file = try ShardFile(
        creating: part, run: store.run, firstRow: 0, firstToken: 0, firstDocument: 0, operations: operations)
      var statistics: [String: SiteStatistics] = [:]
      for shard in store.parts {
        let source = try H5File(opening: shard.path)
        try file.copyRows(of: shard, from: source, run: store.run)
        try file.copyTables(of: shard, from: store, source)
        try statistics.merge(store.statistics(of: shard, source), run: store.run)
      }
      _ = try file.close(
        statistics: statistics, quantization: try store.quantization(),
        cursor: store.manifest?.cursor ?? DocumentCursor())
      try operations.sync(part)
      try operations.publish(part, as: url.path)
    } catch {
      try? operations.remove(URL(fileURLWithPath: part))
      throw error
    }
  }
}

extension ShardFile {
  /// Takes over the rows of every site as they are stored, those of routed sites numbered from a later start where stores
  /// are joined.
  func copyRows(
    of part: ActivationStore.Part, from source: borrowing H5File, run: StoreRun, shiftRows: Int = 0
  ) throws {
    for (index, site) in run.sites.enumerated() {
      let reader = try SiteReader(site, source)
      let count = part.count(of: site)
      let numbers = try RoutedRows(site, of: part, source)?.numbers
      let some = max(1, min(count, (4 << 20) / max(1, site.rowBytes)))
      let block = try StorageBlock(site: index, rows: some, byteCount: some * site.rowBytes)
      for first in stride(from: 0, to: count, by: some) {
        let rows = first..<min(first + some, count)
        try reader.readStored(
          rows, into: UnsafeMutableRawBufferPointer(rebasing: block.bytes[..<(rows.count * site.rowBytes)]))
        try append(
          site: index, block.memory, rows: rows.count, numbers: numbers.map { $0[rows].map { $0 + Int64(shiftRows) } })
      }
    }
  }

  /// Takes over the tables, their rows counted from later starts where stores are joined.
  func copyTables(
    of part: ActivationStore.Part, from store: ActivationStore, _ source: borrowing H5File, shiftTokens: Int = 0,
    shiftDocuments: Int = 0
  ) throws {
    let (documents, spans) = try store.rows(of: part, source)
    let shifted = documents.map { row in
      var row = row
      row.firstToken += shiftTokens
      return row
    }
    let shiftedSpans = spans.map { row in
      var row = row
      row.document += Int32(shiftDocuments)
      return row
    }
    try append(documents: shifted, tokens: TokenTable(), spans: shiftedSpans)
    for first in stride(from: part.tokens.lowerBound, to: part.tokens.upperBound, by: 1 << 18) {
      var table = try store.tokens(in: first..<min(first + (1 << 18), part.tokens.upperBound))
      for row in table.documents.indices { table.documents[row] += Int32(shiftDocuments) }
      try append(documents: [], tokens: table, spans: [])
    }
  }
}

extension ActivationStore {
  /// The documents of one file with their texts and the corpus's own labels, and their spans.
  func rows(of part: Part, _ file: borrowing H5File) throws -> ([DocumentRow], [SpanRow]) {
    let ids = try file.checkedTexts("documents/id")
    let texts = try file.checkedTexts("documents/text")
    let groups = try file.checkedTexts("documents/group")
    let labels = try file.labels("documents/label")
    let pieces = try file.dataset("documents/piece").read(as: Int32.self)
    let firstTokens = try file.dataset("documents/first_token").read(as: Int64.self).map { Int($0) }
    let counts = try file.dataset("documents/token_count").read(as: Int32.self).map { Int($0) }
    guard
      [texts.count, groups.count, labels.count, pieces.count, firstTokens.count, counts.count]
        .allSatisfy({ $0 == ids.count }) && ids.count == part.documents.count
    else { throw misshapen(file.file, "/documents", "\(part.documents.count) rows in every column", "others") }
    try requireSound(
      documents: part.documents, pieces: pieces[...], firstTokens: firstTokens[...], counts: counts[...], of: part)
    var further: [String: [Label?]] = [:]
    for name in run.labelColumns { further[name] = try file.labels("labels/\(name)") }
    guard further.values.allSatisfy({ $0.count == ids.count }) else {
      throw misshapen(file.file, "/labels", "\(ids.count) rows in every column", "others")
    }
    let rows = ids.indices.map { row in
      var document = DocumentRow(
        id: ids[row], text: texts[row].isEmpty ? nil : texts[row], label: labels[row],
        group: groups[row].isEmpty ? nil : groups[row], piece: pieces[row], firstToken: firstTokens[row],
        tokenCount: counts[row])
      document.labels = further.compactMapValues { $0[row] }
      return document
    }
    return (rows, try readSpans(file, documents: part.documents))
  }

  /// Scales and offsets of the sites that are stored as bytes.
  func quantization() throws -> [String: Quantization] {
    let sites = run.sites.filter { $0.storage == .uint8 }
    guard !sites.isEmpty, let part = parts.first else { return [:] }
    let file = try H5File(opening: part.path)
    var result: [String: Quantization] = [:]
    for site in sites { result[site.name] = try Quantization(reading: file, site: site.name) }
    return result
  }
}
