import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct SafetensorsTests {
  @Test func whatIsWrittenIsRead() throws {
    let scratch = try TemporaryFolder()
    let url = scratch.url.appending(path: "model.safetensors")
    let half: [UInt8] = [0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00, 0xFF, 0x7B, 0x00, 0x7C, 0x00, 0x80]
    try SafetensorsWriter.write(
      [
        .init(name: "scalar", shape: [], floats: [2.5]),
        .init(name: "a \"quoted\"\u{1}\n\\ name", shape: [2, 3], floats: [1, -2, 3, .infinity, 0.1, -0]),
        .init(name: "half", type: .float16, shape: [6], bytes: half),
        .init(name: "brain", type: .bfloat16, shape: [2], bytes: [0x80, 0x3F, 0x49, 0xC0]),
        .init(name: "none", type: .int64, shape: [4, 0, 7], bytes: []),
        .init(name: "bytes", type: .uint8, shape: [3], bytes: [7, 8, 9]),
      ], metadata: ["format": "pt", "a": "é"], to: url)
    let file = try SafetensorsFile(contentsOf: url)
    #expect(file.tensors.map(\.name) == ["scalar", "a \"quoted\"\u{1}\n\\ name", "half", "brain", "none", "bytes"])
    #expect(file["scalar"]?.shape == [])
    #expect(try file["scalar"]?.floats() == [2.5])
    #expect(try file["a \"quoted\"\u{1}\n\\ name"]?.floats() == [1, -2, 3, .infinity, 0.1, -0])
    #expect(try file["half"]?.floats() == [1, -2, 0x1p-24, 65504, .infinity, -0])
    #expect(try file["brain"]?.floats() == [1, -3.140625])
    #expect(file["none"]?.count == 0)
    #expect(file["bytes"]?.withUnsafeBytes { Array($0) } == [7, 8, 9])
    #expect(file.metadata.map(\.key) == ["a", "format"])
    #expect(fault { try file["bytes"]?.floats() as Any }?.name == "checkpoints.elementType")
    #expect(!FileManager.default.fileExists(atPath: url.path + ".part"))
    let bytes = try Data(contentsOf: url)
    #expect(file.withUnsafeHeaderBytes { $0.count } % 8 == 0)
    #expect(bytes.count == file.byteCount)
  }

  @Test func namesAreComparedByBytes() throws {
    let scratch = try TemporaryFolder()
    let url = scratch.url.appending(path: "x.safetensors")
    try SafetensorsWriter.write(
      [.init(name: "\u{E9}", shape: [1], floats: [1]), .init(name: "e\u{301}", shape: [1], floats: [2])], to: url)
    let file = try SafetensorsFile(contentsOf: url)
    #expect(try file["\u{E9}"]?.floats() == [1])
    #expect(try file["e\u{301}"]?.floats() == [2])
  }

  /// A file cut off at any byte is refused, and a flipped bit anywhere never ends the process.
  @Test func damage() throws {
    let scratch = try TemporaryFolder()
    let url = scratch.url.appending(path: "x.safetensors")
    try SafetensorsWriter.write(
      [.init(name: "a", shape: [2], floats: [1, 2]), .init(name: "b", shape: [], floats: [3])],
      metadata: ["k": "v"], to: url)
    let whole = Array(try Data(contentsOf: url))
    for length in whole.indices {
      let cut = try scratch.write(whole[..<length], "cut")
      let found = fault { try SafetensorsFile(contentsOf: cut) }
      #expect(found?.kind == .badData)
      #expect(found?.file?.hasPrefix(cut.path) == true)
    }
    for bit in 0..<whole.count * 8 {
      var flipped = whole
      flipped[bit / 8] ^= 1 << (bit % 8)
      do {
        _ = try SafetensorsFile(contentsOf: try scratch.write(flipped, "flipped"))
      } catch let fault as Fault {
        #expect(fault.kind == .badData)
      }
    }
  }

  @Test(arguments: [
    // The header's length.
    ("{}", 0, UInt64.max, "checkpoints.header"),
    ("{}", 0, 100_000_001, "checkpoints.header"),
    ("{}", 0, 99_000_000, "checkpoints.truncated"),
    ("{}", 0, 0, "json.invalid"),
    // What the header is.
    ("[]", 0, nil, "checkpoints.header"),
    ("{", 0, nil, "json.invalid"),
    ("{\"a\":1}", 0, nil, "json.unexpected"),
    ("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, nil, "json.missing"),
    ("{\"__metadata__\":{\"a\":1}}", 0, nil, "json.unexpected"),
    // The same tensor twice.
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, nil, "json.invalid"
    ),
    // Types, shapes and ranges.
    ("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, nil, "checkpoints.elementType"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, nil, "json.unexpected"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, nil, "json.unexpected"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1e30],\"data_offsets\":[0,4]}}", 4, nil, "json.unexpected"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4, nil,
      "checkpoints.shapeOverflow"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807,0],\"data_offsets\":[0,4]}}", 4,
      nil, "checkpoints.tensorRange"
    ),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, nil, "checkpoints.tensorRange"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, nil, "checkpoints.tensorRange"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, nil, "checkpoints.tensorRange"),
    (
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[9223372036854775807,9223372036854775807]}}", 4, nil,
      "checkpoints.tensorRange"
    ),
    // Holes, overlaps and tails.
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, nil, "checkpoints.tensorRange"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 6, nil, "checkpoints.tensorRange"
    ),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5, nil, "checkpoints.trailingBytes"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, nil, "checkpoints.truncated"),
    ("{}", 1, nil, "checkpoints.trailingBytes"),
  ])
  func attack(header: String, data: Int, length: UInt64?, name: String) throws {
    let scratch = try TemporaryFolder()
    let url = try scratch.write(safetensors(header, data: data, length: length), "model.safetensors")
    let found = fault { try SafetensorsFile(contentsOf: url) }
    #expect(found?.name == name)
    #expect(found?.kind == .badData)
    #expect(found?.file?.contains(url.path) == true)
    #expect(found?.found != nil)
  }

  @Test func whiteSpaceAndEmptyTablesAreLegal() throws {
    let scratch = try TemporaryFolder()
    let text = " \n{ \"a\" : {\"dtype\":\"F32\", \"shape\":[], \"data_offsets\":[0,4]} }  "
    #expect(try SafetensorsFile(contentsOf: scratch.write(safetensors(text, data: 4), "a")).tensors.count == 1)
    #expect(try SafetensorsFile(contentsOf: scratch.write(safetensors("{}"), "b")).tensors.isEmpty)
  }

  @Test func otherFormatsAreNamed() throws {
    let scratch = try TemporaryFolder()
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 548105171\n"
    let cases: [([UInt8], String)] = [
      (Array(pointer.utf8), "file.gitLFSPointer"),
      (Array("GGUF".utf8) + [3, 0, 0, 0, 0, 0, 0, 0], "checkpoints.gguf"),
      ([0x80, 0x02, 0x7D, 0x71, 0x00, 0x28, 0x58, 0x05], "checkpoints.pickle"),
      (Array("PK\u{3}\u{4}".utf8) + [0, 0, 8, 8, 0, 0], "checkpoints.pickle"),
    ]
    for (bytes, name) in cases {
      let found = fault { try SafetensorsFile(contentsOf: scratch.write(bytes, "model.safetensors")) }
      #expect(found?.name == name)
      #expect(found?.advice != nil)
    }
  }

  @Test func aHundredThousandTensors() throws {
    let scratch = try TemporaryFolder()
    let url = scratch.url.appending(path: "many.safetensors")
    try SafetensorsWriter.write(
      (0..<100_000).map { .init(name: "layers.\($0).weight", type: .uint8, shape: [1], bytes: [UInt8($0 & 255)]) },
      to: url)
    let clock = ContinuousClock()
    var file: SafetensorsFile?
    let time = try clock.measure { file = try SafetensorsFile(contentsOf: url) }
    #expect(file?["layers.99999.weight"]?.withUnsafeBytes { $0[0] } == UInt8(99_999 & 255))
    #expect(time < .seconds(20))

    // The same with the last two overlapping: found without comparing every pair.
    var bytes = Array(try Data(contentsOf: url))
    let last = Array("[99999,100000]".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: last) })
    bytes.replaceSubrange(place..<place + last.count, with: Array("[99998, 99999]".utf8))
    let found = fault { try SafetensorsFile(contentsOf: scratch.write(bytes, "overlap.safetensors")) }
    #expect(found?.name == "checkpoints.tensorRange")
  }

  @Test func writingSaysWhyItCannot() throws {
    let scratch = try TemporaryFolder()
    let url = scratch.url.appending(path: "absent/x.safetensors")
    let found = fault { try SafetensorsWriter.write([], to: url) }
    #expect(found?.name == "file.cannotCreate")
    #expect(found?.kind == .cannotCreate)
  }
}
