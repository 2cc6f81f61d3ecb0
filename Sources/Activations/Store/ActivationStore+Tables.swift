import Diagnostics
import Foundation
import HDF5

extension ActivationStore {
  /// The document table. Reads it anew at each use: keep the value.
  public var documents: DocumentTable {
    get throws {
      var table = DocumentTable()
      var labels: [Label?] = []
      for part in parts where !part.documents.isEmpty {
        let file = try H5File(opening: part.path)
        let ids = try file.checkedTexts("documents/id")
        table.ids += ids
        table.groups += try file.checkedTexts("documents/group").map { $0.isEmpty ? nil : $0 }
        table.pieces += try file.dataset("documents/piece").read(as: Int32.self)
        table.firstTokens += try file.dataset("documents/first_token").read(as: Int64.self).map { Int($0) }
        table.tokenCounts += try file.dataset("documents/token_count").read(as: Int32.self).map { Int($0) }
        labels += try file.labels("documents/label")
        for name in manifest == nil ? try Self.labelColumns(file) : run.labelColumns {
          table.labels[name, default: []] += try file.labels("labels/\(name)")
        }
        try checkDocuments(table, labels, part)
      }
      if labels.contains(where: { $0 != nil }) { table.labels[DocumentTable.defaultLabels] = Self.uniform(labels) }
      for name in table.labels.keys { table.labels[name] = Self.uniform(table.labels[name] ?? []) }
      if let entry = manifest?.labels {
        let file = try H5File(opening: url.appendingPathComponent(entry.file).path)
        for name in entry.columns.keys {
          let column = try file.labels("labels/\(name)")
          guard column.count == table.count else {
            throw misshapen(file.file, "/labels/\(name)", "\(table.count) labels", "\(column.count)")
          }
          table.labels[name] = column
        }
      }
      return table
    }
  }

  private static func labelColumns(_ file: borrowing H5File) throws -> [String] {
    try file.contains("labels") ? file.group("labels").members() : []
  }

  /// Holds the columns against each other, and every document's tokens against the token table.
  private func checkDocuments(_ table: DocumentTable, _ labels: [Label?], _ part: Part) throws {
    let expected = part.documents.upperBound
    let lengths = [
      table.ids.count, table.groups.count, table.pieces.count, table.firstTokens.count, table.tokenCounts.count,
      labels.count,
    ]
    guard lengths.allSatisfy({ $0 == expected }), table.labels.values.allSatisfy({ $0.count == expected }) else {
      throw misshapen(part.path, "/documents", "\(expected) rows in every column", "\(lengths)")
    }
    try requireSound(
      documents: part.documents, pieces: table.pieces[part.documents], firstTokens: table.firstTokens[part.documents],
      counts: table.tokenCounts[part.documents], of: part)
  }

  /// Labels of shards that differ in kind, as texts.
  private static func uniform(_ labels: [Label?]) -> [Label?] {
    guard LabelKind(labels) == .text else { return labels }
    return labels.map { label in label.map { .text($0.description) } }
  }

  public var spans: SpanTable {
    get throws {
      var rows: [SpanRow] = []
      if let entry = manifest?.labels, entry.spans != nil {
        rows = try readSpans(
          H5File(opening: url.appendingPathComponent(entry.file).path), documents: 0..<documentCount)
      } else {
        for part in parts where part.spanCount > 0 {
          rows += try readSpans(H5File(opening: part.path), documents: part.documents)
        }
      }
      if LabelKind(rows.map(\.label)) == .text {
        for index in rows.indices { rows[index].label = .text(rows[index].label.description) }
      }
      return SpanTable(rows)
    }
  }

  /// Reads the spans of a file, which lie in these documents.
  func readSpans(_ file: borrowing H5File, documents range: Range<Int>) throws -> [SpanRow] {
    let documents = try file.dataset("spans/document").read(as: Int32.self)
    let starts = try file.dataset("spans/start").read(as: Int32.self)
    let ends = try file.dataset("spans/end").read(as: Int32.self)
    let labels = try file.labels("spans/label")
    guard starts.count == documents.count, ends.count == documents.count, labels.count == documents.count else {
      throw misshapen(file.file, "/spans", "\(documents.count) rows in every column", "others")
    }
    let rows = documents.indices.map {
      SpanRow(document: documents[$0], start: starts[$0], end: ends[$0], label: labels[$0] ?? .text(""))
    }
    try requireSound(rows, documents: range, file.file)
    return rows
  }

  public func tokens(in rows: Range<Int>) throws -> TokenTable {
    guard rows.lowerBound >= 0 && rows.upperBound <= tokenCount else {
      throw misshapen(url.path, "/tokens", "rows \(rows)", "\(tokenCount) rows")
    }
    var table = TokenTable()
    for part in parts where part.tokens.overlaps(rows) {
      let wanted = part.tokens.clamped(to: rows)
      let file = try H5File(opening: part.path)
      func column(_ name: String) throws -> [Int32] {
        try file.dataset("tokens/\(name)").read(
          as: Int32.self, at: [wanted.lowerBound - part.tokens.lowerBound], shape: [wanted.count])
      }
      table.append(
        contentsOf: TokenTable(
          ids: try column("id"), positions: try column("position"), documents: try column("document"),
          starts: try column("start"), ends: try column("end"), special: try column("special")))
    }
    try requireSound(table, firstRow: rows.lowerBound)
    return table
  }

  public func text(ofDocument document: Int) throws -> String? {
    guard document >= 0 && document < documentCount else {
      throw misshapen(url.path, "/documents", "a row \(document)", "\(documentCount) rows")
    }
    guard let part = parts.first(where: { $0.documents.contains(document) }) else { return nil }
    let file = try H5File(opening: part.path)
    let row = document - part.documents.lowerBound
    let texts = try file.dataset("documents/text").readTexts(row..<row + 1)
    return texts.first.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Merged over all shards in their order; the same bits as in `index.h5`.
  public func statistics(of site: String) throws -> SiteStatistics? {
    let gated = (run.statisticsSites + run.sites).contains { $0.name == site && $0.gated }
    let width = (run.statisticsSites + run.sites).first { $0.name == site }?.width
    var result: SiteStatistics?
    for part in parts {
      let file = try H5File(opening: part.path)
      guard file.contains("statistics/\(site)") else { continue }
      let group = try file.group("statistics/\(site)")
      let statistics = try SiteStatistics(
        reading: group, width: width ?? result?.width,
        rows: max(part.rows.upperBound, part.tokens.upperBound), documents: part.documents.upperBound)
      if result == nil { result = statistics } else { result?.merge(statistics, gated: gated) }
    }
    return result
  }

  func misshapen(_ file: String, _ place: String, _ expected: String, _ found: String) -> Fault {
    Fault(
      .badData, "store.shape", "A dataset is not of the shape it must have", file: file, place: place,
      expected: expected, found: found, advice: "the file was changed after it was written: restore or make it again")
  }
}
