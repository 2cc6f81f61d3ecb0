import CFileDriver
import CKernels
import Diagnostics
import Foundation
import HDF5
import TestFiles
import Testing

@Suite("The driver that writes past the page cache") struct FileDriverTests {
  /// A file of the driver's, and what it must hold.
  private struct Pair {
    let path: String
    let file: OpaquePointer
    var model: [UInt8] = []

    init(_ path: String) throws {
      self.path = path
      let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o644)
      try #require(descriptor >= 0)
      file = try #require(written_open(path, descriptor, true))
    }

    mutating func write(_ bytes: [UInt8], at start: Int) {
      if model.count < start + bytes.count {
        model += [UInt8](repeating: 0, count: start + bytes.count - model.count)
      }
      model.replaceSubrange(start..<start + bytes.count, with: bytes)
      #expect(written_write(file, UInt64(start), bytes, bytes.count) == 0)
    }
  }

  /// SplitMix64.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }

  @Test("Whatever is written where, and how often, reads back, lies there and has its checksum", arguments: 0..<12)
  func anything(seed: UInt64) throws {
    let folder = try TemporaryFolder()
    var pair = try Pair(folder.file("a.bin").path)
    var generator = Numbers(state: seed)
    for _ in 0..<60 {
      let large = Bool.random(using: &generator)
      let count = Int.random(in: 0...(large ? 3 << 20 : 9000), using: &generator)
      var start = Int.random(in: 0...(6 << 20), using: &generator)
      if Bool.random(using: &generator) { start = start / 4096 * 4096 }
      let first = UInt8.random(in: 0...255, using: &generator)
      pair.write((0..<count).map { first &+ UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }, at: start)
      if Int.random(in: 0..<5, using: &generator) == 0 { #expect(written_flush(pair.file) == 0) }
      let from = Int.random(in: 0...pair.model.count, using: &generator)
      let some = Int.random(in: 0...min(1 << 17, pair.model.count - from), using: &generator)
      var found = [UInt8](repeating: 1, count: some)
      #expect(written_read(pair.file, UInt64(from), &found, some) == 0)
      #expect(found.elementsEqual(pair.model[from..<from + some]))
    }
    var crc: UInt32 = 0
    let length = pair.model.count
    #expect(written_flush(pair.file) == 0 && written_truncate(pair.file, UInt64(length)) == 0)
    #expect(written_checksum(pair.file, UInt64(length), &crc) == 0)
    #expect(written_close(pair.file) == 0)
    #expect(crc == unfold_crc32c_portable(0, pair.model, length))
    #expect(FileManager.default.contents(atPath: pair.path).map { Array($0) } == pair.model)
  }

  @Test("More small pieces than stay in memory are all there") func manyPages() throws {
    let folder = try TemporaryFolder()
    var pair = try Pair(folder.file("a.bin").path)
    // Every other page, so that none is joined to its neighbour: twice over what is kept.
    let (page, count) = (4096, 10_000)
    pair.model = [UInt8](repeating: 0, count: 2 * page * count)
    for number in (0..<count).shuffled() {
      let byte = UInt8(truncatingIfNeeded: number | 1)
      pair.write([byte, byte], at: 2 * page * number + 100)
    }
    var crc: UInt32 = 0
    #expect(written_flush(pair.file) == 0 && written_truncate(pair.file, UInt64(pair.model.count)) == 0)
    #expect(written_checksum(pair.file, UInt64(pair.model.count), &crc) == 0 && written_close(pair.file) == 0)
    #expect(crc == unfold_crc32c_portable(0, pair.model, pair.model.count))
    #expect(FileManager.default.contents(atPath: pair.path).map { Array($0) } == pair.model)
  }

  @Test("A file that is closed says its size and checksum") func closing() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5").path
    let file = try H5File(creating: path)
    let rows = 3000
    let dataset = try file.makeDataset("x", .float32, shape: [rows, 256], chunk: [700, 256])
    let values = (0..<rows * 256).map { Float($0) }
    try dataset.write(values)
    try dataset.close()
    try file.setAttribute("text", String(repeating: "é", count: 1000))
    try file.flush()
    let written = try #require(try file.close())
    let bytes = try #require(FileManager.default.contents(atPath: path)).map { $0 }
    #expect(written.bytes == bytes.count && written.crc32c == unfold_crc32c_portable(0, bytes, bytes.count))
    let opened = try H5File(opening: path)
    #expect(try opened.dataset("x").read(as: Float.self) == values)
    #expect(try opened.close() == nil)
  }

  @Test("The checksum of two parts is that of the whole") func joined() {
    let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
    for cut in [0, 1, 7, 4096, 35_000, 69_999, 70_000] {
      let (first, second) = (Array(bytes[..<cut]), Array(bytes[cut...]))
      let sum = unfold_crc32c_joined(
        unfold_crc32c(0, first, first.count), unfold_crc32c(0, second, second.count), UInt64(second.count))
      #expect(sum == unfold_crc32c_portable(0, bytes, bytes.count), "cut at \(cut)")
    }
    // Zeros behind a value, however many, come to the same in one step or in two.
    let far = unfold_crc32c_joined(0x1234_5678, 0, 5 << 40)
    #expect(far == unfold_crc32c_joined(unfold_crc32c_joined(0x1234_5678, 0, 2 << 40), 0, 3 << 40))
  }
}
