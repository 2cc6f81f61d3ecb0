import CZlib
import Diagnostics
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The bytes of a file or of standard input from start to end, decompressed where they are gzipped.
///
/// Gzip is known by its first two bytes, whatever the file is called; several members in one file are read as one.
/// Memory: two buffers of fixed size.
final class ByteStream {
  let file: String
  /// Bytes taken from the file so far (compressed ones, where it is compressed).
  private(set) var bytesRead = 0

  private static let capacity = 1 << 18
  private let descriptor: Int32
  private let ownsDescriptor: Bool
  /// What was read and is not yet decompressed, or not yet handed on.
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
  private var inputRange = 0..<0
  private var inputEnded = false
  private var inflater: Inflater?
  private var started = false

  /// Opens a file, or standard input where `url` is nil.
  init(_ url: URL?) throws {
    guard let url else {
      file = "standard input"
      descriptor = STDIN_FILENO
      ownsDescriptor = false
      return
    }
    file = url.path
    descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    ownsDescriptor = true
    guard descriptor >= 0 else {
      throw Fault(
        .noInput, "corpus.unreadable", "This corpus cannot be opened", file: file,
        found: String(cString: strerror(errno)))
    }
    #if !canImport(Darwin)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    #endif
  }

  deinit {
    input.deallocate()
    if ownsDescriptor, descriptor >= 0 { close(descriptor) }
  }

  /// Fills the start of a buffer.
  /// - Returns: how many bytes; 0 at the end alone.
  func read(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    precondition(!output.isEmpty, "an empty buffer cannot be filled")
    if !started {
      started = true
      // Two bytes tell gzip; a pipe may give them one by one.
      while inputRange.count < 2, !inputEnded { try refill() }
      if inputRange.count >= 2, input[0] == 0x1F, input[1] == 0x8B { inflater = try Inflater(file: file) }
    }
    if inflater != nil { return try decompress(into: output) }
    if inputRange.isEmpty { try refill() }
    let count = min(inputRange.count, output.count)
    output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[inputRange.prefix(count)]))
    inputRange = inputRange.dropFirst(count)
    return count
  }

  private func decompress(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let inflater else { return 0 }
    while true {
      if inputRange.isEmpty, !inputEnded { try refill() }
      if inputRange.isEmpty {
        guard inflater.isBetweenMembers else {
          throw Fault(
            .badData, "corpus.gzip", "This gzipped file is cut off", file: file, place: "byte \(bytesRead)",
            expected: "the end of the compressed data", found: "the end of the file",
            advice: "download or compress it again")
        }
        return 0
      }
      let (taken, made) = try inflater.inflate(
        UnsafeRawBufferPointer(rebasing: input[inputRange]), into: output, at: bytesRead - inputRange.count)
      inputRange = inputRange.dropFirst(taken)
      if made > 0 { return made }
    }
  }

  /// Reads more behind what is left, which is moved to the start first.
  private func refill() throws {
    guard !inputEnded, let start = input.baseAddress else { return }
    if inputRange.lowerBound > 0 {
      start.copyMemory(from: start + inputRange.lowerBound, byteCount: inputRange.count)
      inputRange = 0..<inputRange.count
    }
    while true {
      let count = systemRead(descriptor, start + inputRange.upperBound, Self.capacity - inputRange.upperBound)
      if count < 0 {
        if errno == EINTR { continue }
        let code = errno
        throw Fault(
          code == EISDIR ? .noInput : .inputOutput, "corpus.reading", "Reading this corpus failed", file: file,
          place: "byte \(bytesRead)", found: String(cString: strerror(code)))
      }
      bytesRead += count
      inputEnded = count == 0
      inputRange = 0..<inputRange.upperBound + count
      return
    }
  }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  #if canImport(Darwin)
    Darwin.read(descriptor, buffer, count)
  #elseif canImport(Musl)
    Musl.read(descriptor, buffer, count)
  #else
    Glibc.read(descriptor, buffer, count)
  #endif
}

/// zlib's state for one gzip file.
private final class Inflater {
  private let file: String
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  /// Whether a member has ended and none has begun since.
  private(set) var isBetweenMembers = false

  init(file: String) throws {
    self.file = file
    stream.initialize(to: z_stream())
    // 15: the largest window; +16: a gzip header.
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      throw Fault(.software, "corpus.zlib", "zlib could not be started", file: file)
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// - Parameter offset: where `input` begins in the file, for messages.
  func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at offset: Int) throws
    -> (taken: Int, made: Int)
  {
    if isBetweenMembers {
      // Zeros may pad a file's end (tape blocks); anything else must be another member.
      let zeros = input.prefix { $0 == 0 }.count
      if zeros > 0 { return (zeros, 0) }
      guard inflateReset(stream) == Z_OK else { throw damaged(offset) }
      isBetweenMembers = false
    }
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(input.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let room = min(output.count, Int(UInt32.max))
    stream.pointee.avail_out = UInt32(room)
    let status = CZlib.inflate(stream, Z_NO_FLUSH)
    let taken = input.count - Int(stream.pointee.avail_in)
    let made = room - Int(stream.pointee.avail_out)
    switch status {
    case Z_OK: break
    case Z_STREAM_END: isBetweenMembers = true
    // No progress was possible: more input is needed.
    case Z_BUF_ERROR where input.isEmpty || taken > 0 || made > 0: break
    default: throw damaged(offset + taken)
    }
    return (taken, made)
  }

  private func damaged(_ offset: Int) -> Fault {
    Fault(
      .badData, "corpus.gzip", "This gzipped file is damaged", file: file, place: "byte \(offset)",
      expected: "valid compressed data", found: stream.pointee.msg.map { String(cString: $0) } ?? "other bytes",
      advice: "download or compress it again")
  }
}
