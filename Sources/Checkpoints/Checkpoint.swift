import Diagnostics
import Foundation
import StrictJSON

/// The weights of a model: one safetensors file, or several with an index, read as one table of tensors.
///
/// Opening maps the files and checks their headers; no weight is read.
public struct Checkpoint: TensorSource {
  /// The folder that holds the model.
  public let folder: URL
  /// What was opened: the folder, or the one file of it.
  public let location: URL
  /// The files, in the order of their names.
  public let files: [SafetensorsFile]
  private let tensors: [ExactString: TensorView]

  /// The names of all tensors, sorted by bytes. Scales that a tensor's elements are multiplied by are part of that tensor:
  /// `X_blocks` and `X_scales` are one tensor `X` of type MXFP4, and `X_scale_inv` belongs to the 8-bit floats of `X`.
  public let names: [String]

  /// Opens a model's folder, or a single safetensors file.
  ///
  /// A folder's weights are `model.safetensors`, or the shards that `model.safetensors.index.json` lists, or else the
  /// only safetensors file there is.
  /// - Throws: `Fault`: `checkpoints.missingFolder`, `checkpoints.noWeights`, `checkpoints.pickle`,
  ///   `checkpoints.missingShard`, `checkpoints.shardPath`, `checkpoints.indexDisagrees`, `checkpoints.scales`, and
  ///   those of `SafetensorsFile`.
  public init(_ url: URL) throws {
    if try ModelFolder.isFolder(url) {
      try self.init(folder: url)
    } else {
      try self.init(
        folder: url.deletingLastPathComponent(), files: [SafetensorsFile(contentsOf: url)], location: url)
    }
  }

  /// Opens a model's folder; see `init(_:)`.
  public init(folder: URL) throws {
    let content = try ModelFolder.content(of: folder)
    let single = "model.safetensors"
    let index = ShardIndex.fileName
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
    } else if let pickle = content.sorted().first(where: ModelFolder.isPickle) {
      throw pickleFault(folder.appending(path: pickle).path)
    } else {
      throw Fault(
        .noInput, "checkpoints.noWeights", "This folder holds no weights", file: folder.path,
        expected: "\(single) or \(index)",
        found: content.isEmpty ? "an empty folder" : content.sorted().prefix(6).joined(separator: ", "),
        advice: "download the model's weights in safetensors format")
    }
  }

  private init(folder: URL, files: [SafetensorsFile], location: URL? = nil) throws {
    self.folder = folder
    self.location = location ?? folder
    self.files = files
    var stored: [ExactString: TensorView] = [:]
    stored.reserveCapacity(files.reduce(0) { $0 + $1.tensors.count })
    for file in files {
      for tensor in file.tensors {
        if let other = stored.updateValue(tensor, forKey: ExactString(tensor.name)) {
          throw Fault(
            .badData, "checkpoints.indexDisagrees", "Two shards hold a tensor of the same name", file: file.url.path,
            place: "tensor \(tensor.name)", expected: "it in one shard",
            found: "it also in \(other.file.url.lastPathComponent)", advice: "download the model again")
        }
      }
    }
    var scaled = ScaledTensors(stored, folder: folder)
    tensors = try scaled.joined()
    names = tensors.keys.sorted().map(\.string)
  }

  public func tensor(named name: String) -> TensorView? { tensors[ExactString(name)] }

  /// The sum of the files' sizes in bytes.
  public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }
}
