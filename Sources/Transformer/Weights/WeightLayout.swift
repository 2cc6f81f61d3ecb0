import Architectures
import Checkpoints
import Diagnostics
import Foundation

/// Which part of a tensor a weight is, and the check of the tensor's shape.
struct WeightLayout {
  let architecture: Architecture
  let key: WeightKey
  let shape: WeightShape
  let name: StoredTensor
  /// What messages call the model's description.
  let configuration: String

  func weight(in tensors: [TensorView]) throws -> StoredWeight {
    let inputs = shape.sizes.count == 2 ? shape.sizes[1] : nil
    guard let tensor = tensors.first else { preconditionFailure("no tensor of \(key)") }
    if case .keysBesideValues = name.rows { return try keysBesideValues(tensors) }
    // A tensor in blocks has its inputs last, however the family stores plain numbers.
    let isTransposed = name.isTransposed && !tensor.type.isQuantized
    var expected = [total] + (inputs.map { [$0] } ?? [])
    if isTransposed { expected.reverse() }
    if tensors.count > 1 { expected = [total / tensors.count] }
    for tensor in tensors { try check(tensor, expected) }
    return StoredWeight(
      tensors: tensors, base: base(in: tensor), rows: rows, storedRows: total, inputs: inputs,
      isTransposed: isTransposed, neighboursInHeads: name.neighboursInHeads)
  }

  private func keysBesideValues(_ tensors: [TensorView]) throws -> StoredWeight {
    guard let attention = key.layer.map({ architecture.blocks[$0].attention }), let latent = attention.latent else {
      preconditionFailure("\(key) without latent attention")
    }
    let keys = attention.headWidth - latent.rotaryWidth
    try check(tensors[0], [attention.heads, latent.keyValueRank, keys])
    try check(tensors[1], [attention.heads, attention.valueWidth, latent.keyValueRank])
    return StoredWeight(
      tensors: tensors, base: 0, rows: rows, storedRows: total, inputs: latent.keyValueRank, isTransposed: false,
      turnedKeys: keys)
  }

  func bias(in tensor: TensorView) throws -> StoredWeight {
    try check(tensor, [total])
    return StoredWeight(
      tensors: [tensor], base: base(in: tensor), rows: rows, storedRows: total, inputs: nil, isTransposed: false,
      neighboursInHeads: name.neighboursInHeads)
  }

  /// The first element of this expert's part, where all lie in one tensor.
  private func base(in tensor: TensorView) -> Int {
    guard name.isStacked, let expert = key.expert, let experts else { return 0 }
    return expert * (tensor.count / experts)
  }

  private var experts: Int? { key.layer.flatMap { architecture.blocks[$0].experts?.count } }

  private func size(_ role: WeightRole) -> Int {
    let shape =
      key.layer.map { architecture.blocks[$0].shape(of: role, width: architecture.width) }
      ?? architecture.shape(of: role)
    return shape?.sizes[0] ?? 0
  }

  /// The rows of the whole tensor (of one expert).
  private var total: Int {
    switch name.rows {
    case .all, .keysBesideValues: shape.sizes[0]
    case .joined(let roles): roles.reduce(0) { $0 + size($1) }
    case .byHead: size(.query) + size(.key) + size(.value)
    case .alternating: 2 * shape.sizes[0]
    }
  }

  private var rows: RowRuns {
    let count = shape.sizes[0]
    switch name.rows {
    case .all, .keysBesideValues: return RowRuns(first: 0, length: count, stride: count, runs: 1)
    case .joined(let roles):
      let first = roles.prefix { $0 != key.role }.reduce(0) { $0 + size($1) }
      return RowRuns(first: first, length: count, stride: count, runs: 1)
    case .alternating(let first): return RowRuns(first: first, length: 1, stride: 2, runs: count)
    case .byHead:
      guard let attention = key.layer.map({ architecture.blocks[$0].attention }) else {
        preconditionFailure("\(key) outside the blocks")
      }
      let group = attention.heads / attention.keyValueHeads * attention.headWidth
      let (first, length) =
        switch key.role {
        case .query: (0, group)
        case .key: (group, attention.headWidth)
        default: (group + attention.headWidth, attention.valueWidth)
        }
      return RowRuns(
        first: first, length: length, stride: group + attention.headWidth + attention.valueWidth,
        runs: attention.keyValueHeads)
    }
  }

  private func check(_ tensor: TensorView, _ expected: [Int]) throws {
    let expected = (name.isStacked ? [experts ?? 0] : []) + expected
    // A norm with weights for each head may lie as [heads, d_head], and an axis of one may be left out.
    let isFlat =
      expected.count == 1 && tensor.shape.reduce(1, *) == expected[0] && tensor.count == expected[0]
      || tensor.shape == expected.filter { $0 != 1 }
    guard tensor.shape == expected || isFlat && key.role != .sinks else {
      throw Fault(
        .badData, "transformer.tensorShape", "A tensor's shape contradicts \(configuration)",
        file: tensor.file.url.path,
        place: "tensor \(tensor.name)", expected: "\(expected)", found: "\(tensor.shape)",
        advice: "check that \(configuration) belongs to these weights")
    }
    guard tensor.type.isFloatingPoint else {
      throw Fault(
        .badData, "transformer.tensorType", "A weight's element type cannot be computed with",
        file: tensor.file.url.path, place: "tensor \(tensor.name)", expected: "F32, F16, BF16, F64 or a block type",
        found: tensor.type.rawValue, advice: "download the model in a floating-point type")
    }
  }
}

/// Which rows of a tensor belong to a weight: runs of `length` rows, the first at `first`, `stride` rows apart.
struct RowRuns: Sendable, Equatable {
  var first: Int
  var length: Int
  var stride: Int
  var runs: Int

  var count: Int { length * runs }
  /// The tensor's row of the weight's row.
  func stored(_ row: Int) -> Int { first + row / length * stride + row % length }
}
