import Architectures
import Checkpoints
import Diagnostics
import Foundation

/// Where each weight of a model lies: every name resolved and every shape held against the architecture, before any
/// weight is read. One lookup, by role, layer and expert; O(weights + tensors) to make.
struct WeightTable: Sendable {
  /// As read from the configuration, settled by what the checkpoint holds.
  let architecture: Architecture
  /// Tensors that were left out, such as heads for other tasks.
  let leftOut: [String]
  private var weights: [WeightKey: StoredWeight] = [:]
  private var biases: [WeightKey: StoredWeight] = [:]
  /// The tensors of each layer.
  private let tensors: [[TensorView]]

  /// - Throws: `Fault`: `transformer.missingTensors`, `transformer.unusedTensors`, `transformer.tensorShape`,
  ///   `transformer.tensorType`.
  init(_ described: Architecture, names: TensorNames, checkpoint: any TensorSource) throws {
    var finder = TensorFinder(names: names, checkpoint: checkpoint)
    let architecture = finder.settle(described)
    self.architecture = architecture
    var tensors = [[TensorView]](repeating: [], count: architecture.layers)
    for (key, shape) in architecture.weights {
      guard let found = finder.weight(key, tied: architecture.head.isTied) else { continue }
      let layout = WeightLayout(
        architecture: architecture, key: key, shape: shape, name: found.name, configuration: finder.configuration)
      weights[key] = try layout.weight(in: found.tensors)
      if let layer = key.layer { tensors[layer] += found.tensors }
      if shape.hasBias, let bias = finder.bias(found.name, key) { biases[key] = try layout.bias(in: bias) }
    }
    self.tensors = tensors
    leftOut = try finder.finish()
  }

  /// - Precondition: The architecture has this weight.
  func weight(_ role: WeightRole, layer: Int? = nil, expert: Int? = nil) -> StoredWeight {
    guard let entry = weights[WeightKey(role, layer: layer, expert: expert)] else {
      preconditionFailure("no \(role) of layer \(layer.map(String.init) ?? "none") in this architecture")
    }
    return entry
  }

  /// A weight, or nil where the architecture has none.
  func find(_ role: WeightRole, layer: Int? = nil, expert: Int? = nil) -> StoredWeight? {
    weights[WeightKey(role, layer: layer, expert: expert)]
  }

  /// The bias of a weight, or nil where it has none.
  func bias(of role: WeightRole, layer: Int? = nil, expert: Int? = nil) -> StoredWeight? {
    biases[WeightKey(role, layer: layer, expert: expert)]
  }

  /// Puts random numbers in the place of every weight; reads each tensor once.
  mutating func randomize(seed: UInt64) throws {
    for (key, entry) in weights { weights[key]?.random = try RandomTensor(entry, seed: seed) }
    for (key, entry) in biases { biases[key]?.random = try RandomTensor(entry, seed: seed) }
  }

  /// Tells the system how a layer's bytes in the checkpoint will be used.
  func advise(_ access: MappedFile.Access, layer: Int) {
    for tensor in tensors[layer] { tensor.advise(access) }
  }
}
