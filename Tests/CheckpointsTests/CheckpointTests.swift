import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct CheckpointTests {
  /// Two shards and their index.
  private func sharded(_ map: [String: String]) throws -> TemporaryFolder {
    let scratch = try TemporaryFolder()
    try SafetensorsWriter.write(
      [.init(name: "a", shape: [1], floats: [1]), .init(name: "b", shape: [1], floats: [2])],
      to: scratch.url.appending(path: "model-00001-of-00002.safetensors"))
    try SafetensorsWriter.write(
      [.init(name: "c", shape: [1], floats: [3])],
      to: scratch.url.appending(path: "model-00002-of-00002.safetensors"))
    let pairs = map.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \"\($0.value)\"" }.joined(separator: ",")
    try scratch.write("{\"metadata\": {}, \"weight_map\": {\(pairs)}}", "model.safetensors.index.json")
    return scratch
  }

  private let first = "model-00001-of-00002.safetensors"
  private let second = "model-00002-of-00002.safetensors"

  @Test func oneFile() throws {
    let scratch = try TemporaryFolder()
    let url = scratch.url.appending(path: "model.safetensors")
    try SafetensorsWriter.write([.init(name: "w", shape: [2], floats: [1, 2])], to: url)
    for checkpoint in [try Checkpoint(scratch.url), try Checkpoint(url)] {
      #expect(checkpoint.names == ["w"])
      #expect(try checkpoint.tensor(named: "w")?.floats() == [1, 2])
      #expect(checkpoint.tensor(named: "v") == nil)
      #expect(checkpoint.folder.standardizedFileURL.path == scratch.url.standardizedFileURL.path)
    }
    try FileManager.default.moveItem(at: url, to: scratch.url.appending(path: "consolidated.safetensors"))
    #expect(try Checkpoint(scratch.url).names == ["w"])
  }

  @Test func shards() throws {
    let scratch = try sharded(["a": first, "b": first, "c": second])
    let checkpoint = try Checkpoint(folder: scratch.url)
    #expect(checkpoint.names == ["a", "b", "c"])
    #expect(try checkpoint.names.map { try checkpoint.tensor(named: $0)?.floats() } == [[1], [2], [3]])
  }

  @Test(arguments: [
    ["a": "model-00001-of-00002.safetensors", "c": "model-00003-of-00003.safetensors"],
    ["a": "../../etc/passwd.safetensors"],
    ["a": "/etc/passwd.safetensors"],
    ["a": ".."],
    ["a": ""],
    ["a": "x\\\\y.safetensors"],
    ["a": "pytorch_model.bin"],
    // A tensor that the named shard lacks, and one that the index lacks.
    ["a": "model-00002-of-00002.safetensors", "b": "model-00001-of-00002.safetensors"],
    ["a": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"],
  ])
  func badIndex(_ map: [String: String]) throws {
    let scratch = try sharded(map)
    let found = fault { try Checkpoint(folder: scratch.url) }
    let names = ["checkpoints.missingShard", "checkpoints.shardPath", "checkpoints.indexDisagrees"]
    #expect(names.contains(found?.name ?? ""))
    #expect(found?.file != nil && found?.expected != nil && found?.found != nil && found?.advice != nil)
    if map["c"]?.contains("00003") == true { #expect(found?.name == "checkpoints.missingShard") }
    if map["a"]?.hasSuffix("passwd.safetensors") == true { #expect(found?.name == "checkpoints.shardPath") }
  }

  @Test func theSameTensorInTwoShards() throws {
    let scratch = try sharded(["a": first, "b": first, "c": second])
    try SafetensorsWriter.write(
      [.init(name: "a", shape: [1], floats: [3])], to: scratch.url.appending(path: second))
    #expect(fault { try Checkpoint(folder: scratch.url) }?.name == "checkpoints.indexDisagrees")
  }

  @Test func foldersWithoutWeights() throws {
    let scratch = try TemporaryFolder()
    #expect(fault { try Checkpoint(scratch.url) }?.name == "checkpoints.noWeights")
    #expect(fault { try Checkpoint(scratch.url.appending(path: "x")) }?.name == "checkpoints.missingFolder")
    #expect(fault { try Checkpoint(folder: scratch.url.appending(path: "x")) }?.name == "checkpoints.missingFolder")
    try scratch.write("x", "pytorch_model.bin")
    let pickle = fault { try Checkpoint(scratch.url) }
    #expect(pickle?.name == "checkpoints.pickle")
    #expect(pickle?.advice?.contains("safe_serialization") == true)
    try scratch.write(safetensors("{}"), "one.safetensors")
    try scratch.write(safetensors("{}"), "two.safetensors")
    #expect(fault { try Checkpoint(scratch.url) }?.name == "checkpoints.noIndex")
  }

  @Test func linksToNothing() throws {
    let scratch = try TemporaryFolder()
    let link = scratch.url.appending(path: "model.safetensors")
    try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "../../blobs/0a1b")
    for found in [fault({ try Checkpoint(scratch.url) }), fault({ try Checkpoint(link) })] {
      #expect(found?.name == "checkpoints.danglingLink")
      #expect(found?.expected == "../../blobs/0a1b")
      #expect(found?.kind == .noInput)
    }
  }

  @Test func whatIsNotAFile() throws {
    let scratch = try TemporaryFolder()
    #expect(fault { try MappedFile(contentsOf: scratch.url) }?.name == "checkpoints.notAFile")
    #expect(fault { try MappedFile(contentsOf: URL(filePath: "/dev/null")) }?.name == "checkpoints.notAFile")
    #expect(fault { try MappedFile(contentsOf: scratch.url.appending(path: "a")) }?.name == "checkpoints.missingFile")
    #expect(try MappedFile(contentsOf: scratch.write("", "empty")).count == 0)
  }

  @Test func advice() throws {
    let scratch = try TemporaryFolder()
    let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try MappedFile(contentsOf: scratch.write(bytes, "x"))
    for access in [MappedFile.Access.soon, .done] {
      for range in [0..<0, 0..<50_000, 17..<12_000, 4096..<8192, 40_000..<90_000] { file.advise(access, on: range) }
    }
    #expect(file.withUnsafeBytes { Array($0) } == bytes)
  }
}
