import CZlib
import Checkpoints
import Foundation
import TestFiles
import Testing

@Suite struct NumPyArchiveTests {
  /// The archive entry by entry, by the descriptions of zip and of `.npy`.
  @Test func arraysAreWhereTheFormatSays() throws {
    let folder = try TemporaryFolder()
    let floats: [Float] = [1.5, -2, 3, 0, 5, 6.25]
    let ids = [7, 8].flatMap { (id: Int32) in withUnsafeBytes(of: id.littleEndian) { Array($0) } }
    try NumPyArchive.write(
      [
        .init(name: "blocks.1.attn.hook_z", shape: [1, 2, 3], floats: floats),
        .init(name: "tokens", type: .int32, shape: [2], bytes: ids),
      ], to: folder.file("a.npz"))
    let bytes = try [UInt8](Data(contentsOf: folder.file("a.npz")))
    func number(_ place: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 + Int(bytes[place + $1]) << (8 * $1) }
    }
    var place = 0
    var found: [String: (header: String, body: [UInt8])] = [:]
    while number(place, 4) == 0x0403_4B50 {
      let (checksum, size, length) = (number(place + 14, 4), number(place + 22, 4), number(place + 26, 2))
      let name = String(decoding: bytes[place + 30..<place + 30 + length], as: UTF8.self)
      let body = Array(bytes[place + 30 + length..<place + 30 + length + size])
      #expect(Int(crc32(0, body, uInt(size))) == checksum)
      #expect(body.prefix(8) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
      let start = 10 + Int(body[8]) + Int(body[9]) << 8
      #expect(start % 64 == 0)
      found[name] = (String(decoding: body[10..<start], as: UTF8.self), Array(body[start...]))
      place += 30 + length + size
    }
    let directory = place
    #expect(number(directory, 4) == 0x0201_4B50)
    let end = bytes.count - 22
    #expect(number(end, 4) == 0x0605_4B50 && number(end + 10, 2) == 2 && number(end + 16, 4) == directory)
    let entry = try #require(found["blocks.1.attn.hook_z.npy"])
    #expect(entry.header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }"))
    #expect(entry.header.hasSuffix("\n"))
    #expect(entry.body == floats.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
    #expect(found["tokens.npy"]?.header.contains("'<i4', 'fortran_order': False, 'shape': (2,)") == true)
    #expect(found["tokens.npy"]?.body == ids)
  }
}
