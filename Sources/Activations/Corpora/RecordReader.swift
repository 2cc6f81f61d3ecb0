import Diagnostics
import Foundation

/// What a reader of one file finds next.
enum CorpusRecord {
  case document(Document, hasOwnID: Bool)
  /// A document left out because its bytes are not UTF-8.
  case invalid
  case end
}

/// Reads the documents of one file.
protocol RecordReader: AnyObject {
  var bytesRead: Int { get }
  func next() throws -> CorpusRecord
}

/// A document a line.
final class LineRecords: RecordReader {
  private let lines: LineReader
  private let options: CorpusOptions

  init(_ lines: LineReader, _ options: CorpusOptions) {
    self.lines = lines
    self.options = options
  }

  var bytesRead: Int { lines.bytesRead }

  func next() throws -> CorpusRecord {
    guard let line = try lines.next() else { return .end }
    return try record(line)
  }

  func record(_ line: UnsafeRawBufferPointer) throws -> CorpusRecord {
    guard let text = try decodeUTF8(line, policy: options.invalidUTF8, file: lines.file, line: lines.line) else {
      return .invalid
    }
    return .document(
      Document(id: "", text: text, place: .init(file: lines.file, line: lines.line)), hasOwnID: false)
  }
}

/// Standard input: JSON lines or plain lines, as its first line tells.
final class SniffedRecords: RecordReader {
  private let lines: LineReader
  private let json: JSONLinesRecords
  private let plain: LineRecords
  private var isJSON: Bool?

  init(_ lines: LineReader, _ options: CorpusOptions) {
    self.lines = lines
    json = JSONLinesRecords(lines, options)
    plain = LineRecords(lines, options)
  }

  var bytesRead: Int { lines.bytesRead }

  func next() throws -> CorpusRecord {
    if let isJSON { return try isJSON ? json.next() : plain.next() }
    guard let line = try lines.next() else { return .end }
    let begin = line.first { $0 != 0x20 && $0 != 0x09 }
    let isJSON = begin == UInt8(ascii: "{")
    self.isJSON = isJSON
    return try isJSON ? json.record(line) : plain.record(line)
  }
}

/// A file that is one document; a byte order mark at its start is left out, everything else kept.
final class WholeFileRecords: RecordReader {
  private let stream: ByteStream
  private let options: CorpusOptions
  private var isDone = false

  init(_ stream: ByteStream, options: CorpusOptions) {
    self.stream = stream
    self.options = options
  }

  var bytesRead: Int { stream.bytesRead }

  func next() throws -> CorpusRecord {
    guard !isDone else { return .end }
    isDone = true
    var bytes: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try stream.read(into: buffer)
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= options.maximumDocumentBytes else {
        throw documentTooLong(file: stream.file, line: nil, maximumBytes: options.maximumDocumentBytes)
      }
    }
    let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let text = try bytes.withUnsafeBytes {
      try decodeUTF8(
        UnsafeRawBufferPointer(rebasing: $0[mark...]), policy: options.invalidUTF8, file: stream.file, line: nil)
    }
    guard let text else { return .invalid }
    return .document(Document(id: "", text: text, place: .init(file: stream.file, line: nil)), hasOwnID: false)
  }
}
