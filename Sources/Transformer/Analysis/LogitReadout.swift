import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// How vectors at a model's sites count, directly, in one logit of one run: the unembedding's row (or the difference of two),
/// taken back through the final norm and, in each layer, through what stands behind a branch.
///
/// A norm is linear once its scale is taken from the run; so is everything here, exactly, up to rounding. A cap on logits is not:
/// what is split is the logit before it.
package struct LogitReadout: Sendable {
  /// The logit before any cap, computed from what the unembedding reads (or the difference of two).
  package private(set) var logit = 0.0
  /// The logit as the model gives it, where a cap changes it (or the difference of two).
  package private(set) var capped: Double?
  /// What a vector in the residual stream behind any block adds. Shape: [d_model].
  package private(set) var stream: [Double] = []
  /// What does not depend on the text: the final norm's and the unembedding's bias.
  package private(set) var constant = 0.0
  package private(set) var layers: [Layer] = []
  /// The rows of the run at the position, by site.
  package private(set) var rows: [Site: [Float]]

  /// A layer's branches.
  package struct Layer: Sendable {
    /// What comes out of the attention's projection, before any norm behind it, and the norms' bias.
    package var attention: Branch
    /// What comes out of the MLP or the experts.
    package var mlp: Branch
  }

  /// What a vector on a branch adds to the logit.
  package struct Branch: Sendable {
    /// Shape: [d_model].
    package var direction: [Double]
    /// What the norms behind the branch add whatever the vector is.
    package var constant: Double
  }
}

extension Architecture {
  /// Whether the residual stream in front of the final norm is a sum of what was written into it, and the logits are read from it
  /// through one norm.
  package var isSumOfParts: Bool {
    head.kind == .nextToken && embedding.tokenWidth == nil && embedding.tokenTypes == 0 && !embedding.normalizesSum
      && blocks.allSatisfy { $0.normPlace != .onStream }
  }
}

extension Model {
  /// Runs a document up to a position and finds how vectors count in the logit of what is predicted after it.
  ///
  /// - Parameters:
  ///   - position: nil: the last.
  ///   - sites: Sites whose rows at the position are kept, where they have one.
  ///   - reads: Further hooks of the run.
  /// - Throws: `Fault`: `transformer.noAttribution`, `transformer.noSuchPosition`, `transformer.noLogits` and those of `run`.
  package func readout(
    of token: Int32, against: Int32? = nil, in tokens: [Int32], after position: Int? = nil, keeping sites: [Site] = [],
    reads: [Hook] = []
  ) throws -> LogitReadout {
    guard architecture.hasLogits else { throw noLogits }
    guard architecture.isSumOfParts else {
      throw Fault(
        .usage, "transformer.noAttribution", "This model's logits are no sum of what its parts wrote",
        file: folder.path, expected: "a causal model that normalizes beside the residual stream",
        found: architecture.modelType)
    }
    let position = position ?? tokens.count - 1
    guard tokens.indices.contains(position) else {
      throw Fault(
        .usage, "transformer.noSuchPosition", "The text has no such token",
        expected: tokens.isEmpty ? "a text" : "a position from 0 to \(tokens.count - 1)", found: "\(position)")
    }
    let chosen = [token] + (against.map { [$0] } ?? [])
    let unembedding = try unembeddings(of: chosen)
    let scales = normScaleSites
    var rows: [Site: [Float]] = [:]
    var logits: [Double] = []
    let wanted = Set(sites + scales + [Site(.unembedIn)] + (architecture.head.norm == nil ? [] : [Site(.finalScale)]))
    let hooks =
      wanted.map { site in
        Hook(site) { value in if value.row(of: position) != nil { rows[site] = value.row(position) } }
      } + [
        Hook(Site(.unembedOut)) { value in
          guard value.rows.contains(position) else { return }
          logits = chosen.map { Double(value[position, Int($0)]) }
        }
      ]
    try run(TokenBatch(documents: [Array(tokens[...position])]), hooks: reads + hooks)
    return try LogitReadout(self, token, against, unembedding: unembedding, rows: rows, logits: logits)
  }

  /// The scales of the norms behind branches.
  private var normScaleSites: [Site] {
    architecture.blocks.enumerated().flatMap { layer, block -> [Site] in
      var kinds: [Site.Kind] = []
      if block.normPlace == .afterBranch { kinds += [.norm1Scale] + (block.norm2 == nil ? [] : [.norm2Scale]) }
      if block.postNorm != nil { kinds += [.norm1PostScale, .norm2PostScale] }
      return kinds.map { Site($0, layer: layer) }
    }
  }
}

extension LogitReadout {
  fileprivate init(
    _ model: Model, _ token: Int32, _ against: Int32?, unembedding: Matrix, rows: [Site: [Float]], logits: [Double]
  ) throws {
    self.rows = rows
    let (architecture, store) = (model.architecture, model.store)
    let factor = architecture.head.logitScale.map { Double(Float($0)) } ?? 1
    let readout = (0..<architecture.width).map { column in
      factor * (Double(unembedding[0, column]) - (against == nil ? 0 : Double(unembedding[1, column])))
    }
    stream = readout
    if let norm = try store.head().norm {
      (stream, constant) = Self.behind(norm, scale: rows[Site(.finalScale)]?.first ?? 1, direction: stream)
    }
    var bias = 0.0
    if let biases = try store.table.bias(of: .unembedding)?.floats() {
      bias = factor * (Double(biases[Int(token)]) - (against.map { Double(biases[Int($0)]) } ?? 0))
    }
    constant += bias
    let given = logits[0] - (against == nil ? 0 : logits[1])
    if architecture.head.logitCap == nil {
      logit = given
    } else {
      logit = Self.dot(rows[Site(.unembedIn)] ?? [], readout) + bias
      capped = given
    }
    layers = try architecture.blocks.indices.map { layer in
      Layer(
        attention: try branch(model, layer, (.norm1, .norm1Scale), (.norm1Post, .norm1PostScale)),
        mlp: try branch(model, layer, (.norm2, .norm2Scale), (.norm2Post, .norm2PostScale)))
    }
  }

  private typealias BranchNorm = (role: WeightRole, scale: Site.Kind)

  /// From the stream back to what a branch's last product gives.
  private func branch(_ model: Model, _ layer: Int, _ after: BranchNorm, _ post: BranchNorm) throws -> Branch {
    let block = model.architecture.blocks[layer]
    let scale = block.residualScale.map { Double(Float($0)) } ?? 1
    var result = Branch(direction: stream.map { $0 * scale }, constant: 0)
    func goBack(_ norm: Norm?, _ place: BranchNorm) throws {
      guard let weights = try NormWeights(model.store.table, norm, place.role, layer: layer) else { return }
      let (direction, constant) = Self.behind(
        weights, scale: rows[Site(place.scale, layer: layer)]?.first ?? 1, direction: result.direction)
      result = Branch(direction: direction, constant: result.constant + constant)
    }
    try goBack(block.postNorm, post)
    if block.normPlace == .afterBranch { try goBack(after.role == .norm1 ? block.norm1 : block.norm2, after) }
    return result
  }

  /// What a vector in front of a norm counts, where one behind it counts by `direction`; and what the norm's bias adds.
  private static func behind(
    _ norm: NormWeights, scale: Float, direction: [Double]
  ) -> (direction: [Double], constant: Double) {
    var front = direction.indices.map { direction[$0] * Double(norm.weight?[$0] ?? 1) }
    if norm.norm.isCentred {
      let mean = front.reduce(0, +) / Double(front.count)
      for column in front.indices { front[column] -= mean }
    }
    for column in front.indices { front[column] /= Double(scale) }
    return (front, zip(norm.bias ?? [], direction).reduce(0) { $0 + Double($1.0) * $1.1 })
  }

  /// How a row of a site counts directly, where it does: the stream, what a branch adds to it, heads' mixed values and an MLP's
  /// neurons. Shape: [width of the site].
  ///
  /// - Throws: `transformer.noAttribution` for all other sites.
  package func direction(at site: Site, in model: Model) throws -> [Double] {
    let layer = site.layer ?? 0
    switch site.kind {
    case .embed, .residPre, .residMid, .residPost: return stream
    case .positionEmbed where model.architecture.embedding.positions != nil: return stream
    case .attentionOut, .mlpOut: return stream
    case .mixed:
      return Self.project(try model.attentionOutputWeights(layer: layer), onto: layers[layer].attention.direction)
    case .mlpPost:
      return Self.project(try model.outputWeights(.mlpOutput, layer: layer), onto: layers[layer].mlp.direction)
    default:
      throw Fault(
        .usage, "transformer.noAttribution", "What stands at this site does not count in a logit directly",
        place: site.name,
        expected: "the residual stream, attn_out, mlp_out, heads' z or the neurons of an MLP (mlp_post)")
    }
  }

  /// weightsᵀ · direction, for weights [d_model, inputs], in double precision.
  package static func project(_ weights: Matrix, onto direction: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: weights.columns)
    weights.elements.withUnsafeBufferPointer { elements in
      result.withUnsafeMutableBufferPointer { result in
        for row in 0..<weights.rows {
          let (factor, first) = (direction[row], row * weights.columns)
          for column in 0..<weights.columns { result[column] += factor * Double(elements[first + column]) }
        }
      }
    }
    return result
  }

  package static func dot(_ values: some Sequence<Float>, _ direction: [Double]) -> Double {
    zip(values, direction).reduce(0) { $0 + Double($1.0) * $1.1 }
  }
}
