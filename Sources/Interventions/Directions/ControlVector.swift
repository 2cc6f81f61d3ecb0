import Architectures
import Checkpoints
import Diagnostics
import Foundation
import Transformer

/// A control vector: a direction behind each of some blocks, in the GGUF form of repeng and llama.cpp.
///
/// Tensors `direction.N` hold what is added to the output of block N; `general.architecture` is `controlvector`, and
/// `controlvector.model_hint` the model's type. repeng reads every N; llama.cpp refuses N = 0.
public struct ControlVector: Sendable, Equatable {
  static let architecture = "controlvector"
  static let digestKey = "unfold.model_digest"
  static let modelKey = "unfold.model"

  /// The type of the model, such as `llama`.
  public var modelHint: String
  /// Each block's direction. Shape of each: [d_model].
  public var layers: [Int: [Float]]
  /// The file, for messages.
  var file = ""
  /// Which model the vector was made with, where Unfold wrote it.
  var model: String?
  var modelDigest: String?

  /// Of directions behind blocks, one in each.
  ///
  /// - Throws: `Fault` named `direction.notInGGUF` where one stands elsewhere, or two at one place.
  public init(_ directions: [Direction], of model: Model, named name: String) throws {
    layers = [:]
    modelHint = model.architecture.modelType
    self.model = name
    modelDigest = try model.checkpoint.digest()
    for direction in directions {
      guard direction.site.kind == .residPost, let layer = direction.site.layer,
        layers.updateValue(direction.values, forKey: layer) == nil
      else {
        throw Fault(
          .usage, "direction.notInGGUF", "A control vector in GGUF holds one direction behind each block",
          place: direction.site.name, expected: "one direction at each blocks.N.hook_resid_post",
          found: directions.map(\.site.name).joined(separator: ", "), advice: "write a .safetensors file")
      }
    }
  }

  /// Writes the file that repeng's `ControlVector.import_gguf` and llama.cpp's `--control-vector` read.
  ///
  /// - Throws: `Fault`: `file.cannotCreate` or `file.write`.
  public func write(to url: URL) throws {
    var metadata: [(key: String, value: GGUFWriter.Value)] = [
      ("general.architecture", .string(Self.architecture)), ("controlvector.model_hint", .string(modelHint)),
      ("controlvector.layer_count", .integer(UInt32(layers.count))),
    ]
    if let model { metadata.append((Self.modelKey, .string(model))) }
    if let modelDigest { metadata.append((Self.digestKey, .string(modelDigest))) }
    let tensors = layers.sorted { $0.key < $1.key }.map {
      GGUFWriter.Tensor(name: "direction.\($0.key)", shape: [$0.value.count], floats: $0.value)
    }
    try GGUFWriter.write(tensors, metadata: metadata, to: url)
  }

  /// Reads a control vector.
  ///
  /// - Throws: `Fault`: `direction.notAControlVector`, `direction.tensor`, and those of `GGUFFile`.
  public init(contentsOf url: URL) throws {
    let file = try GGUFFile(contentsOf: url)
    let kind = try file.metadata.optional("general.architecture")?.string()
    guard kind == Self.architecture else {
      throw Fault(
        .badData, "direction.notAControlVector", "This GGUF file is no control vector", file: url.path,
        place: "key general.architecture", expected: Self.architecture, found: kind ?? "none",
        advice:
          "give a file that repeng's export_gguf, llama.cpp's cvector-generator or `unfold steer --save` has written")
    }
    modelHint = try file.metadata.optional("controlvector.model_hint")?.string() ?? ""
    model = try file.metadata.optional(Self.modelKey)?.string()
    modelDigest = try file.metadata.optional(Self.digestKey)?.string()
    self.file = url.path
    layers = [:]
    for tensor in file.tensors {
      guard let layer = Self.layer(of: tensor.name), tensor.shape.filter({ $0 != 1 }).count <= 1 else {
        throw Fault(
          .badData, "direction.tensor", "A tensor of the control vector is not one layer's direction", file: url.path,
          place: "tensor \(tensor.name)", expected: "direction.N of shape [d_model]",
          found: "\(tensor.name) \(tensor.shape)")
      }
      layers[layer] = try tensor.floats()
    }
  }

  private static func layer(of name: String) -> Int? {
    name.hasPrefix("direction.") ? Int(name.dropFirst("direction.".count)) : nil
  }

  /// The directions in a model, at `blocks.N.hook_resid_post`, in the order of the layers.
  ///
  /// - Parameter layer: One layer alone, by its number or its tensor's name.
  /// - Throws: `Fault`: `direction.otherModel`, `direction.tensor`, `direction.otherSite`, and those of `Direction.init`.
  public func directions(layer: String? = nil, name: String, in other: Model) throws -> [Direction] {
    if let modelDigest {
      try Direction.requireDigest(modelDigest, of: model ?? modelHint, in: other, file: name)
    }
    let numbers = layers.keys.sorted()
    let wanted = layer.map { Int($0) ?? Self.layer(of: $0) ?? -1 }
    let chosen = numbers.filter { wanted == nil || $0 == wanted }
    guard !chosen.isEmpty else {
      throw Fault(
        .usage, "direction.tensor", "The control vector has no such layer", file: name,
        expected: numbers.isEmpty
          ? "a tensor direction.N" : "one of \(numbers.map(String.init).joined(separator: ", "))",
        found: layer ?? "no direction at all")
    }
    return try chosen.map { number in
      guard other.architecture.blocks.indices.contains(number) else {
        throw Direction.noSite("blocks.\(number).hook_resid_post", of: name, in: other)
      }
      return try Direction(
        layers[number] ?? [], name: name, kind: .controlVector, at: Site(.residPost, layer: number), in: other)
    }
  }
}
