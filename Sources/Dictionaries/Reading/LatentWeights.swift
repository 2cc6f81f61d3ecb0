import Activations
import Architectures
import LinearAlgebra
import Transformer

/// What the weights say of some latents, without any text.
package struct LatentWeights {
  package var promoted: [[LatentFeature.TokenEffect]]
  package var suppressed: [[LatentFeature.TokenEffect]]
  package var aligned: [[LatentFeature.Related]]
  package var nearest: [[LatentFeature.Related]]

  /// - Complexity: O(latents · (vocabulary · d_model + F · m)) with a model.
  package init(
    _ dictionary: SparseAutoencoder, model: Model?, latents: [Int], count: Int,
    piece: (@Sendable (Int32) -> String)?
  ) throws {
    let directions = dictionary.lastDirections.selectingRows(latents)
    aligned = (0..<latents.count).map { row in
      // The coordinates of a crosscoder belong to several bases.
      if dictionary.isCrosscoder { return [] }
      let values = directions.row(row).map(abs)
      let total = Float(values.reduce(0.0) { $0 + Double($1) })
      return topK(count, of: values).map {
        LatentFeature.Related(index: $0.index, value: total > 0 ? $0.value / total : 0)
      }
    }
    let unit = dictionary.unitDirections
    nearest = []
    for start in stride(from: 0, to: latents.count, by: 256) {
      let some = latents[start..<min(start + 256, latents.count)]
      let cosines = unit.selectingRows(some).multiplied(by: unit, transposed: true)
      nearest += some.enumerated().map { row, latent in
        topK(count + 1, of: cosines.row(row)).filter { $0.index != latent }.prefix(count).map {
          LatentFeature.Related(index: $0.index, value: $0.value)
        }
      }
    }
    promoted = latents.map { _ in [] }
    suppressed = promoted
    guard let model, let residual = try Self.residual(directions, of: dictionary, in: model) else { return }
    for start in stride(from: 0, to: latents.count, by: 64) {
      let some = start..<min(start + 64, latents.count)
      let effects = try Self.centredEffects(residual.selectingRows(some), model: model)
      for (offset, place) in some.enumerated() {
        let values = effects[offset]
        func list(_ values: [Float], _ sign: Float) -> [LatentFeature.TokenEffect] {
          topK(count, of: values).map {
            LatentFeature.TokenEffect(
              id: Int32($0.index), text: piece?(Int32($0.index)) ?? "⟨\($0.index)⟩", effect: sign * $0.value)
          }
        }
        promoted[place] = list(values, 1)
        suppressed[place] = list(values.map { -$0 }, -1)
      }
    }
  }

  /// How what a unit of each latent adds to all logits, the mean taken off, spreads; nil where that is not known.
  package static func effectHistograms(
    _ dictionary: SparseAutoencoder, model: Model?, latents: [Int], bins: Int
  ) throws -> [ValueHistogram]? {
    let directions = dictionary.lastDirections.selectingRows(latents)
    guard let model, let residual = try residual(directions, of: dictionary, in: model) else { return nil }
    var histograms: [ValueHistogram] = []
    for start in stride(from: 0, to: latents.count, by: 64) {
      let some = residual.selectingRows(start..<min(start + 64, latents.count))
      histograms += try centredEffects(some, model: model).map { ValueHistogram(of: $0, bins: bins) }
    }
    return histograms
  }

  /// A shift of all logits alike says nothing, so that it is taken off.
  private static func centredEffects(_ residual: Matrix, model: Model) throws -> [[Float]] {
    let effects = try model.logitEffects(of: residual)
    return (0..<effects.rows).map { row in
      let values = effects.row(row)
      let mean = Float(values.reduce(0.0) { $0 + Double($1) } / Double(max(values.count, 1)))
      return values.map { $0 - mean }
    }
  }

  /// What directions at the dictionary's site add to the residual stream, [latents, d_model]; nil where that is not one
  /// linear map.
  private static func residual(
    _ directions: Matrix, of dictionary: SparseAutoencoder, in model: Model
  ) throws -> Matrix? {
    let name = dictionary.configuration.sites.last ?? ""
    guard model.architecture.hasLogits,
      let site = model.architecture.sites.first(where: { $0.name == name })
    else { return nil }
    switch site.kind {
    case .residPre, .residMid, .residPost, .mlpOut, .attentionOut:
      return directions.columns == model.architecture.width ? directions : nil
    case .mlpPost:
      guard let layer = site.layer else { return nil }
      let output = try model.neuronOutputWeights(layer: layer)
      return output.rows == directions.columns ? directions.multiplied(by: output) : nil
    case .mixed:
      guard let layer = site.layer else { return nil }
      let output = try model.attentionOutputWeights(layer: layer)
      return output.columns == directions.columns ? directions.multiplied(by: output, transposed: true) : nil
    default: return nil
    }
  }
}
