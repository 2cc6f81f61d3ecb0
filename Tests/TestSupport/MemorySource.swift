import Activations
import Diagnostics
import LinearAlgebra

/// Activations in memory, as a source.
package struct MemorySource: ActivationSource {
  package var origin = Origin(model: "test", modelDigest: "0123456789abcdef", version: "test")
  package var sites: [StoredSite] = []
  package var rowKind = RowKind.token
  package var documents = DocumentTable()
  package var tokenTable = TokenTable()
  package var spans = SpanTable()
  package var values: [String: Matrix] = [:]
  package var texts: [String] = []
  package var gathered: [String: SiteStatistics] = [:]

  package init() {}

  package var rowCount: Int { rowKind == .token ? tokenTable.count : documents.count }
  package var tokenCount: Int { tokenTable.count }

  package func tokens(in rows: Range<Int>) throws -> TokenTable {
    TokenTable(
      ids: Array(tokenTable.ids[rows]), positions: Array(tokenTable.positions[rows]),
      documents: Array(tokenTable.documents[rows]), starts: Array(tokenTable.starts[rows]),
      ends: Array(tokenTable.ends[rows]), special: Array(tokenTable.special[rows]))
  }

  package func text(ofDocument document: Int) throws -> String? { texts.isEmpty ? nil : texts[document] }
  package func statistics(of site: String) throws -> SiteStatistics? { gathered[site] }

  package func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    let matrices = try sites.map { name in
      _ = try site(named: name)
      return values[name] ?? Matrix(zeros: rowCount, columns: 0)
    }
    // Small blocks, so that documents straddle them.
    let step = min(maximumRows, 7)
    var start = 0
    while start < rowCount {
      let rows = start..<min(start + step, rowCount)
      try body(ActivationBlock(rows: rows, values: matrices.map { $0.selectingRows(rows) }))
      start = rows.upperBound
    }
  }

  /// Documents of `lengths` tokens, the first of each special, whose tokens lie at offsets 0, 1, 2, …
  package static func documents(
    _ lengths: [Int], labels: [Label?], groups: [String?]? = nil, sites: [String: Int],
    value: (_ site: String, _ document: Int, _ token: Int, _ column: Int) -> Float
  ) -> MemorySource {
    var source = MemorySource()
    var rows: [DocumentRow] = []
    for (document, length) in lengths.enumerated() {
      rows.append(
        DocumentRow(
          id: "d\(document)", label: labels[document], group: groups?[document], firstToken: source.tokenTable.count,
          tokenCount: length))
      for token in 0..<length {
        source.tokenTable.append(
          id: Int32(token), position: Int32(token), document: Int32(document), start: Int32(max(token - 1, 0)),
          end: Int32(token), special: token == 0)
      }
    }
    source.documents = DocumentTable(rows)
    for (layer, name) in sites.keys.sorted().enumerated() {
      let width = sites[name] ?? 0
      source.sites.append(StoredSite(name: name, layer: layer, axes: ["d"], shape: [width]))
      var elements: [Float] = []
      for (document, length) in lengths.enumerated() {
        for token in 0..<length {
          for column in 0..<width { elements.append(value(name, document, token, column)) }
        }
      }
      source.values[name] = Matrix(rows: source.tokenTable.count, columns: width, elements: elements)
    }
    return source
  }
}
