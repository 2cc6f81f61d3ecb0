import Diagnostics
import Foundation
import StrictJSON

/// The weights of a model: one safetensors file, or several with an index, read as one table of tensors.
///
/// Opening maps the files and checks their headers; no weight is read.
public struct Checkpoint: Sendable {
  /// The folder that holds the model.
  public let folder: URL
  /// The files, in the order of their names.
  public let files: [SafetensorsFile]
  private let owners: [ExactString: Int]

  /// The names of all tensors, sorted by bytes.
  public let names: [String]

  /// Opens a model's folder, or a single safetensors file.
  ///
  /// A folder's weights are `model.safetensors`, or the shards that `model.safetensors.index.json` lists, or else the
  /// only safetensors file there is.
  /// - Throws: `Fault`: `checkpoints.missingFolder`, `checkpoints.noWeights`, `checkpoints.pickle`,
  ///   `checkpoints.missingShard`, `checkpoints.shardPath`, `checkpoints.indexDisagrees`, and those of
  ///   `SafetensorsFile`.
  public init(_ url: URL) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      let fault = MappedFile.openingFault(url, code: ENOENT)
      if fault.name == "checkpoints.danglingLink" { throw fault }
      throw Fault(
        .noInput, "checkpoints.missingFolder", "There is no such model folder", file: url.path,
        advice: "check the path: names are case-sensitive")
    }
    if isFolder.boolValue {
      try self.init(folder: url)
    } else {
      try self.init(folder: url.deletingLastPathComponent(), files: [SafetensorsFile(contentsOf: url)])
    }
  }

  /// Opens a model's folder; see `init(_:)`.
  public init(folder: URL) throws {
    let content = try Self.content(of: folder)
    let single = "model.safetensors"
    let index = "model.safetensors.index.json"
    let weights = content.filter { $0.hasSuffix(".safetensors") }
    if content.contains(single) {
      try self.init(folder: folder, files: [SafetensorsFile(contentsOf: folder.appending(path: single))])
    } else if content.contains(index) {
      let index = try ShardIndex(contentsOf: folder.appending(path: index))
      let files = try index.openShards(in: folder)
      try self.init(folder: folder, files: files)
      try index.check(against: self)
    } else if weights.count == 1 {
      try self.init(folder: folder, files: [SafetensorsFile(contentsOf: folder.appending(path: weights[0]))])
    } else if weights.count > 1 {
      throw Fault(
        .badData, "checkpoints.noIndex", "Several safetensors files lie here without an index", file: folder.path,
        expected: "\(single) or \(index)", found: weights.sorted().prefix(4).joined(separator: ", "),
        advice: "download \(index) too")
    } else if let pickle = content.sorted().first(where: Self.isPickle) {
      throw pickleFault(folder.appending(path: pickle).path)
    } else {
      throw Fault(
        .noInput, "checkpoints.noWeights", "This folder holds no weights", file: folder.path,
        expected: "\(single) or \(index)",
        found: content.isEmpty ? "an empty folder" : content.sorted().prefix(6).joined(separator: ", "),
        advice: "download the model's weights in safetensors format")
    }
  }

  private init(folder: URL, files: [SafetensorsFile]) throws {
    self.folder = folder
    self.files = files
    var owners: [ExactString: Int] = [:]
    owners.reserveCapacity(files.reduce(0) { $0 + $1.tensors.count })
    for (number, file) in files.enumerated() {
      for tensor in file.tensors {
        if let other = owners.updateValue(number, forKey: ExactString(tensor.name)) {
          throw Fault(
            .badData, "checkpoints.indexDisagrees", "Two shards hold a tensor of the same name", file: file.url.path,
            place: "tensor \(tensor.name)", expected: "it in one shard",
            found: "it also in \(files[other].url.lastPathComponent)", advice: "download the model again")
        }
      }
    }
    self.owners = owners
    names = owners.keys.sorted().map(\.string)
  }

  /// The tensor of a name (compared by bytes), or nil where there is none.
  public func tensor(named name: String) -> TensorView? {
    owners[ExactString(name)].flatMap { files[$0][name] }
  }

  /// The sum of the files' sizes in bytes.
  public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  private static func content(of folder: URL) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder.path)
    } catch {
      guard FileManager.default.fileExists(atPath: folder.path) else {
        throw Fault(
          .noInput, "checkpoints.missingFolder", "There is no such model folder", file: folder.path,
          advice: "check the path: names are case-sensitive")
      }
      throw Fault(
        .noInput, "checkpoints.unreadable", "This folder cannot be read", file: folder.path,
        found: error.localizedDescription, advice: "check its permissions")
    }
  }

  private static func isPickle(_ name: String) -> Bool {
    [".bin", ".pt", ".pth", ".ckpt"].contains { name.hasSuffix($0) } && name != "training_args.bin"
  }
}
