import Diagnostics

/// The records of a table whose first record names the columns: the text's, the labels', and optionally `id` and `group`.
final class DelimitedRecords: RecordReader {
  private let reader: DelimitedReader
  private let options: CorpusOptions
  private let columns: [String]
  private let textColumn: Int
  private let labelColumns: [(name: String, index: Int)]
  private let idColumn: Int?
  private let groupColumn: Int?

  init(_ reader: DelimitedReader, _ options: CorpusOptions) throws {
    self.reader = reader
    self.options = options
    guard let header = try reader.next() else {
      columns = []
      (textColumn, labelColumns, idColumn, groupColumn) = (0, [], nil, nil)
      return
    }
    let columns = header.map { String(decoding: $0, as: UTF8.self) }
    func index(_ name: String) -> Int? { columns.firstIndex { $0.utf8.elementsEqual(name.utf8) } }
    guard let text = index(options.textField) else {
      let near = nearestNames(to: options.textField, among: columns).first
      throw Fault(
        .badData, "corpus.missingText", "This table has no column for the text", file: reader.file, place: "line 1",
        expected: "a column \"\(options.textField)\"",
        found: "the columns \(columns.prefix(12).map { "\"\($0.prefix(40))\"" }.joined(separator: ", "))",
        advice: "name the column that holds the text with --text-field" + (near.map { " \($0)" } ?? ""))
    }
    self.columns = columns
    textColumn = text
    labelColumns = options.labelFields.compactMap { name in index(name).map { (name, $0) } }
    idColumn = index("id")
    groupColumn = index("group")
  }

  var bytesRead: Int { reader.bytesRead }

  func next() throws -> CorpusRecord {
    guard !columns.isEmpty, let fields = try reader.next() else { return .end }
    guard fields.count == columns.count else {
      throw Fault(
        .badData, "corpus.csv", "A record has another number of fields than the header", file: reader.file,
        place: "line \(reader.recordLine)", expected: "\(columns.count) fields", found: "\(fields.count)",
        advice: "put quotes around fields that hold the separator")
    }
    guard let text = try string(fields[textColumn]) else { return .invalid }
    var document = Document(id: "", text: text, place: .init(file: reader.file, line: reader.recordLine))
    for column in labelColumns where !fields[column.index].isEmpty {
      guard let value = try string(fields[column.index]) else { return .invalid }
      do {
        document.labels[column.name] = try options.labelType.label(written: value)
      } catch var fault as Fault {
        (fault.file, fault.place) = (reader.file, "line \(reader.recordLine), column \(column.name)")
        throw fault
      }
    }
    if let groupColumn, !fields[groupColumn].isEmpty {
      guard let group = try string(fields[groupColumn]) else { return .invalid }
      document.group = group
    }
    guard let idColumn, !fields[idColumn].isEmpty else { return .document(document, hasOwnID: false) }
    guard let id = try string(fields[idColumn]) else { return .invalid }
    document.id = id
    return .document(document, hasOwnID: true)
  }

  private func string(_ field: [UInt8]) throws -> String? {
    try field.withUnsafeBytes {
      try decodeUTF8($0, policy: options.invalidUTF8, file: reader.file, line: reader.recordLine)
    }
  }
}
