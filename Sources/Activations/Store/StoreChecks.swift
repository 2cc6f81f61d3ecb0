import Diagnostics
import Foundation
import HDF5

/// What a store's files say, held against each other before it is used as an index or a size: a file may come from
/// anywhere, and a checksum says only that it is as it was written.

extension StoredSite {
  /// HDF5 keeps no chunk of more, and a row is never divided.
  private static let mostRowBytes = 1 << 32

  /// Whether the site's shape can be that of rows: so that `width` and `rowBytes` are sizes.
  fileprivate var problem: String? {
    var bytes = storage.size
    for length in shape {
      guard length > 0 else { return "an axis of length \(length)" }
      let (next, overflow) = bytes.multipliedReportingOverflow(by: length)
      guard !overflow, next < Self.mostRowBytes else { return "rows of \(shape) values, which overflow" }
      bytes = next
    }
    if axes.count != shape.count { return "\(axes.count) names for \(shape.count) axes" }
    if name.isEmpty || name.utf8.contains(0) { return "a site without a name" }
    if let layer, !(0...1 << 20 ~= layer) { return "layer \(layer)" }
    if let routing, !(1...1 << 20 ~= routing.experts && 1...1 << 20 ~= routing.active) {
      return "\(routing.active) of \(routing.experts) experts"
    }
    return nil
  }
}

extension StoreRun {
  /// Refuses a run whose sites cannot be: shapes that overflow, names that come twice.
  /// - Throws: `Fault` named `store.manifestDamaged`.
  func requireSound(_ file: String) throws {
    func damaged(_ place: String, _ found: String) -> Fault {
      Fault(
        .badData, "store.manifestDamaged", "The store's record of its run cannot be true", file: file, place: place,
        expected: "sites of positive axes, rows below 4 GiB, and names that come once", found: found,
        advice: "restore the file from a copy, or capture again")
    }
    for sites in [sites, statisticsSites] {
      if let (site, problem) = sites.lazy.compactMap({ site in site.problem.map { (site, $0) } }).first {
        throw damaged("site \(site.name)", problem)
      }
      guard sites.count <= 1 << 20, Set(sites.map(\.name)).count == sites.count else {
        throw damaged("the sites", "\(sites.count) sites, of which some have one name")
      }
    }
    guard shardTokens > 0, shardBytes > 0 else {
      throw damaged("the shards' size", "\(shardTokens) tokens, \(shardBytes) bytes")
    }
  }
}

extension ShardEntry {
  /// Whether the counts fit the file's bytes, each other and what comes before: every row of a table takes some bytes there.
  func isSound(_ run: StoreRun) -> Bool {
    let counts = [rows, tokens, documents, spans]
    return 0...1 << 50 ~= bytes && counts.allSatisfy { 0...bytes / 4 ~= $0 }
      && [firstRow, firstToken].allSatisfy { 0...1 << 50 ~= $0 }
      && firstDocument >= 0 && firstDocument + documents <= Int(Int32.max)
      && rows == (run.rowKind == .token ? tokens : documents) && cursor.documents >= 0
      && (routedRows ?? []).count == run.routedSites.count && (routedRows ?? []).allSatisfy { 0...rows ~= $0 }
  }
}

extension LabelsEntry {
  var isSound: Bool { 0...1 << 50 ~= bytes && 0...bytes / 4 ~= spans ?? 0 }
}

extension ActivationStore {
  /// Holds the documents of one file against its rows of the token table.
  func requireSound(
    documents rows: Range<Int>, pieces: ArraySlice<Int32>, firstTokens: ArraySlice<Int>, counts: ArraySlice<Int>,
    of part: Part
  ) throws {
    var before = part.tokens.lowerBound
    for (row, (piece, (first, count))) in zip(rows, zip(pieces, zip(firstTokens, counts))) {
      guard first >= before, count >= 0, first <= part.tokens.upperBound - count, piece >= 0 else {
        throw outOfRange(
          part.path, "/documents, row \(row)", "tokens within \(part.tokens), behind those of the document before",
          "piece \(piece), \(count) tokens from \(first)")
      }
      before = first
    }
  }

  /// Holds labelled stretches against the documents that they may lie in.
  func requireSound(_ spans: [SpanRow], documents: Range<Int>, _ file: String) throws {
    var before = documents.lowerBound
    for (row, span) in spans.enumerated() {
      guard documents.contains(Int(span.document)), Int(span.document) >= before, span.start >= 0,
        span.end >= span.start
      else {
        throw outOfRange(
          file, "/spans, row \(row)", "documents within \(documents), ascending, and 0 ≤ start ≤ end",
          "document \(span.document), \(span.start) to \(span.end)")
      }
      before = Int(span.document)
    }
  }

  /// Holds tokens against the documents there are.
  func requireSound(_ tokens: TokenTable, firstRow: Int) throws {
    let wrong = (0..<tokens.count).first { row in
      let (document, start, end) = (tokens.documents[row], tokens.starts[row], tokens.ends[row])
      return document < 0 || Int(document) >= documentCount || start < 0 || end < start || tokens.ids[row] < 0
        || tokens.positions[row] < 0
    }
    guard let wrong else { return }
    throw outOfRange(
      url.path, "/tokens, row \(firstRow + wrong)", "documents below \(documentCount), 0 ≤ start ≤ end, ids from 0",
      "document \(tokens.documents[wrong]), \(tokens.starts[wrong]) to \(tokens.ends[wrong]), id \(tokens.ids[wrong]), position \(tokens.positions[wrong])"
    )
  }

  private func outOfRange(_ file: String, _ place: String, _ expected: String, _ found: String) -> Fault {
    Fault(
      .badData, "store.outOfRange", "A table of the store holds numbers that are out of range", file: file,
      place: place, expected: expected, found: found, advice: "restore the file from a copy, or capture again")
  }

  /// The statistics of one file.
  func statistics(of part: Part, _ file: borrowing H5File) throws -> [String: SiteStatistics] {
    try file.statistics(
      run, rows: max(part.rows.upperBound, part.tokens.upperBound), documents: part.documents.upperBound)
  }
}

extension SiteStatistics {
  /// Why the figures cannot be those of a store of so many rows and documents; nil where they can.
  func problem(width expected: Int?, rows: Int, documents: Int) -> String? {
    if let expected, expected != width { return "\(width) columns in place of \(expected)" }
    let most = Int64(1) << 50
    if count > most || histogram?.counts.contains(where: { !(0...most ~= $0) }) == true {
      return "counts that overflow"
    }
    func isPlace(_ row: Int64, _ document: Int32) -> Bool {
      0..<Int64(rows) ~= row && 0..<Int64(documents) ~= Int64(document)
    }
    for examples in [top, bottom].compactMap({ $0 }) {
      if let index = examples.rows.indices.first(where: {
        examples.rows[$0] != -1 && !isPlace(examples.rows[$0], examples.documents[$0])
      }) {
        return "an example in row \(examples.rows[index]), document \(examples.documents[index])"
      }
    }
    if let sample {
      if sample.capacity < 0 { return "a sample of \(sample.capacity)" }
      if let index = sample.rows.indices.first(where: { !isPlace(sample.rows[$0], sample.documents[$0]) }) {
        return "a sample's row \(sample.rows[index]), document \(sample.documents[index])"
      }
    }
    return nil
  }
}
