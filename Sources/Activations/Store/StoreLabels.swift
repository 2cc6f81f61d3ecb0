import Diagnostics
import Foundation
import StrictJSON

/// Labels for the documents of a finished store, by the documents' ids.
public struct StoreLabels: Sendable, Equatable {
  /// For each label column its labels, by document id.
  public var columns: [String: [String: Label]]
  /// Labelled stretches, by document id; offsets in Unicode scalars.
  public var spans: [String: [Span]]

  public typealias Span = Document.Span

  public init(columns: [String: [String: Label]] = [:], spans: [String: [Span]] = [:]) {
    self.columns = columns
    self.spans = spans
  }

  /// Labels that hold U+0000, for which a store's texts have U+FFFD.
  public var labelsWithNUL: Int {
    let all = columns.values.flatMap(\.values) + spans.values.flatMap { $0.map(\.label) }
    return all.count { $0.description.utf8.contains(0) }
  }

  /// Reads labels from a file: JSON lines of `{"id": …, "label": …, "spans": […]}`, or a table (`.csv`, `.tsv`) with a
  /// header that names `id` and the columns. An empty cell is no label.
  ///
  /// - Parameters:
  ///   - fields: the fields or columns to take; each becomes a label column of that name.
  ///   - type: what the labels are.
  /// - Throws: `Fault`, with file and line: `store.labels` where a column is missing, a record is of another length or an id
  ///   stands in two rows, `corpus.label`, `corpus.field`, `corpus.json`, `corpus.csv`, `corpus.invalidUTF8`.
  public init(
    contentsOf url: URL, fields: [String] = [DocumentTable.defaultLabels], type: LabelType = .automatic
  ) throws {
    self.init()
    let most = CorpusOptions().maximumDocumentBytes
    let lines = LineReader(try ByteStream(url), maximumBytes: most)
    func table(_ separator: UInt8) -> DelimitedReader {
      DelimitedReader(lines, separator: separator, maximumBytes: most)
    }
    let ending = url.pathExtension == "gz" ? url.deletingPathExtension().pathExtension : url.pathExtension
    switch ending.lowercased() {
    case "csv": try readTable(table(UInt8(ascii: ",")), fields, type)
    case "tsv": try readTable(table(UInt8(ascii: "\t")), fields, type)
    default: try readLines(lines, fields, type)
    }
  }

  /// The line of every id, which may stand once.
  private struct Rows {
    let file: String
    private var lines: [String: Int] = [:]

    init(file: String) { self.file = file }

    mutating func insert(_ id: String, line: Int) throws {
      guard let earlier = lines.updateValue(line, forKey: id) else { return }
      throw Fault(
        .badData, "store.labels", "Two rows are for one document", file: file, place: "lines \(earlier) and \(line)",
        expected: "every id once", found: "\"\(id.prefix(80))\" twice",
        advice: "remove one of the rows; labels of several kinds go to columns of one row")
    }
  }

  private mutating func readTable(_ reader: DelimitedReader, _ fields: [String], _ type: LabelType) throws {
    func text(_ field: [UInt8]) throws -> String {
      try field.withUnsafeBytes { try decodeUTF8($0, policy: .strict, file: reader.file, line: reader.recordLine) }
        ?? ""
    }
    let header = try reader.next()?.map(text) ?? []
    func column(_ name: String) throws -> Int {
      guard let index = header.firstIndex(of: name) else {
        throw Fault(
          .badData, "store.labels", "The table has no such column", file: reader.file, place: "line 1",
          expected: "a column \(name)", found: header.joined(separator: ", "),
          advice: name == "id"
            ? "name the column of the documents' ids \"id\" in the first line"
            : "name a column that is there with --label-field")
      }
      return index
    }
    let id = try column("id")
    let places = try fields.map { ($0, try column($0)) }
    var rows = Rows(file: reader.file)
    while let record = try reader.next() {
      guard record.count == header.count else {
        throw Fault(
          .badData, "store.labels", "A record has another number of fields than the header", file: reader.file,
          place: "line \(reader.recordLine)", expected: "\(header.count)", found: "\(record.count)",
          advice: "put quotes around fields that hold the separator")
      }
      let name = TextColumn.stored(try text(record[id]))
      try rows.insert(name, line: reader.recordLine)
      for (field, place) in places where !record[place].isEmpty {
        do {
          columns[field, default: [:]][name] = try type.label(written: text(record[place]))
        } catch var fault as Fault where fault.name == "corpus.label" {
          (fault.file, fault.place) = (reader.file, "line \(reader.recordLine), column \(field)")
          throw fault
        }
      }
    }
  }

  private mutating func readLines(_ lines: LineReader, _ fields: [String], _ type: LabelType) throws {
    var rows = Rows(file: lines.file)
    let records = JSONLinesRecords(lines, CorpusOptions(labelFields: fields, labelType: type))
    while let object = try records.nextObject() {
      try records.placing {
        let name = try object.required("id")
        let id = TextColumn.stored(try JSONLinesRecords.name(name))
        try rows.insert(id, line: lines.line)
        for field in fields {
          if let label = try object.optional(field) { columns[field, default: [:]][id] = try type.label(label) }
        }
        for span in try object.optional("spans")?.array() ?? [] {
          spans[id, default: []].append(
            Span(
              start: try span.required("start").integer(), end: try span.required("end").integer(),
              label: try type.label(span.required("label"))))
        }
      }
    }
  }
}
