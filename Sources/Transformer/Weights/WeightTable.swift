import Checkpoints
import Diagnostics
import Foundation

/// Where each weight of a model lies: every name resolved and every shape held against the configuration, before any
/// weight is read.
struct WeightTable: Sendable {
  struct Key: Hashable {
    var weight: Weight
    var layer: Int?
  }

  /// A part of a tensor: the outputs that belong to one weight.
  struct Entry: Sendable {
    var tensor: TensorView
    /// Which of the tensor's outputs.
    var outputs: Range<Int>
    /// [outputs, inputs], or [outputs] of a vector.
    var inputs: Int?
    /// Whether the tensor is stored as [inputs, outputs].
    var transposed: Bool
    /// Set where random numbers stand in for the tensor's own.
    var random: RandomTensor?
  }

  let configuration: Configuration
  private var weights: [Key: Entry] = [:]
  private var biases: [Key: Entry] = [:]

  /// - Throws: `Fault`: `transformer.missingTensors`, `transformer.unusedTensors`, `transformer.tensorShape`,
  ///   `transformer.tensorType`.
  init(configuration: Configuration, map: TensorMap, checkpoint: Checkpoint) throws {
    self.configuration = configuration
    var finder = TensorFinder(map: map, checkpoint: checkpoint)
    for weight in Weight.allCases {
      guard let shape = configuration.shape(of: weight) else { continue }
      var source = map.tensors[weight]
      if weight == .unembedding, configuration.head.tied, let embedding = map.tensors[.tokenEmbedding] {
        source = TensorSource(embedding.name, bias: source?.bias)
      }
      guard let source else { preconditionFailure("\(configuration.modelType) names no tensor for \(weight)") }
      for layer in weight.isInBlock ? (0..<configuration.layers).map({ $0 }) : [nil] {
        let key = Key(weight: weight, layer: layer)
        let place = Place(configuration: configuration, weight: weight, shape: shape, source: source)
        if let tensor = finder.weight(source, layer: layer) {
          weights[key] = try place.weight(in: tensor)
        }
        if shape.hasBias, let tensor = finder.bias(source, layer: layer) {
          biases[key] = try place.bias(in: tensor)
        }
      }
    }
    try finder.finish()
  }

  /// - Precondition: The architecture has this weight.
  func weight(_ weight: Weight, layer: Int? = nil) -> Entry {
    guard let entry = weights[Key(weight: weight, layer: layer)] else {
      preconditionFailure("no \(weight) of layer \(layer.map(String.init) ?? "none") in this architecture")
    }
    return entry
  }

  /// The bias of a weight, or nil where it has none.
  func bias(of weight: Weight, layer: Int? = nil) -> Entry? { biases[Key(weight: weight, layer: layer)] }

  /// Puts random numbers in the place of every weight; reads each tensor once.
  mutating func randomize(seed: UInt64) throws {
    for (key, entry) in weights { weights[key]?.random = try RandomTensor(entry, seed: seed) }
    for (key, entry) in biases { biases[key]?.random = try RandomTensor(entry, seed: seed) }
  }

  /// The bytes in the checkpoint of all tensors of a layer.
  func advise(_ access: MappedFile.Access, layer: Int) {
    for table in [weights, biases] {
      for (key, entry) in table where key.layer == layer { entry.tensor.advise(access) }
    }
  }
}

/// Which part of a tensor a weight is, and the check of the tensor's shape.
private struct Place {
  let configuration: Configuration
  let weight: Weight
  let shape: WeightShape
  let source: TensorSource

  func weight(in tensor: TensorView) throws -> WeightTable.Entry {
    let inputs = shape.sizes.count == 2 ? shape.sizes[1] : nil
    var expected = [total] + (inputs.map { [$0] } ?? [])
    if source.transposed { expected.reverse() }
    try check(tensor, expected)
    return .init(tensor: tensor, outputs: outputs, inputs: inputs, transposed: source.transposed)
  }

  func bias(in tensor: TensorView) throws -> WeightTable.Entry {
    try check(tensor, [source.bias == nil ? total : shape.sizes[0]])
    return .init(
      tensor: tensor, outputs: source.bias == nil ? outputs : 0..<shape.sizes[0], inputs: nil, transposed: false)
  }

  private func size(_ weight: Weight) -> Int { configuration.shape(of: weight)?.sizes[0] ?? 0 }
  private var total: Int { source.joined.isEmpty ? shape.sizes[0] : source.joined.reduce(0) { $0 + size($1) } }
  private var outputs: Range<Int> {
    let first = source.joined.prefix { $0 != weight }.reduce(0) { $0 + size($1) }
    return source.joined.isEmpty ? 0..<shape.sizes[0] : first..<first + shape.sizes[0]
  }

  private func check(_ tensor: TensorView, _ expected: [Int]) throws {
    guard tensor.shape == expected else {
      throw Fault(
        .badData, "transformer.tensorShape", "A tensor's shape contradicts config.json", file: tensor.file.url.path,
        place: "tensor \(tensor.name)", expected: "\(expected)", found: "\(tensor.shape)",
        advice: "check that config.json belongs to these weights")
    }
    guard [.float32, .float16, .bfloat16, .float64].contains(tensor.type) else {
      throw Fault(
        .badData, "transformer.tensorType", "A weight's element type cannot be computed with",
        file: tensor.file.url.path, place: "tensor \(tensor.name)", expected: "F32, F16, BF16 or F64",
        found: tensor.type.rawValue, advice: "download the model in a floating-point type, not quantized")
    }
  }
}

/// Finds tensors under any of a family's prefixes, and keeps account of those missing and those unused.
private struct TensorFinder {
  let map: TensorMap
  let checkpoint: Checkpoint
  private var used = Set<String>()
  private var missing: [String] = []

  init(map: TensorMap, checkpoint: Checkpoint) {
    self.map = map
    self.checkpoint = checkpoint
  }

  mutating func weight(_ source: TensorSource, layer: Int?) -> TensorView? {
    // Checkpoints converted from TensorFlow call a norm's weight gamma and its bias beta.
    find([".weight", ".gamma"].map { name(source.name, layer) + $0 })
  }

  mutating func bias(_ source: TensorSource, layer: Int?) -> TensorView? {
    find(source.bias.map { [$0] } ?? [".bias", ".beta"].map { name(source.name, layer) + $0 })
  }

  private func name(_ template: String, _ layer: Int?) -> String {
    guard let layer, let range = template.range(of: "{i}") else { return template }
    return template.replacingCharacters(in: range, with: String(layer))
  }

  private mutating func find(_ names: [String]) -> TensorView? {
    for name in names {
      for candidate in [name] + map.prefixes.map({ $0 + name }) {
        if let tensor = checkpoint.tensor(named: candidate) {
          used.insert(candidate)
          return tensor
        }
      }
    }
    if !missing.contains(names[0]) { missing.append(names[0]) }
    return nil
  }

  /// - Throws: `Fault` where a tensor is missing or was not asked for.
  func finish() throws {
    let unused = checkpoint.names.filter { !used.contains($0) && !isIgnored($0) }
    let file = checkpoint.folder.path
    if !missing.isEmpty {
      throw Fault(
        .badData, "transformer.missingTensors", "The checkpoint lacks \(counted(missing.count)) of this architecture",
        file: file, place: listed(missing), expected: "every weight that config.json implies",
        found: unused.isEmpty ? "all other weights" : "these beside them, of no use: \(listed(unused))",
        advice: "check that config.json belongs to these weights, and that every shard was downloaded")
    }
    if !unused.isEmpty {
      throw Fault(
        .badData, "transformer.unusedTensors",
        "The checkpoint holds \(counted(unused.count)) that this architecture does not have", file: file,
        place: listed(unused), expected: "only weights that config.json implies", found: "others",
        advice: "check that config.json belongs to these weights: what they compute would be left out silently")
    }
  }

  private func isIgnored(_ name: String) -> Bool {
    map.ignored.contains { pattern in
      matches(name, pattern: pattern)
        || map.prefixes.contains { name.hasPrefix($0) && matches(String(name.dropFirst($0.count)), pattern: pattern) }
    }
  }

  private func counted(_ count: Int) -> String { count == 1 ? "1 tensor" : "\(count) tensors" }

  private func listed(_ names: [String]) -> String {
    names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }
}
