import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Neurons
import Reports

/// Tables of a store as comma-separated values with a header, for spreadsheets, pandas and R.
public enum TableExport {
  /// What can be written.
  public enum Table: String, Codable, Sendable, CaseIterable {
    /// A line a column (neuron, dimension) of the sites: moments, extremes, how often it fires.
    case statistics
    /// A line a document: id, group, labels, tokens.
    case documents
    /// A line a column of the sites and label: the mean of the documents' highest values.
    case labels
  }

  /// Writes the file.
  ///
  /// - Parameter column: the label column that `labels` goes by.
  /// - Throws: `file.exists`, `export.tableFile`, `export.noStatistics`, `export.noLabels`, and what reading the store
  ///   throws.
  public static func write(
    _ table: Table, sites: [StoredSite], of source: any ActivationSource, column: String = DocumentTable.defaultLabels,
    to url: URL, replaces: Bool = false
  ) throws -> ExportSummary {
    try AtomicFile.requireFree(url, replaces: replaces)
    guard url.pathExtension.lowercased() == "csv" else {
      throw Fault(
        .usage, "export.tableFile", "The file's name does not say what is written", file: url.relativePath,
        expected: "a name that ends in .csv", found: url.pathExtension.isEmpty ? "none" : ".\(url.pathExtension)",
        advice: "write comma-separated values, which every spreadsheet opens")
    }
    if sites.isEmpty, table != .documents {
      throw Fault(
        .badData, "export.noSites", "The store holds no activations to make a table of", expected: "sites",
        found: "none: it was captured with --statistics-only, or is not begun",
        advice: "read /statistics of its index.h5 with h5py, or capture with activations")
    }
    let lines =
      switch table {
      case .statistics: try statistics(sites, of: source)
      case .documents: documents(try source.documents)
      case .labels: try labels(sites, of: source, column: column)
      }
    try AtomicFile.write((lines.joined(separator: "\n") + "\n").utf8, to: url)
    return ExportSummary(format: "table", output: url.path, files: 1, counts: ["lines": lines.count - 1])
  }

  static func statistics(_ sites: [StoredSite], of source: any ActivationSource) throws -> [String] {
    var lines = [
      CSV.line([
        "site", "layer", "index", "count", "mean", "variance", "skewness", "kurtosis", "minimum", "maximum", "firing",
        "top_value", "top_row", "top_document",
      ])
    ]
    let ids = try source.documents.ids
    for site in sites {
      let statistics = try requireStatistics(of: site.name, in: source)
      for index in 0..<statistics.width {
        var cells = [site.name, site.layer.map(String.init) ?? "", "\(index)", "\(statistics.count)"]
        cells += [statistics.mean, statistics.variance, statistics.skewness, statistics.kurtosis].map { "\($0[index])" }
        cells += ["\(statistics.minimum[index])", "\(statistics.maximum[index])", "\(statistics.firing[index])"]
        if let top = statistics.top, top.k > 0, top.rows[index * top.k] >= 0 {
          let place = index * top.k
          let document = Int(top.documents[place])
          cells += [
            "\(top.values[place])", "\(top.rows[place])", ids.indices.contains(document) ? ids[document] : "",
          ]
        } else {
          cells += ["", "", ""]
        }
        lines.append(CSV.line(cells))
      }
    }
    return lines
  }

  static func documents(_ table: DocumentTable) -> [String] {
    let columns = table.labels.keys.sorted()
    var lines = [CSV.line(["id", "piece", "group", "first_token", "token_count"] + columns)]
    for row in 0..<table.count {
      var cells = [
        table.ids[row], "\(table.pieces[row])", table.groups[row] ?? "", "\(table.firstTokens[row])",
        "\(table.tokenCounts[row])",
      ]
      for name in columns { cells.append(table.labels[name]?[row]?.description ?? "") }
      lines.append(CSV.line(cells))
    }
    return lines
  }

  /// The mean over a label's documents of a column's highest value among the tokens of each.
  static func labels(_ sites: [StoredSite], of source: any ActivationSource, column: String) throws -> [String] {
    let table = try source.documents
    guard let labels = table.labels[column] else {
      throw Fault(
        .badData, "export.noLabels", "The store has no such label column", place: column,
        expected: table.labels.isEmpty ? "a labelled corpus" : table.labels.keys.sorted().joined(separator: ", "),
        found: column, advice: "name the column with --label, or add labels with `unfold store label`")
    }
    var lines = [CSV.line(["site", "layer", "index", "label", "documents", "mean_of_maxima"])]
    let names = Set(labels.compactMap { $0?.description }).sorted()
    guard names.count <= 10_000 else {
      throw Fault(
        .badData, "export.noLabels", "The label column has too many labels for a table", place: column,
        expected: "at most 10,000", found: "\(names.count)")
    }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    for site in sites {
      let maxima = try DocumentMaxima(site, of: source, documents: table.count)
      var sums = [Double](repeating: 0, count: names.count * site.width)
      var counts = [Int](repeating: 0, count: names.count)
      for document in 0..<table.count where maxima.seen[document] {
        guard let label = labels[document]?.description, let number = numbers[label] else { continue }
        counts[number] += 1
        for index in 0..<site.width {
          sums[number * site.width + index] += Double(maxima.values[document * site.width + index])
        }
      }
      for index in 0..<site.width {
        for (number, name) in names.enumerated() where counts[number] > 0 {
          lines.append(
            CSV.line([
              site.name, site.layer.map(String.init) ?? "", "\(index)", name, "\(counts[number])",
              "\(sums[number * site.width + index] / Double(counts[number]))",
            ]))
        }
      }
    }
    return lines
  }
}

/// The highest value of every column in each document, special tokens left out.
struct DocumentMaxima {
  private(set) var values: [Float]
  private(set) var seen: [Bool]

  init(_ site: StoredSite, of source: any ActivationSource, documents: Int) throws {
    let width = site.width
    guard documents.multipliedReportingOverflow(by: width).partialValue <= 1 << 29 else {
      throw Fault(
        .badData, "export.tooWide", "The table of documents and columns would be too large", place: site.name,
        expected: "at most \(1 << 29) values", found: "\(documents) documents of \(width) columns")
    }
    var values = [Float](repeating: -.infinity, count: documents * width)
    var seen = [Bool](repeating: false, count: documents)
    try source.streamRouted([site.name], maximumRows: max(64, (1 << 20) / max(width, 1))) { block in
      let tokens = source.rowKind == .token ? try source.tokens(in: block.rows) : nil
      for (place, row) in block.rowNumbers(0).enumerated() {
        let offset = row - block.rows.lowerBound
        if let tokens, tokens.special[offset] != 0 { continue }
        let document = tokens.map { Int($0.documents[offset]) } ?? row
        seen[document] = true
        for column in 0..<width {
          let value = block.values[0].elements[place * width + column]
          if value > values[document * width + column] { values[document * width + column] = value }
        }
      }
    }
    self.values = values
    self.seen = seen
  }
}
