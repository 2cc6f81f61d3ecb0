import CZlib
import Checkpoints
import Diagnostics
import Foundation

/// Writes one gzip file from pieces of any length, in fixed memory.
final class GzipFile {
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
  private let path: String

  private init(path: String) throws {
    self.path = path
    stream.initialize(to: z_stream())
    // 15: the largest window; +16: a gzip header, whose time stamp zlib leaves 0, so that equal input gives equal bytes.
    let status = deflateInit2_(
      stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw Fault(.software, "export.zlib", "zlib could not be started", file: path) }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    buffer.deallocate()
  }

  /// Writes a file through `body`, which is given a function that takes the pieces. The file appears under its name only
  /// when it is whole.
  ///
  /// - Throws: What `body` throws; `Fault` named `file.cannotCreate`, `file.write` or `export.zlib`.
  static func write(to url: URL, _ body: (([UInt8]) throws -> Void) throws -> Void) throws {
    try AtomicFile.write(to: url) { file in
      let gzip = try GzipFile(path: url.path)
      // An AtomicFile cannot be captured by a closure that lives on, so the pieces are gathered to a buffer's length.
      var pending: [UInt8] = []
      var compressed: [UInt8] = []
      try body { piece in
        pending += piece
        guard pending.count >= 1 << 18 else { return }
        try gzip.deflate(pending, into: &compressed, ends: false)
        pending.removeAll(keepingCapacity: true)
        try compressed.withUnsafeBytes { try file.write($0) }
        compressed.removeAll(keepingCapacity: true)
      }
      try gzip.deflate(pending, into: &compressed, ends: true)
      try compressed.withUnsafeBytes { try file.write($0) }
    }
  }

  private func deflate(_ bytes: [UInt8], into output: inout [UInt8], ends: Bool) throws {
    try bytes.withUnsafeBytes { input in
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(input.count)
      while true {
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(buffer.count)
        let status = CZlib.deflate(stream, ends ? Z_FINISH : Z_NO_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
          throw Fault(.software, "export.zlib", "zlib could not compress", file: path, found: "status \(status)")
        }
        let made = buffer.count - Int(stream.pointee.avail_out)
        output += UnsafeRawBufferPointer(rebasing: buffer[..<made])
        // A buffer that is not full holds all there was.
        if made < buffer.count { return }
      }
    }
  }
}
