import Diagnostics
import Foundation
import HDF5
import TestFiles
import Testing

@Suite(.serialized) struct HDF5Tests {
  @Test func everyTypeComesBackAsWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5").path
    do {
      let file = try H5File(creating: path)
      try file.setAttribute("title", "activité \u{1F600}")
      try file.setAttribute("numbers", ["one", "", "three"])
      try file.setAttribute("version", Int64(3))
      let group = try file.makeGroup("group")
      let floats = try group.makeDataset("float32", .float32, shape: [2, 3])
      try floats.write([Float(1), 2, 3, 4, 5, -.infinity])
      try floats.close()
      let halves = try group.makeDataset("float16", .float16, shape: [2])
      try [UInt16(0x3C00), 0xC000].withUnsafeBytes { try halves.write($0) }
      try halves.close()
      let texts = try group.makeDataset("texts", .string, shape: [3])
      try texts.write(["", "é", "e\u{301}"])
      try texts.close()
      let integers = try group.makeDataset("int32", .int32, shape: [0, 4], chunk: [2, 4], growing: true)
      try integers.setLength(3)
      try integers.write((0..<12).map(Int32.init), at: [0, 0], shape: [3, 4])
      try integers.close()
      try group.close()
      try file.close()
    }
    do {
      let file = try H5File(opening: path)
      #expect(try file.textAttribute("title") == "activité \u{1F600}")
      #expect(try file.numberAttribute("version", as: Int64.self) == 3)
      #expect(try file.textAttribute("none") == nil)
      let group = try file.group("group")
      #expect(try group.members() == ["float32", "float16", "texts", "int32"])
      #expect(try file.dataset("group/float32").read(as: Float.self) == [1, 2, 3, 4, 5, -.infinity])
      let halves = try group.dataset("float16")
      #expect(halves.elementType == .float16)
      #expect(try halves.read(as: Float.self) == [1, -2])
      #expect(
        try group.dataset("texts").readTexts().map { Array($0.utf8) } == ["", "é", "e\u{301}"].map { Array($0.utf8) })
      let integers = try group.dataset("int32")
      #expect(try integers.shape == [3, 4])
      #expect(integers.chunk == [2, 4])
      #expect(try integers.read(as: Int32.self, at: [2, 0], shape: [1, 4]) == [8, 9, 10, 11])
      #expect(throws: Fault.self) { try integers.read(as: Int32.self, at: [3, 0], shape: [1, 4]) }
      #expect(throws: Fault.self) { _ = try file.dataset("group/absent") }
      #expect(throws: Fault.self) { try file.dataset("group/texts").read(as: Float.self) }
    }
    #expect(H5Library.openObjectCount(inFolder: folder.url.path) == 0)
  }

  @Test func equalContentGivesEqualBytes() throws {
    let folder = try TemporaryFolder()
    func make(_ name: String) throws -> Data {
      let file = try H5File(creating: folder.file(name).path)
      let data = try file.makeDataset("x", .float32, shape: [1000], chunk: [100])
      try data.write((0..<1000).map(Float.init))
      try data.close()
      try file.close()
      return try Data(contentsOf: URL(fileURLWithPath: folder.file(name).path))
    }
    let first = try make("a.h5")
    Thread.sleep(forTimeInterval: 1.1)
    #expect(try first == make("b.h5"))
  }

  /// HDF5 checks the checksum that we compute when it reads a chunk that we wrote past its filters.
  @Test(arguments: [1, 2, 15, 16, 17, 700, 5000, 8193])
  func chunksWrittenDirectlyPassTheLibrarysCheck(width: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5").path
    for fill in [UInt8(0), 0xFF, 1, 77] {
      let values = (0..<3 * width).map { fill == 77 ? UInt8(truncatingIfNeeded: $0 &* 31 >> 2) : fill }
      do {
        let file = try H5File(creating: path)
        let data = try file.makeDataset("x", .uint8, shape: [3, width], chunk: [3, width])
        var bytes = values + [0, 0, 0, 0]
        try bytes.withUnsafeMutableBytes { try data.writeChunk($0, row: 0) }
        try data.close()
        try file.close()
      }
      let file = try H5File(opening: path)
      #expect(try file.dataset("x").read(as: UInt8.self) == values)
    }
  }

  @Test func aFlippedByteIsFoundOnReading() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5").path
    do {
      let file = try H5File(creating: path)
      let data = try file.makeDataset("x", .float32, shape: [1 << 18], chunk: [1 << 18])
      try data.write([Float](repeating: 1.5, count: 1 << 18))
      try data.close()
      try file.close()
    }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count - 1000] ^= 4
    try bytes.write(to: URL(fileURLWithPath: path))
    let file = try H5File(opening: path)
    let data = try file.dataset("x")
    let fault = #expect(throws: Fault.self) { try data.read(as: Float.self) }
    #expect(fault?.name == "hdf5.checksum")
    #expect(fault?.file == path)
  }

  /// A reader that follows virtual datasets sees NaN and −1 where a source is gone; this module's own reads none of them.
  @Test func virtualDatasetsShowTheirSourcesAndNeverZeros() throws {
    let folder = try TemporaryFolder()
    let types: [H5ElementType] = [.float32, .float16, .float64, .int32, .int64, .uint8, .uint16, .uint64]
    func name(_ type: H5ElementType) -> String { "\(type)" }
    for number in 0..<3 {
      let file = try H5File(creating: folder.file("part\(number).h5").path)
      for type in types {
        let data = try file.makeDataset(name(type), type, shape: [number + 1, 2])
        try [UInt8](repeating: 0, count: 2 * (number + 1) * type.size).withUnsafeBytes { try data.write($0) }
        try data.close()
      }
      try file.close()
    }
    let path = folder.file("all.h5").path
    do {
      let file = try H5File(creating: path)
      for type in types {
        _ = try file.makeVirtualDataset(
          name(type), type,
          sources: (0..<3).map { H5VirtualSource(file: "part\($0).h5", dataset: "/\(name(type))", shape: [$0 + 1, 2]) })
      }
    }
    for type in types {
      let whole = try PlainHDF5.numbers(name(type), in: path)
      #expect(whole.shape == [6, 2] && whole.values == [Double](repeating: 0, count: 12))
    }
    try FileManager.default.removeItem(atPath: folder.file("part1.h5").path)
    for type in types {
      let missing: Double? =
        switch type {
        case .int32, .int64: -1
        case .uint8: 255
        case .uint16: 65535
        case .uint64: Double(UInt64.max)
        default: nil
        }
      let values = try PlainHDF5.numbers(name(type), in: path).values
      #expect(values[2..<6].allSatisfy { missing == nil ? $0.isNaN : $0 == missing }, "\(type)")
      #expect(values[..<2] == [0, 0] && values[6...].allSatisfy { $0 == 0 })
    }
    let file = try H5File(opening: path)
    #expect(#expect(throws: Fault.self) { _ = try file.dataset("float32") }?.name == "hdf5.foreignStorage")
  }

  @Test func sourcesOutsideTheFolderAreRefused() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("inner").path, withIntermediateDirectories: true)
    do {
      let file = try H5File(creating: folder.file("secret.h5").path)
      let data = try file.makeDataset("x", .float32, shape: [1])
      try data.write([Float(42)])
    }
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("inner/link.h5").path, withDestinationPath: folder.file("secret.h5").path)
    for name in ["../secret.h5", folder.file("secret.h5").path, "link.h5", "inner/../../secret.h5"] {
      do {
        let file = try H5File(creating: folder.file("inner/a.h5").path)
        _ = try file.makeVirtualDataset("x", .float32, sources: [.init(file: name, dataset: "/x", shape: [1])])
      }
      let file = try H5File(opening: folder.file("inner/a.h5").path)
      let fault = #expect(throws: Fault.self) { _ = try file.dataset("x") }
      #expect(fault?.name == "hdf5.foreignStorage", "\(name)")
    }
  }

  /// What h5py made to reach for other files, with those files in place beside it.
  @Test(
    arguments: [
      "external_link", "linked_group/data", "soft_link", "external_storage", "absolute", "upwards",
    ])
  func aDatasetThatReachesForAnotherFileIsRefused(name: String) throws {
    let folder = try TemporaryFolder()
    let fixture = try #require(
      Bundle.module.url(forResource: "reaching", withExtension: "h5", subdirectory: "Fixtures"))
    try FileManager.default.copyItem(at: fixture, to: folder.url.appendingPathComponent("reaching.h5"))
    do {
      let file = try H5File(creating: folder.file("secret.h5").path)
      let data = try file.makeDataset("data", .float32, shape: [4])
      try data.write([Float(42), 42, 42, 42])
      try data.close()
      try file.close()
    }
    try Data(count: 16).write(to: folder.url.appendingPathComponent("secret.bin"))
    let file = try H5File(opening: folder.file("reaching.h5").path)
    let fault = #expect(throws: Fault.self) { _ = try file.dataset(name) }
    #expect(fault?.name == "hdf5.foreignStorage")
    #expect(fault?.file?.hasSuffix("reaching.h5") == true)
    let honest = try file.dataset("honest").read(as: Float.self)
    #expect(honest == [0, 1, 2, 3])
  }

  @Test func whatIsNoHDF5FileIsRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: Fault.self) { _ = try H5File(opening: folder.file("absent.h5").path) }
    try Data("not HDF5".utf8).write(to: URL(fileURLWithPath: folder.file("text.h5").path))
    let fault = #expect(throws: Fault.self) { _ = try H5File(opening: folder.file("text.h5").path) }
    #expect(fault?.name == "hdf5.notHDF5")
    #expect(H5Library.openObjectCount(inFolder: folder.url.path) == 0)
  }
}
