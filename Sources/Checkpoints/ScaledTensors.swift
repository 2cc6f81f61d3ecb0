import Diagnostics
import Foundation
import StrictJSON

/// Joins the tensors of a safetensors checkpoint with the scales that lie in tensors of their own.
///
/// Two ways are known: 8-bit floats `X` with `X_scale_inv`, a float a tile (DeepSeek V3, Qwen 3 FP8), and MXFP4 as
/// `X_blocks`, U8 [..., groups, 16], with `X_scales`, U8 [..., groups] (gpt-oss).
struct ScaledTensors {
  /// All tensors of the files, by name.
  private let stored: [ExactString: TensorView]
  private let folder: URL
  /// `quantization_config.weight_block_size` of config.json, read when it is first needed.
  private var tile: (rows: Int, columns: Int)??

  /// - Parameter folder: Where config.json lies, if anywhere.
  init(_ stored: [ExactString: TensorView], folder: URL) {
    self.stored = stored
    self.folder = folder
  }

  /// The tensors as a model sees them: each with its scales, none that holds scales alone.
  /// - Throws: `Fault` named `checkpoints.scales` where scales do not fit, and those of reading config.json.
  mutating func joined() throws -> [ExactString: TensorView] {
    var result = stored
    for (key, tensor) in stored {
      switch tensor.type {
      case .float8e4m3, .float8e5m2:
        let name = ExactString(tensor.name + "_scale_inv")
        guard let scales = stored[name] else {
          try refuseUnscaled(tensor)
          continue
        }
        result[key] = try tiled(tensor, scales)
        result[name] = nil
      case .uint8:
        guard let (name, joined) = try microscaled(tensor) else { continue }
        result[key] = nil
        result[name] = nil
        result[ExactString(joined.name)] = joined
      default: continue
      }
    }
    return result
  }

  /// Matrices of a model that is stored in tiles have scales, or are not what they seem.
  private mutating func refuseUnscaled(_ tensor: TensorView) throws {
    guard tensor.shape.count > 1, let tile = try configuredTile() else { return }
    throw Fault(
      .badData, "checkpoints.scales", "A tensor's scales are missing", file: tensor.file.url.path,
      place: "tensor \(tensor.name)",
      expected:
        "a tensor \(tensor.name)_scale_inv, since config.json says that tiles of \(tile.rows) × \(tile.columns) "
        + "have scales", found: "none", advice: "download the model again, with every shard")
  }

  /// MXFP4, where this tensor is the half that holds the elements.
  private func microscaled(_ blocks: TensorView) throws -> (scales: ExactString, joined: TensorView)? {
    let suffix = "_blocks"
    guard blocks.name.hasSuffix(suffix), blocks.shape.count >= 2, blocks.shape.last == 16 else { return nil }
    let name = String(blocks.name.dropLast(suffix.count))
    guard let scales = stored[ExactString(name + "_scales")], scales.type == .uint8 else { return nil }
    guard scales.shape == Array(blocks.shape.dropLast()) else {
      throw fault(scales, of: blocks, expected: "\(blocks.shape.dropLast())", found: "\(scales.shape)")
    }
    guard stored[ExactString(name)] == nil else {
      throw fault(
        scales, of: blocks, expected: "the tensor as blocks and scales alone", found: "a tensor \(name) beside them")
    }
    // Bounded by the blocks' own byte count, which is half of it.
    let shape = blocks.shape.dropLast(2) + [blocks.shape[blocks.shape.count - 2] * 32]
    let joined = TensorView(
      name: name, type: .mxfp4, shape: Array(shape), file: blocks.file, range: blocks.range,
      scales: TensorScales(name: scales.name, layout: .exponents, file: scales.file, range: scales.range))
    return (ExactString(scales.name), joined)
  }

  private mutating func tiled(_ tensor: TensorView, _ scales: TensorView) throws -> TensorView {
    guard [.float32, .bfloat16, .float16].contains(scales.type) else {
      throw fault(scales, of: tensor, expected: "scales of type F32, BF16 or F16", found: scales.type.rawValue)
    }
    let tile = try tileSize(tensor, scales)
    return TensorView(
      name: tensor.name, type: tensor.type, shape: tensor.shape, file: tensor.file, range: tensor.range,
      scales: TensorScales(
        name: scales.name, layout: .tiles(rows: tile.rows, columns: tile.columns, type: scales.type),
        file: scales.file, range: scales.range))
  }

  /// The configuration's tile where it names one; else 128 × 128, or what other usual size the shapes allow.
  private mutating func tileSize(_ tensor: TensorView, _ scales: TensorView) throws -> (rows: Int, columns: Int) {
    let shape = tensor.shape
    // One scale for everything.
    if scales.count == 1, shape.count <= 2 {
      return (max(shape.count > 1 ? shape[0] : 1, 1), max(shape.last ?? 1, 1))
    }
    guard shape.count >= 2, scales.shape.count == shape.count, scales.shape.dropLast(2) == shape.dropLast(2) else {
      throw fault(
        scales, of: tensor, expected: "a scale for each tile of the last two axes of \(shape)", found: "\(scales.shape)"
      )
    }
    let axes = (shape.count - 2..<shape.count).map { (length: shape[$0], tiles: scales.shape[$0]) }
    func fits(_ length: Int, _ axis: (length: Int, tiles: Int)) -> Bool {
      axis.tiles == (axis.length == 0 ? 0 : (axis.length - 1) / length + 1)
    }
    if let given = try configuredTile() {
      guard fits(given.rows, axes[0]), fits(given.columns, axes[1]) else {
        throw fault(
          scales, of: tensor, expected: "a scale for each tile of \(given.rows) × \(given.columns) of \(shape)",
          found: "\(scales.shape)")
      }
      return given
    }
    // Down to 16, up to any axis whole, and a scale for each row or column.
    let candidates = [128, 64, 32, 16] + (8...40).map { 1 << $0 } + [1]
    guard let rows = candidates.first(where: { fits($0, axes[0]) }),
      let columns = candidates.first(where: { fits($0, axes[1]) })
    else {
      throw fault(
        scales, of: tensor, expected: "a scale for each tile of 128 × 128 of \(shape)", found: "\(scales.shape)")
    }
    return (rows, columns)
  }

  private mutating func configuredTile() throws -> (rows: Int, columns: Int)? {
    if let tile { return tile }
    var found: (rows: Int, columns: Int)?
    let url = folder.appending(path: "config.json")
    if FileManager.default.fileExists(atPath: url.path) {
      let json = try MappedFile(contentsOf: url).withUnsafeBytes { try JSONValue(parsing: $0, file: url.path) }
      let reader = try JSONReader(json, file: url.path).optional("quantization_config")?.optional("weight_block_size")
      if let reader {
        let sizes = try reader.array().map { try $0.integer() }
        guard sizes.count == 2, sizes.allSatisfy({ $0 > 0 }) else { throw reader.unexpected("two sizes above 0") }
        found = (sizes[0], sizes[1])
      }
    }
    tile = .some(found)
    return found
  }

  private func fault(_ scales: TensorView, of tensor: TensorView, expected: String, found: String) -> Fault {
    Fault(
      .badData, "checkpoints.scales", "A tensor's scales do not fit the tensor", file: scales.file.url.path,
      place: "tensor \(scales.name), the scales of \(tensor.name)", expected: expected, found: found,
      advice: "download the model again: its files are of different versions")
  }
}
