import Diagnostics

/// The records of a comma- or tab-separated file (RFC 4180): quoted fields may hold the separator, doubled quotes and line
/// ends. Memory grows with the longest record alone.
final class DelimitedReader {
  /// The number of the line where the record returned last begins, from 1.
  private(set) var recordLine = 0
  private let lines: LineReader
  private let separator: UInt8
  private let maximumBytes: Int

  init(_ lines: LineReader, separator: UInt8, maximumBytes: Int) {
    self.lines = lines
    self.separator = separator
    self.maximumBytes = maximumBytes
  }

  var bytesRead: Int { lines.bytesRead }
  var file: String { lines.file }

  /// The fields of the next record, empty lines passed over; nil after the last.
  func next() throws -> [[UInt8]]? {
    while let first = try lines.next() {
      if first.isEmpty { continue }
      recordLine = lines.line
      return try record(beginning: first)
    }
    return nil
  }

  private func record(beginning first: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    var fields: [[UInt8]] = []
    var field: [UInt8] = []
    var total = 0
    var quoted = false
    var line = first
    var index = 0
    // At the start of a field a quote opens it; elsewhere in an unquoted field it is a character like any other.
    var atStart = true
    while true {
      if index == line.count {
        guard quoted else { break }
        // The end of the line is part of the field, as it is written.
        let hadReturn = lines.lineHadReturn
        guard lines.lineWasEnded, let next = try lines.next() else { throw unterminated() }
        if hadReturn { field.append(0x0D) }
        field.append(0x0A)
        total += 2 + next.count
        guard total <= maximumBytes else {
          throw documentTooLong(file: file, line: recordLine, maximumBytes: maximumBytes)
        }
        line = next
        index = 0
        continue
      }
      let byte = line[index]
      index += 1
      if quoted {
        if byte != UInt8(ascii: "\"") {
          field.append(byte)
        } else if index < line.count, line[index] == UInt8(ascii: "\"") {
          field.append(byte)
          index += 1
        } else {
          quoted = false
          guard index == line.count || line[index] == separator else { throw behindQuote(line[index]) }
        }
      } else if byte == separator {
        fields.append(field)
        field = []
        atStart = true
        continue
      } else if byte == UInt8(ascii: "\""), atStart {
        quoted = true
      } else {
        field.append(byte)
      }
      atStart = false
    }
    fields.append(field)
    return fields
  }

  private func unterminated() -> Fault {
    Fault(
      .badData, "corpus.csv", "A quoted field is never closed", file: file, place: "the record of line \(recordLine)",
      expected: "a closing quote", found: "the end of the file",
      advice: "double every quote within a quoted field")
  }

  private func behindQuote(_ byte: UInt8) -> Fault {
    Fault(
      .badData, "corpus.csv", "Text follows a closing quote", file: file, place: "line \(lines.line)",
      expected: "a separator or the end of the line", found: "\"\(String(decoding: [byte], as: UTF8.self))\"",
      advice: "double every quote within a quoted field")
  }
}
