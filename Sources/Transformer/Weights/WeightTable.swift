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
  /// The matrices of each layer, in the order of use.
  private let order: [[WeightKey]]

  /// - Throws: `Fault`: `transformer.missingTensors`, `transformer.unusedTensors`, `transformer.tensorShape`,
  ///   `transformer.tensorType`.
  init(_ described: Architecture, names: TensorNames, checkpoint: any TensorSource) throws {
    var finder = TensorFinder(names: names, checkpoint: checkpoint)
    let architecture = finder.settle(described)
    self.architecture = architecture
    var order = [[WeightKey]](repeating: [], count: architecture.layers)
    for (key, shape) in architecture.weights {
      guard let found = finder.weight(key, tied: architecture.head.isTied) else { continue }
      let layout = WeightLayout(
        architecture: architecture, key: key, shape: shape, name: found.name, configuration: finder.configuration)
      weights[key] = try layout.weight(in: found.tensors)
      if let layer = key.layer, shape.sizes.count == 2 { order[layer].append(key) }
      if shape.hasBias, let bias = finder.bias(found.name, key) { biases[key] = try layout.bias(in: bias) }
    }
    self.order = order.map { $0.sorted { Self.use($0) < Self.use($1) } }
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

  /// What a layer multiplies with, in the order of the pass.
  func matrices(_ layer: Int) -> [WeightKey] { order[layer] }

  /// All matrices that are multiplied with, in any order.
  var allMatrices: [StoredWeight] {
    let lookedUp: Set<WeightRole> = [.tokenEmbedding, .positionEmbedding, .tokenTypeEmbedding]
    return weights.filter { $0.value.inputs != nil && !lookedUp.contains($0.key.role) }.map(\.value)
  }

  /// When a weight of a layer is used: experts one after another, the shared ones last.
  private static func use(_ key: WeightKey) -> (Int, Int, Int) {
    let roles: [WeightRole] = [
      .queryDown, .query, .keyValueDown, .keyValueUp, .key, .value, .attentionOutput, .router, .gate, .expertGate,
      .mlpInput, .expertInput, .mlpOutput, .expertOutput, .sharedInput, .sharedGate, .sharedOutput, .sharedRouter,
    ]
    let place = roles.firstIndex(of: key.role) ?? roles.count
    let isShared = place >= 14
    return (place < 8 ? 0 : isShared ? 2 : 1, key.expert ?? 0, place)
  }
}
