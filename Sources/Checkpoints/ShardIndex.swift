import Diagnostics
import Foundation
import StrictJSON

/// The index of a sharded checkpoint (`model.safetensors.index.json`): which file holds each tensor.
struct ShardIndex {
  static let fileName = "model.safetensors.index.json"

  let url: URL
  /// Tensor and file name, in the order of the index.
  let entries: [(tensor: String, shard: String)]

  init(contentsOf url: URL) throws {
    self.url = url
    let json = try MappedFile(contentsOf: url).withUnsafeBytes { try JSONValue(parsing: $0, file: url.path) }
    let map = try JSONReader(json, file: url.path).required("weight_map")
    entries = try map.members().map { name, reader in
      let shard = try reader.string()
      // A plain name within the folder, so that no index can make the program read another file of the disk.
      guard !shard.isEmpty, shard != ".", shard != "..", !shard.contains("/"), !shard.contains("\\"),
        !shard.utf8.contains(0), shard.hasSuffix(".safetensors")
      else {
        throw Fault(
          .badData, "checkpoints.shardPath", "The index names a file outside its folder or no safetensors file",
          file: url.path, place: "weight_map, tensor \(name)", expected: "a file name that ends in .safetensors",
          found: "\"\(shard.prefix(80))\"", advice: "do not use this model: its index was tampered with or damaged")
      }
      return (name, shard)
    }
  }

  func openShards(in folder: URL) throws -> [SafetensorsFile] {
    let names = Set(entries.map { ExactString($0.shard) }).sorted().map(\.string)
    let missing = names.filter { name in
      let path = folder.appending(path: name).path
      // A link to nothing is told apart from a missing file when it is opened.
      return !FileManager.default.fileExists(atPath: path)
        && (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil
    }
    if let first = missing.first {
      throw Fault(
        .noInput, "checkpoints.missingShard", "The index names shards that are not there",
        file: folder.appending(path: first).path, expected: "\(names.count) shards",
        found: "\(names.count - missing.count); missing: \(missing.prefix(4).joined(separator: ", "))",
        advice: "download the missing files")
    }
    return try names.map { try SafetensorsFile(contentsOf: folder.appending(path: $0)) }
  }

  /// Every tensor must be in the shard that the index says, and every tensor of a shard in the index.
  func check(against checkpoint: Checkpoint) throws {
    var shards: [ExactString: SafetensorsFile] = [:]
    for file in checkpoint.files { shards[ExactString(file.url.lastPathComponent)] = file }
    for entry in entries where shards[ExactString(entry.shard)]?[entry.tensor] == nil {
      throw Fault(
        .badData, "checkpoints.indexDisagrees", "The index and a shard disagree", file: url.path,
        place: "weight_map, tensor \(entry.tensor)", expected: "the tensor in \(entry.shard)",
        found: "a shard without it", advice: "download the model again: its files are of different versions")
    }
    let stored = checkpoint.files.lazy.flatMap(\.tensors)
    guard entries.count != checkpoint.files.reduce(0, { $0 + $1.tensors.count }) else { return }
    let listed = Set(entries.map { ExactString($0.tensor) })
    if let tensor = stored.first(where: { !listed.contains(ExactString($0.name)) }) {
      throw Fault(
        .badData, "checkpoints.indexDisagrees", "A shard holds a tensor that the index does not list",
        file: tensor.file.url.path, place: "tensor \(tensor.name)", expected: "the tensor in \(url.lastPathComponent)",
        found: "an index without it", advice: "download the model again: its files are of different versions")
    }
  }
}
