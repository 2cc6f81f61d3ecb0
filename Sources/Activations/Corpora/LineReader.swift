import Diagnostics
import Foundation

/// The lines of a byte stream, one at a time; memory grows with the longest line alone.
final class LineReader {
  /// The number of the line returned last, from 1.
  private(set) var line = 0
  /// Whether the line returned last ended with a line feed, as all but the last of a file do.
  private(set) var lineWasEnded = true
  /// Whether a carriage return stood before that end, and was left out with it.
  private(set) var lineHadReturn = false
  var bytesRead: Int { stream.bytesRead }
  var file: String { stream.file }

  private let stream: ByteStream
  private let maximumBytes: Int
  private var buffer: UnsafeMutableRawBufferPointer
  /// What of the buffer is read and not yet returned.
  private var range = 0..<0
  private var ended = false

  init(_ stream: ByteStream, maximumBytes: Int) {
    self.stream = stream
    self.maximumBytes = maximumBytes
    buffer = .allocate(byteCount: 1 << 18, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// The next line without its ending (LF or CRLF), nor a byte order mark before the first; nil after the last.
  ///
  /// The bytes stay valid until the next call.
  func next() throws -> UnsafeRawBufferPointer? {
    var searched = 0
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: buffer[range])
      if let end = rest.indexOfLineFeed(from: searched) {
        range = range.dropFirst(end + 1)
        lineWasEnded = true
        return finished(rest[..<end])
      }
      searched = rest.count
      guard searched <= maximumBytes else { throw tooLong() }
      if ended {
        guard searched > 0 else { return nil }
        range = range.upperBound..<range.upperBound
        lineWasEnded = false
        return finished(rest[...])
      }
      try fill()
    }
  }

  private func finished(_ slice: Slice<UnsafeRawBufferPointer>) -> UnsafeRawBufferPointer {
    var slice = slice
    line += 1
    if line == 1, slice.starts(with: [0xEF, 0xBB, 0xBF]) { slice = slice.dropFirst(3) }
    lineHadReturn = slice.last == 0x0D
    if lineHadReturn { slice = slice.dropLast() }
    return UnsafeRawBufferPointer(rebasing: slice)
  }

  /// Reads behind what is left, which is moved to the start, into a larger buffer where it fills more than half.
  private func fill() throws {
    let larger = range.count > buffer.count / 2
    if larger || range.lowerBound > 0 {
      let target = larger ? .allocate(byteCount: buffer.count * 2, alignment: 64) : buffer
      // The two may overlap; this is a memmove.
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[range]))
      if larger {
        buffer.deallocate()
        buffer = target
      }
      range = 0..<range.count
    }
    let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[range.upperBound...]))
    ended = count == 0
    range = range.lowerBound..<range.upperBound + count
  }

  private func tooLong() -> Fault { documentTooLong(file: file, line: line + 1, maximumBytes: maximumBytes) }
}

/// The fault of a document beyond `CorpusOptions.maximumDocumentBytes`.
func documentTooLong(file: String, line: Int?, maximumBytes: Int) -> Fault {
  Fault(
    .badData, "corpus.documentTooLong", "A document is longer than is allowed", file: file,
    place: line.map { "line \($0)" }, expected: "at most \(maximumBytes) bytes",
    found: "more, after decompression where the file is compressed",
    advice: "check that the file is what it should be; split long documents into several")
}

extension UnsafeRawBufferPointer {
  /// The first line feed at or after an index.
  fileprivate func indexOfLineFeed(from start: Int) -> Int? {
    guard let base = baseAddress, start < count, let found = memchr(base + start, 0x0A, count - start) else {
      return nil
    }
    return UnsafeRawPointer(found) - base
  }
}
