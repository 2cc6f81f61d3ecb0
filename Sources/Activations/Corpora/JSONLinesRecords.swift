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
    guard let line = try nextLine() else { return .end }
    return try record(line)
  }

  /// Empty lines between objects, as at the end of many files, are no documents.
  private func nextLine() throws -> UnsafeRawBufferPointer? {
    while let line = try lines.next() {
      if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return line }
    }
    return nil
  }

  /// The next line as an object of whatever fields; nil after the last. Lines that are left out are passed over.
  func nextObject() throws -> JSONReader? {
    while let line = try nextLine() {
      if let json = try parse(line) { return JSONReader(json, file: lines.file) }
    }
    return nil
  }

  func record(_ line: UnsafeRawBufferPointer) throws -> CorpusRecord {
    guard let json = try parse(line) else { return .invalid }
    return try placing { try record(JSONReader(json, file: lines.file)) }
  }

  /// Adds the line to complaints of `body`, which know the key path alone.
  func placing<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch var fault as Fault where fault.name.hasPrefix("json.") || fault.name == "corpus.label" {
      if fault.name != "corpus.label" { fault.name = "corpus.field" }
      fault.place = "line \(lines.line)" + (fault.place.map { ", \($0)" } ?? "")
      fault.advice = fault.advice ?? "correct the line, or leave the field out"
      throw fault
    }
  }

  private func parse(_ line: UnsafeRawBufferPointer) throws -> JSONValue? {
    do {
      var halves = 0
      let policy = options.invalidUTF8
      let isValid = policy == .strict || String(validating: line, as: UTF8.self) != nil
      if !isValid, policy == .skip { return nil }
      let value =
        isValid
        ? try JSONValue(parsing: line, file: lines.file, keepsNumbers: true, countingHalves: &halves)
        : try Array(String(decoding: line, as: UTF8.self).utf8).withUnsafeBytes {
          try JSONValue(parsing: $0, file: lines.file, keepsNumbers: true, countingHalves: &halves)
        }
      if halves > 0, policy == .skip { return nil }
      if halves > 0, policy == .strict { throw halfOfPair() }
      return value
    } catch let fault as Fault where fault.name == "json.invalid" {
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
        advice: isCutOff
          ? "write the file again: it was not finished"
          : "write each document as one JSON object on one line; plain text lines go into a .txt file")
    }
  }

  private func halfOfPair() -> Fault {
    Fault(
      .badData, "corpus.invalidUTF8", "A text holds half of a surrogate pair, which is no character", file: lines.file,
      place: "line \(lines.line)", expected: "escapes such as \\ud83d\\ude42 in pairs", found: "one without the other",
      advice: "correct the line, or read it with invalid UTF-8 set to replace or skip")
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
      if let label = try object.optional(field) { document.labels[field] = try options.labelType.label(label) }
    }
    document.group = try object.optional("group").map(Self.name)
    if let spans = try object.optional("spans") {
      let length = document.text?.unicodeScalars.count ?? document.tokens?.count ?? 0
      document.spans = try spans.array().map { try span($0, length: length) }
    }
    guard let id = try object.optional("id") else { return .document(document, hasOwnID: false) }
    document.id = try Self.name(id)
    return .document(document, hasOwnID: true)
  }

  private func missingText(_ object: JSONReader) -> Fault {
    let members = (try? object.members()) ?? []
    let keys = members.map(\.key)
    // A key whose value is null counts as absent.
    if keys.contains(where: { $0.utf8.elementsEqual(options.textField.utf8) }) {
      return Fault(
        .badData, "corpus.missingText", "This document's text is null", file: lines.file, place: "line \(lines.line)",
        expected: "a string under the key \"\(options.textField)\"", found: "null",
        advice: "write \"\" for an empty text, or leave the document out")
    }
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
          .unexpected("a token id from 0 to \(Int32.max)", advice: "give tokens as ids of the model's vocabulary")
      }
      return token
    }
  }

  /// Ids and groups are names; numbers are taken as they are written.
  static func name(_ reader: JSONReader) throws -> String {
    switch reader.value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return "\(number)"
    case .decimal(let text): return text
    default: throw reader.unexpected("a string or a number", advice: "give ids and groups as strings")
    }
  }

  private func span(_ reader: JSONReader, length: Int) throws -> Document.Span {
    let start = try reader.required("start").integer()
    let end = try reader.required("end").integer()
    guard 0 <= start, start <= end, end <= length else {
      throw reader.unexpected(
        "0 ≤ start ≤ end ≤ \(length), the document's length", found: "\(start) to \(end)",
        advice: "count spans in characters (Unicode scalars) of the text, not in bytes or tokens")
    }
    return Document.Span(start: start, end: end, label: try options.labelType.label(reader.required("label")))
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
