import CZlib

/// One gzip member.
func gzip(_ bytes: [UInt8]) -> [UInt8] { compress { $0(bytes) } }

/// One gzip member of the same byte many times, never held uncompressed.
func gzip(repeating byte: UInt8, count: Int) -> [UInt8] {
  let piece = [UInt8](repeating: byte, count: 1 << 20)
  return compress { write in
    for _ in 0..<count / piece.count { write(piece) }
  }
}

private func compress(_ body: (([UInt8]) -> Void) -> Void) -> [UInt8] {
  var stream = z_stream()
  var result: [UInt8] = []
  guard
    deflateInit2_(
      &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { return [] }
  var output = [UInt8](repeating: 0, count: 1 << 16)
  func push(_ bytes: [UInt8], _ flush: Int32) {
    var bytes = bytes
    bytes.withUnsafeMutableBufferPointer { input in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      repeat {
        output.withUnsafeMutableBufferPointer { buffer in
          stream.next_out = buffer.baseAddress
          stream.avail_out = UInt32(buffer.count)
          deflate(&stream, flush)
          result += buffer.prefix(buffer.count - Int(stream.avail_out))
        }
      } while stream.avail_out == 0
    }
  }
  body { push($0, Z_NO_FLUSH) }
  push([], Z_FINISH)
  deflateEnd(&stream)
  return result
}
