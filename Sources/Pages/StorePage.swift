import Activations
import Foundation
import Neurons
import Reports

extension Page {
  /// A store's overview: what it holds, by site, label and document.
  ///
  /// - Parameters:
  ///   - links: Pages of what was found in it.
  ///   - mostDocuments: Documents listed.
  /// - Throws: What reading the store's tables throws.
  public init(_ store: ActivationStore, links: [Link] = [], mostDocuments: Int = 2000) throws {
    let info = try store.info()
    self.init(
      kind: "Store", title: URL(filePath: info.path).lastPathComponent,
      lead: "Activations of \(info.run.origin.model) on \(info.run.origin.corpus.joined(separator: ", ")): "
        + "\(Format.count(info.tokens)) tokens of \(Format.count(info.documents)) documents.",
      facts: [
        .init("tokens", Format.count(info.tokens)), .init("documents", Format.count(info.documents)),
        .init("sites", Format.count(info.run.sites.count)), .init("size", Format.bytes(info.bytes)),
        .init("shards", Format.count(info.shards)), .init("labels", info.labels.joined(separator: ", ")),
      ].filter { !$0.value.isEmpty }, source: info.run.origin.words)
    self.links = links
    noteUnfinished(store)
    add("Sites", note: "What was read at each token.", [.table(PageTable("", info.table()))])
    let documents = try store.documents
    for name in info.labels { add("Label “\(name)”", try Self.labels(documents, column: name)) }
    add("Documents", try Self.documents(documents, store: store, most: mostDocuments))
    add("Statistics", try Self.statistics(store, info))
    let settings = info.run.settings.sorted { $0.key < $1.key }.map { Fact($0.key, $0.value) }
    add("How it was captured", [.facts(settings + [Fact("seed", "\(info.run.seed)")])])
  }

  private static func labels(_ documents: DocumentTable, column: String) throws -> [PageBlock] {
    guard let labels = documents.labels[column] else { return [] }
    var counts: [String: (documents: Int, tokens: Int)] = [:]
    for (index, label) in labels.enumerated() {
      guard let label else { continue }
      let name = label.description
      counts[name, default: (0, 0)].documents += 1
      counts[name, default: (0, 0)].tokens += documents.tokenCounts[index]
    }
    let none = labels.count { $0 == nil }
    let rows = counts.sorted { ($1.value.documents, $0.key) < ($0.value.documents, $1.key) }.map { name, count in
      [PageTable.Cell(name.shortened), .init(Format.count(count.documents)), .init(Format.count(count.tokens))]
    }
    let table = PageTable(
      none > 0 ? "\(Format.count(none)) documents have no label" : "",
      columns: [.init(column), .init("documents", isNumber: true), .init("tokens", isNumber: true)], rows: rows)
    return [.table(table)]
  }

  private static func documents(_ documents: DocumentTable, store: ActivationStore, most: Int) throws -> [PageBlock] {
    let column = documents.labels[DocumentTable.defaultLabels]
    let shown = min(documents.count, most)
    let rows = try (0..<shown).map { index -> [PageTable.Cell] in
      let text = try store.text(ofDocument: index) ?? ""
      let piece = documents.pieces[index] > 0 ? " (piece \(documents.pieces[index]))" : ""
      return [
        .init(documents.ids[index].shortened + piece), .init((column?[index]?.description ?? "").shortened),
        .init(Format.count(documents.tokenCounts[index])),
        .init(String(String(text.unicodeScalars.prefix(100)).onOneLine)),
      ]
    }
    let table = PageTable(
      shown < documents.count ? "The first \(Format.count(shown)) of \(Format.count(documents.count))" : "",
      columns: [.init("id"), .init("label"), .init("tokens", isNumber: true), .init("begins with")], rows: rows)
    return shown > 0 ? [.table(table)] : []
  }

  /// What was gathered about each site, over its columns.
  private static func statistics(_ store: ActivationStore, _ info: StoreInfo) throws -> [PageBlock] {
    var table = TextTable([
      .left("site"), .right("columns"), .right("rows"), .right("mean firing"), .right("never above 0"),
      .right("largest value"), .right("median kurtosis"),
    ])
    for name in info.statistics {
      guard let found = try store.statistics(of: name), found.count > 0 else { continue }
      let kurtosis = found.kurtosis.sorted()
      table.append([
        name, Format.count(found.width), Format.count(found.count),
        Format.percent(found.firing.reduce(0, +) / Double(max(found.width, 1))),
        Format.count(found.maximum.count { $0 <= 0 }), Format.fixed(Double(found.maximum.max() ?? 0), 2),
        Format.fixed(kurtosis.isEmpty ? .nan : kurtosis[kurtosis.count / 2], 1),
      ])
    }
    return table.rows.isEmpty ? [] : [.table(PageTable("", table))]
  }
}
