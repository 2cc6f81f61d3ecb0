import Activations
import CHDF5
import Diagnostics
import Digests
import Foundation
import HDF5
import LinearAlgebra
import TestFiles
import Testing

/// Stores whose files are as they were written, checksums and all, but say what cannot be.
@Suite struct HostileStoreTests {
  let folder: TemporaryFolder
  let parts: [URL]

  init() throws {
    folder = try TemporaryFolder()
    var parts: [URL] = []
    for share in 0..<2 {
      var run = SyntheticRun(shardTokens: 1000)
      run.documents = 6
      run.run.settings["shard"] = "\(share)/2"
      parts.append(folder.file("part-\(share)"))
      try run.capture(to: parts[share])
    }
    self.parts = parts
  }

  /// Writes one element of a table in a part's shard, and makes the manifest's checksums those of the file then.
  private func forge<Element: H5Element>(_ name: String, row: Int, _ value: Element, of store: URL) throws {
    let shard = store.appending(path: "shard-00000.h5")
    H5Library.locked {
      let file = H5Fopen(shard.path, unfold_h5f_read_write(), unfold_h5p_default())
      let data = H5Dopen2(file, name, unfold_h5p_default())
      let type = H5Dget_type(data)
      let space = H5Dget_space(data)
      var lengths = [hsize_t](repeating: 0, count: 8)
      let rank = H5Sget_simple_extent_dims(space, &lengths, nil)
      let count = lengths.prefix(Int(rank)).reduce(1, *)
      var values = [Element](repeating: .zero, count: Int(count))
      #expect(H5Dread(data, type, unfold_h5s_all(), unfold_h5s_all(), unfold_h5p_default(), &values) >= 0)
      values[row] = value
      #expect(H5Dwrite(data, type, unfold_h5s_all(), unfold_h5s_all(), unfold_h5p_default(), values) >= 0)
      H5Sclose(space)
      H5Tclose(type)
      H5Dclose(data)
      H5Fclose(file)
    }
    var crc = CRC32C()
    let bytes = try Data(contentsOf: shard)
    crc.update(bytes)
    let sum = crc.hexadecimal()
    try rewriteManifest(of: store) { line in
      guard let place = line.range(of: "\"crc32c\":\"") else { return line }
      let end = line.index(place.upperBound, offsetBy: 8)
      return line.replacingCharacters(in: place.upperBound..<end, with: sum)
        .replacing(/"bytes":[0-9]+/, with: "\"bytes\":\(bytes.count)")
    }
  }

  private func rewriteManifest(of store: URL, _ change: (String) -> String) throws {
    let url = store.appending(path: "manifest.jsonl")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
      let body = change(String(line.prefix(upTo: line.range(of: ",\"line_crc32c\"")?.lowerBound ?? line.endIndex)))
      var crc = CRC32C()
      crc.update(body.utf8)
      return "\(body),\"line_crc32c\":\"\(crc.hexadecimal())\"}\n"
    }
    try lines.joined().write(to: url, atomically: false, encoding: .utf8)
  }

  /// Every reader refuses the second part: `verify` by a problem, the others by an error.
  private func expectRefused(_ fault: String, _ comment: Comment) throws {
    let part = parts[1]
    let problems = try? ActivationStore.verify(part).problems
    #expect(problems?.first.map { $0.name == fault } ?? true && problems != [], comment)
    let output = folder.file("out")
    #expect(throws: Fault.self, comment) { try ActivationStore.merge(parts, to: output) }
    #expect(throws: Fault.self, comment) { try ActivationStore(opening: part).pack(to: output, storage: .float32) }
    #expect(!FileManager.default.fileExists(atPath: output.path), comment)
  }

  @Test(arguments: [
    ("spans/document", 1, Int64(Int32.max)), ("spans/document", 0, -1), ("spans/document", 0, 5),
    ("spans/start", 0, -7), ("spans/end", 1, Int64(Int32.min)), ("tokens/document", 3, Int64(Int32.max)),
    ("tokens/start", 2, Int64(Int32.min)), ("tokens/end", 2, -1), ("tokens/id", 0, -5),
    ("documents/token_count", 0, Int64(Int32.max)), ("documents/token_count", 2, -1), ("documents/piece", 1, -4),
  ])
  func numbersOutOfRangeAreRefused(table: String, row: Int, value: Int64) throws {
    try forge(table, row: row, Int32(value), of: parts[1])
    try expectRefused("store.outOfRange", "\(table)[\(row)] = \(value)")
  }

  @Test(arguments: [Int64.max, Int64.min, -1, 0])
  func aDocumentsFirstTokenIsHeldAgainstTheTable(value: Int64) throws {
    try forge("documents/first_token", row: 3, value, of: parts[1])
    try expectRefused("store.outOfRange", "first_token = \(value)")
  }

  @Test func placesInStatisticsAreHeldAgainstTheStore() throws {
    let site = SyntheticRun.sites[0].name
    for (name, value) in [("top_row", Int64.max), ("top_row", 1 << 40), ("sample_row", -3), ("histogram", .max)] {
      let whole = try Data(contentsOf: parts[1].appending(path: "shard-00000.h5"))
      try forge("statistics/\(site)/\(name)", row: 0, value, of: parts[1])
      try expectRefused("store.statistics", "\(name) = \(value)")
      #expect(throws: Fault.self) { try ActivationStore(opening: parts[1]).statistics(of: site) }
      try whole.write(to: parts[1].appending(path: "shard-00000.h5"))
    }
    try forge("statistics/\(site)/count", row: 0, Int64.max, of: parts[1])
    try expectRefused("store.statistics", "count")
  }

  @Test(arguments: [
    #""shape":[5]"#: #""shape":[1099511627776,1099511627776]"#, #""shape":[7]"#: #""shape":[0]"#,
    #""shape":[1]"#: #""shape":[-1]"#, #""name":"ln_final.hook_scale""#: #""name":"blocks.0.mlp.hook_post""#,
    #""documents":6"#: #""documents":4611686018427387904"#, #""rows":"#: #""rows":3"#,
    #""shardTokens":1000"#: #""shardTokens":0"#,
  ])
  func aManifestThatCannotBeIsRefused(found: String, forged: String) throws {
    try rewriteManifest(of: parts[1]) { $0.replacingOccurrences(of: found, with: forged) }
    #expect(#expect(throws: Fault.self) { try ActivationStore(opening: parts[1]) }?.name == "store.manifestDamaged")
    #expect(throws: Fault.self) { try ActivationStore.verify(parts[1]) }
  }

  @Test(.timeLimit(.minutes(1))) func pipesWithTheNamesOfFilesAreRefused() throws {
    let pipe = folder.file("pipe.h5")
    #expect(mkfifo(pipe.path, 0o600) == 0)
    #expect(#expect(throws: Fault.self) { try ActivationStore(opening: pipe) }?.kind == .badData)
    #expect(throws: Fault.self) { try ActivationStore.verify(pipe) }
    for name in ["shard-00000.h5", "index.h5", "manifest.jsonl"] {
      let store = folder.file("with-\(name)")
      try FileManager.default.copyItem(at: parts[0], to: store)
      try FileManager.default.removeItem(at: store.appending(path: name))
      #expect(mkfifo(store.appending(path: name).path, 0o600) == 0)
      do { #expect(try !ActivationStore.verify(store).isSound, "\(name)") } catch is Fault {}
    }
  }

  /// Shapes that a file of another program may have, and whose product overflows or has no rows.
  @Test func aForeignFilesShapesAreHeldAgainstItsSize() throws {
    let url = folder.file("foreign.h5")
    for (rows, width) in [(0, [1 << 32, 1 << 32]), (0, [1 << 31, 1 << 30]), (1 << 62, [4]), (0, [0]), (0, [])] {
      H5Library.locked {
        let file = H5Fcreate(url.path, unfold_h5f_truncate(), unfold_h5p_default(), unfold_h5p_default())
        let group = H5Gcreate2(
          file, "activations", unfold_h5p_default(), unfold_h5p_default(), unfold_h5p_default())
        let shape = ([rows] + width).map { hsize_t($0) }
        let limits = shape.map { _ in unfold_h5s_unlimited() }
        let space = H5Screate_simple(Int32(shape.count), shape, limits)
        let creation = H5Pcreate(unfold_h5p_dataset_create())
        H5Pset_chunk(creation, Int32(shape.count), shape.map { _ in 1 })
        H5Dclose(
          H5Dcreate2(group, "x", unfold_h5t_float32(), space, unfold_h5p_default(), creation, unfold_h5p_default()))
        H5Sclose(space)
        H5Pclose(creation)
        H5Gclose(group)
        H5Fclose(file)
      }
      if width.isEmpty {
        #expect(try ActivationStore(opening: url).site(named: "x").width == 1)
        continue
      }
      #expect(throws: Fault.self, "\(rows) rows of \(width)") { try ActivationStore(opening: url) }
      #expect(throws: Fault.self) { try ActivationStore.verify(url) }
    }
  }

  /// A foreign file may keep its values in another type; copies are made of what it holds.
  @Test func aForeignFilesDoublesAreCopiedAsFloats() throws {
    let url = folder.file("foreign.h5")
    do {
      let file = try H5File(creating: url.path)
      let group = try file.makeGroup("activations")
      let data = try group.makeDataset("x", .float64, shape: [3, 2])
      try data.write([1.5, -2, 3, 4, 5, 6.25])
    }
    let store = try ActivationStore(opening: url)
    #expect(try store.read("x", rows: 0..<3).elements == [1.5, -2, 3, 4, 5, 6.25])
    #expect(throws: Fault.self) { try store.tokens(in: 0..<3) }
  }
}
