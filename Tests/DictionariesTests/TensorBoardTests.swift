import Dictionaries
import Foundation
import TestFiles
import Testing

struct TensorBoardTests {
  /// The bytes of an event as another implementation of CRC-32C and of the wire format gives them.
  @Test func writesTheFormat() throws {
    let folder = try TemporaryFolder()
    let url = folder.file("events")
    let file = try TensorBoardFile(url, length: 0)
    let head = file.length
    try file.append([("fvu", 0.25)], step: 300, time: Date(timeIntervalSince1970: 1.5))
    let bytes = [UInt8](try Data(contentsOf: url))
    #expect(bytes.count == file.length)
    let event = bytes[head...].map { String(format: "%02x", $0) }.joined()
    #expect(event == "1a00000000000000129bd82d09000000000000f83f10ac022a0c0a0a0a03667675150000803e74054723")
    // The first record: its length, its checksum, wall time, and the version.
    #expect(Array(bytes[..<8]) == [UInt8(head - 16), 0, 0, 0, 0, 0, 0, 0])
    #expect(String(decoding: bytes[..<head], as: UTF8.self).contains("brain.Event:2"))
  }

  /// A file that is opened again at an earlier length is cut back to it.
  @Test func goesOnWhereACheckpointStood() throws {
    let folder = try TemporaryFolder()
    let url = folder.file("events")
    let file = try TensorBoardFile(url, length: 0)
    try file.append([("a", 1)], step: 1)
    let length = file.length
    try file.append([("a", 2)], step: 2)
    #expect(try TensorBoardFile(url, length: length).length == length)
    #expect(try Data(contentsOf: url).count == length)
  }
}
