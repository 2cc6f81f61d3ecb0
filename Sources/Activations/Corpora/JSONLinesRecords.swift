import Diagnostics
import StrictJSON

/// An object a line: `text` or `tokens`; optionally `id`, `label`, `group`, `spans: [{start, end, label}]`.
final class JSONLinesRecords: RecordReader {
  private let lines: LineReader
  private let options: CorpusOptions

  init(_ lines: LineReader, _ options: CorpusOptions) {
    self.lines = lines
    self.options = options
  }

  var bytesRead: Int { lines.bytesRead }

  func next() throws -> CorpusRecord {
    while let line = try lines.next() {
      // Empty lines between objects, as at the end of many files, are no documents.
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      return try record(line)
    }
    return .end
  }

  func record(_ line: UnsafeRawBufferPointer) throws -> CorpusRecord {
    guard let json = try parse(line) else { return .invalid }
    do {
      return try record(JSONReader(json, file: lines.file))
    } catch let fault as Fault where fault.name.hasPrefix("json.") {
      // The reader knows the key path; the line is known here.
      var fault = fault
      fault.name = "corpus.field"
      fault.place = "line \(lines.line)" + (fault.place.map { ", \($0)" } ?? "")
      throw fault
    }
  }

  private func parse(_ line: UnsafeRawBufferPointer) throws -> JSONValue? {
    do {
      if options.invalidUTF8 == .strict || String(validating: line, as: UTF8.self) != nil {
        return try JSONValue(parsing: line, file: lines.file)
      }
      if options.invalidUTF8 == .skip { return nil }
      return try JSONValue(parsing: String(decoding: line, as: UTF8.self), file: lines.file)
    } catch let fault as Fault {
      // A message about bytes is clearer than one about JSON where the bytes are at fault.
      _ = try decodeUTF8(line, policy: options.invalidUTF8, file: lines.file, line: lines.line)
      let isCutOff = !lines.lineWasEnded && fault.found == "the end of the file"
      // The parser saw one line as its whole document: its columns are right, its line number is not.
      let column = fault.place.flatMap { $0.split(separator: ",").last?.split(separator: "(").first }
      throw Fault(
        .badData, "corpus.json", isCutOff ? "The last line is cut off" : "This line is not a JSON object",
        file: lines.file,
        place: "line \(lines.line)" + (column.map { ",\($0)" } ?? "").trimmingSuffix(" "), expected: fault.expected,
        found: fault.found == "the end of the file" ? "the end of the line" : fault.found,
        advice: isCutOff ? "write the file again: it was not finished" : nil)
    }
  }

  private func record(_ object: JSONReader) throws -> CorpusRecord {
    guard case .object = object.value else { throw object.unexpected("an object") }
    var document = Document(id: "", place: .init(file: lines.file, line: lines.line))
    document.tokens = try object.optional("tokens").map(tokens)
    if let text = try object.optional(options.textField) {
      document.text = try text.string()
    } else if document.tokens == nil {
      throw missingText(object)
    }
    for field in options.labelFields {
      if let label = try object.optional(field) { document.labels[field] = try Self.label(label) }
    }
    document.group = try object.optional("group").map(name)
    if let spans = try object.optional("spans") {
      let length = document.text?.unicodeScalars.count ?? document.tokens?.count ?? 0
      document.spans = try spans.array().map { try span($0, length: length) }
    }
    guard let id = try object.optional("id") else { return .document(document, hasOwnID: false) }
    document.id = try name(id)
    return .document(document, hasOwnID: true)
  }

  private func missingText(_ object: JSONReader) -> Fault {
    let keys = (try? object.members().map(\.key)) ?? []
    return Fault(
      .badData, "corpus.missingText", "This document has no text", file: lines.file, place: "line \(lines.line)",
      expected: "the key \"\(options.textField)\" (or \"tokens\")",
      found: keys.isEmpty ? "no keys" : "the keys \(keys.prefix(8).map { "\"\($0)\"" }.joined(separator: ", "))",
      advice: "name the field that holds the text with --text-field")
  }

  private func tokens(_ reader: JSONReader) throws -> [Int32] {
    guard case .array(let elements) = reader.value else { throw reader.unexpected("an array of token ids") }
    return try elements.enumerated().map { index, element in
      guard case .integer(let id) = element, let token = Int32(exactly: id), token >= 0 else {
        throw JSONReader(element, file: reader.file, path: "\(reader.path)[\(index)]")
          .unexpected("a token id from 0 to \(Int32.max)")
      }
      return token
    }
  }

  /// Ids and groups are names; numbers are taken as they are written.
  private func name(_ reader: JSONReader) throws -> String {
    switch reader.value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return "\(number)"
    default: throw reader.unexpected("a string or a number")
    }
  }

  private static func label(_ reader: JSONReader) throws -> Label {
    switch reader.value {
    case .string(let text): return .text(text)
    case .integer(let number): return .number(Double(number))
    case .number(let number): return .number(number)
    case .bool(let flag): return .text(flag ? "true" : "false")
    default: throw reader.unexpected("a string or a number")
    }
  }

  private func span(_ reader: JSONReader, length: Int) throws -> Document.Span {
    let start = try reader.required("start").integer()
    let end = try reader.required("end").integer()
    guard 0 <= start, start <= end, end <= length else {
      throw reader.unexpected("0 ≤ start ≤ end ≤ \(length), the document's length", found: "\(start) to \(end)")
    }
    return Document.Span(start: start, end: end, label: try Self.label(reader.required("label")))
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
