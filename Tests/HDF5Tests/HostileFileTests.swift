import CHDF5
import Diagnostics
import Foundation
import HDF5
import TestFiles
import Testing

/// Files that claim what they do not hold, made with HDF5 itself.
@Suite(.serialized) struct HostileFileTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("a.h5").path
  }

  /// Makes a dataset `x` past the house's writer, of which nothing is written.
  private func make(
    _ shape: [UInt64], type: hid_t? = nil, chunk: [UInt64]? = nil, deflate: Bool = false, filter: Int32? = nil
  ) {
    H5Library.locked {
      let file = H5Fcreate(path, unfold_h5f_truncate(), unfold_h5p_default(), unfold_h5p_default())
      let limits = shape.map { _ in unfold_h5s_unlimited() }
      let space = H5Screate_simple(Int32(shape.count), shape, chunk == nil ? shape : limits)
      let creation = H5Pcreate(unfold_h5p_dataset_create())
      if let chunk { H5Pset_chunk(creation, Int32(chunk.count), chunk) }
      if deflate { H5Pset_deflate(creation, 9) }
      if let filter { H5Pset_filter(creation, filter, UInt32(H5Z_FLAG_OPTIONAL), 0, nil) }
      let data = H5Dcreate2(
        file, "x", type ?? unfold_h5t_float32(), space, unfold_h5p_default(), creation, unfold_h5p_default())
      #expect(data >= 0)
      H5Dclose(data)
      H5Sclose(space)
      H5Pclose(creation)
      H5Fclose(file)
    }
  }

  private func refusal() throws -> String? {
    let file = try H5File(opening: path)
    return #expect(throws: Fault.self) { _ = try file.dataset("x") }?.name
  }

  private func texts() -> hid_t {
    H5Library.locked {
      let type = H5Tcopy(unfold_h5t_c_string())
      H5Tset_size(type, unfold_h5t_variable())
      return type
    }
  }

  /// Many members are indexed by B-trees: HDF5 divides by the size of their records.
  @Test func indexesOfMembersWithoutRecordsAreRefused() throws {
    do {
      let file = try H5File(creating: path)
      let group = try file.makeGroup("many")
      for number in 0..<40 { try group.makeGroup("member-\(number)").close() }
      try group.close()
      _ = try file.close()
    }
    let whole = try Data(contentsOf: URL(filePath: path))
    #expect(try H5File(opening: path).group("many/member-39").path == "/many/member-39")
    var damaged = 0
    var start = whole.startIndex
    while let found = whole.range(of: Data("BTHD".utf8), in: start..<whole.endIndex) {
      // Behind signature, version, kind and the size of a node.
      for place in [found.lowerBound + 10, found.lowerBound + 6] {
        var bytes = whole
        for index in place..<place + 2 { bytes[index] = 0 }
        try bytes.write(to: URL(filePath: path))
        let file = try H5File(opening: path)
        #expect(#expect(throws: Fault.self) { _ = try file.group("many/member-39") }?.name == "hdf5.damaged")
        let isThere = file.contains("many/member-39")
        #expect(!isThere)
        damaged += 1
      }
      start = found.upperBound
    }
    #expect(damaged >= 4)
  }

  @Test func rowsThatWereNeverWrittenAreRefused() throws {
    make([1 << 62], chunk: [64])
    #expect(try refusal() == "hdf5.size")
    make([1 << 62], type: texts(), chunk: [64])
    #expect(try refusal() == "hdf5.size")
    make([1 << 20], type: texts(), chunk: [64], deflate: true)
    #expect(try refusal() == "hdf5.size")
    make([1 << 40])
    #expect(try refusal() == "hdf5.size")
    make([3, 1 << 31, 1 << 31], chunk: [1, 1, 1024])
    #expect(try refusal() == "hdf5.size")
    make([0, 1 << 32, 1 << 32], chunk: [1, 1, 1024])
    #expect(try refusal() == "hdf5.size")
    make([1 << 62, 0], chunk: [1, 1])
    #expect(try refusal() == "hdf5.size")
    make([4], chunk: [4], filter: 32_000)
    #expect(try refusal() == "hdf5.filter")
    make([0, 4096], chunk: [1, 4096])
    #expect(try H5File(opening: path).dataset("x").shape == [0, 4096])
  }

  /// What deflate packs well is far more than the file, and is read.
  @Test func packedRowsAreRead() throws {
    H5Library.locked {
      let file = H5Fcreate(path, unfold_h5f_truncate(), unfold_h5p_default(), unfold_h5p_default())
      let (shape, values) = ([hsize_t(1 << 20)], [Float](repeating: 2.5, count: 1 << 20))
      let space = H5Screate_simple(1, shape, nil)
      let creation = H5Pcreate(unfold_h5p_dataset_create())
      H5Pset_chunk(creation, 1, [1 << 18])
      H5Pset_shuffle(creation)
      H5Pset_deflate(creation, 9)
      let data = H5Dcreate2(
        file, "x", unfold_h5t_float32(), space, unfold_h5p_default(), creation, unfold_h5p_default())
      H5Dwrite(
        data, unfold_h5t_float32(), unfold_h5s_all(), unfold_h5s_all(), unfold_h5p_default(), values)
      H5Dclose(data)
      H5Sclose(space)
      H5Pclose(creation)
      H5Fclose(file)
    }
    #expect(try Data(contentsOf: folder.file("a.h5")).count < 1 << 18)
    #expect(try H5File(opening: path).dataset("x").read(as: Float.self) == [Float](repeating: 2.5, count: 1 << 20))
  }

  @Test(.timeLimit(.minutes(1))) func whatIsNoRegularFileIsRefusedAtOnce() throws {
    #expect(mkfifo(path, 0o600) == 0)
    #expect(#expect(throws: Fault.self) { _ = try H5File(opening: path) }?.name == "hdf5.notAFile")
    #expect(#expect(throws: Fault.self) { _ = try H5File(opening: folder.url.path) }?.name == "hdf5.notAFile")
    #expect(#expect(throws: Fault.self) { _ = try H5File(opening: "/dev/zero") }?.name == "hdf5.notAFile")
    for count in [0, 8, 47, 48] {
      let start = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0xFF, count: 40)
      try folder.write(start.prefix(count), "b.h5")
      #expect(throws: Fault.self) { _ = try H5File(opening: folder.file("b.h5").path) }
    }
  }

  /// Texts whose references or heap are damaged, a byte at a time: they are read as they were, or refused; HDF5 itself would
  /// read and write outside its memory for some.
  @Test func damagedTextsAreRefusedOrRead() throws {
    let expected = (0..<40).map { String(repeating: "text \($0) é ", count: $0 % 7) }
    do {
      let file = try H5File(creating: path)
      try file.setAttribute("title", "a title")
      let data = try file.makeDataset("x", .string, shape: [40], chunk: [40])
      try data.write(expected)
      try data.close()
      _ = try file.close()
    }
    let whole = [UInt8](try Data(contentsOf: folder.file("a.h5")))
    func read() throws -> (String?, [String]) {
      let file = try H5File(opening: path)
      return (try file.textAttribute("title"), try file.dataset("x").readTexts())
    }
    #expect(try read() == ("a title", expected))
    // Every byte of the heap's beginning and of the references, and some of all others.
    let heap = try #require(whole.firstRange(of: Array("GCOL".utf8))).lowerBound
    let references = try #require(
      whole.indices.first { place in
        place + 24 <= whole.count && whole[place..<place + 4].allSatisfy { $0 == 0 } && whole[place + 16] == 10
          && whole[place + 4..<place + 6].elementsEqual([UInt8(heap & 0xFF), UInt8(heap >> 8 & 0xFF)])
      })
    var refused = 0
    for place in Array(heap..<heap + 200) + Array(references..<references + 160)
      + Array(stride(from: 0, to: whole.count, by: 61))
    {
      for flip in [UInt8(1), 0xFF] {
        var bytes = whole
        bytes[place] ^= flip
        try folder.write(bytes, "a.h5")
        do { #expect(try read().1.count == 40) } catch is Fault { refused += 1 }
      }
    }
    #expect(refused > 300)
  }

  @Test func textsThatAreOneTextManyTimesAreRefused() throws {
    let text = String(repeating: "x", count: 2000)
    do {
      let file = try H5File(creating: path)
      let data = try file.makeDataset("x", .string, shape: [200], chunk: [200])
      try data.write([text] + [String](repeating: "", count: 199))
      try data.close()
      _ = try file.close()
    }
    var bytes = [UInt8](try Data(contentsOf: folder.file("a.h5")))
    let heap = try #require(bytes.firstRange(of: Array("GCOL".utf8))).lowerBound
    let first = try #require(
      bytes.firstRange(
        of: withUnsafeBytes(of: UInt32(2000).littleEndian) { Array($0) }
          + withUnsafeBytes(of: UInt64(heap).littleEndian) { Array($0) })
    ).lowerBound
    for row in 1..<200 {
      bytes.replaceSubrange(first + 16 * row..<first + 16 * row + 16, with: bytes[first..<first + 16])
    }
    try folder.write(bytes, "a.h5")
    let file = try H5File(opening: path)
    #expect(#expect(throws: Fault.self) { try file.dataset("x").readTexts() }?.name == "hdf5.damaged")
  }

  /// A dataset that shows others keeps what it shows in a heap that HDF5 trusts as soon as it opens it.
  @Test func damagedVirtualDatasetsAreRefused() throws {
    do {
      let file = try H5File(creating: path)
      _ = try file.makeVirtualDataset("x", .float32, sources: [.init(file: "b.h5", dataset: "/x", shape: [4])])
    }
    let whole = [UInt8](try Data(contentsOf: folder.file("a.h5")))
    let heap = try #require(whole.firstRange(of: Array("GCOL".utf8))).lowerBound
    for place in heap..<min(heap + 256, whole.count) {
      var bytes = whole
      bytes[place] ^= 0xFF
      try folder.write(bytes, "a.h5")
      #expect(try refusal() == "hdf5.foreignStorage")
    }
  }
}
