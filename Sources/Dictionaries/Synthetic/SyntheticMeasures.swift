import CKernels
import LinearAlgebra

/// How a dictionary does on samples whose features are known; the measures of SynthSAEBench, as SAELens defines them.
public struct SyntheticMeasures: Codable, Sendable, Equatable {
  /// Which latents are active in a sample.
  public enum Selection: String, Codable, Sendable {
    /// Of each batch the k·rows largest: what BatchTopK does in training, and how the published rows were judged.
    case batch
    /// As the dictionary does in use.
    case threshold
  }

  public var selection: Selection
  public var samples: Int
  /// Active features and active latents, in the mean over samples.
  public var trueL0: Double
  public var l0: Double
  /// Latents that were active in no sample.
  public var deadLatents: Int
  /// The mean of ‖x̂‖ over ‖x‖.
  public var shrinkage: Double
  /// 1 − Σ‖x − x̂‖² / Σ‖x − x̄‖².
  public var explainedVariance: Double
  /// The mean absolute cosine between latents and features, matched one to one such that it is largest.
  public var mcc: Double
  /// Different features that are nearest to some latent, over latents.
  public var uniqueness: Double
  /// Means over latents: each tells whether the feature is active whose direction is nearest to its own.
  public var precision: Double
  public var recall: Double
  public var f1: Double
  /// The smallest value that a batch selected, in the mean over batches; 0 where a threshold selected.
  public var smallestSelected: Double

  /// - Parameters:
  ///   - samples: how many to draw, rounded up to whole batches.
  ///   - seed: of the stream; no sample of it may have been trained on.
  public init(
    of dictionary: SparseAutoencoder, on model: SyntheticModel, samples: Int, batch: Int = 1024, seed: UInt64,
    selection: Selection, progress: (Int) -> Void = { _ in }
  ) {
    let match = SyntheticMatch(dictionary.decoder, model.directions)
    let latents = dictionary.latents
    self.selection = selection
    let encoder = Parameter("encoder", rows: latents, columns: model.width)
    _ = encoder.values.buffer.update(fromContentsOf: dictionary.encoder.elements)
    let bias = Parameter("bias", rows: latents)
    _ = bias.values.buffer.update(fromContentsOf: dictionary.encoderBias)
    var claims = [Int](repeating: 0, count: latents)
    var hits = claims
    var truths = [Int](repeating: 0, count: model.features)
    var isActive = [Bool](repeating: false, count: model.features)
    var sums = [Double](repeating: 0, count: model.width)
    var (squares, errors, ratios, smallest) = (0.0, 0.0, 0.0, 0.0)
    var guess: Float = 0
    let batches = max(1, (samples + batch - 1) / batch)
    for index in 0..<batches {
      let (rows, active) = model.sample(index * batch..<(index + 1) * batch, seed: seed)
      let found: SparseLatents
      switch selection {
      case .threshold: found = dictionary.encode(rows)
      case .batch:
        let input = dictionary.prepared(rows)
        var (chosen, least) = input.elements.withUnsafeBufferPointer { input in
          LatentSelection(
            encoder: SelectionRows(encoder: encoder, bias: bias), input: input.baseAddress!, tokens: batch
          )
          .largestOfBatch((dictionary.configuration.k ?? latents) * batch, guess: 0.93 * guess)
        }
        chosen.values = chosen.products
        chosen.orderByToken(tokenCount: batch)
        guess = least
        smallest += Double(guess)
        found = SparseLatents(
          latents: latents, offsets: chosen.tokenOffsets, indices: chosen.latents, values: chosen.tokenValues)
      }
      let rebuilt = dictionary.decode(found)
      for row in 0..<batch {
        for place in active.range(ofRow: row) {
          isActive[Int(active.indices[place])] = true
          truths[Int(active.indices[place])] += 1
        }
        for place in found.range(ofRow: row) {
          let latent = Int(found.indices[place])
          claims[latent] += 1
          if isActive[match.nearest[latent]] { hits[latent] += 1 }
        }
        for place in active.range(ofRow: row) { isActive[Int(active.indices[place])] = false }
        rows.withUnsafeRow(row) { x in
          rebuilt.withUnsafeRow(row) { y in
            var (own, error, made) = (0.0, 0.0, 0.0)
            for column in 0..<x.count {
              let (a, b) = (Double(x[column]), Double(y[column]))
              sums[column] += a
              own += a * a
              made += b * b
              error += (a - b) * (a - b)
            }
            squares += own
            errors += error
            ratios += own > 1e-12 ? (made / own).squareRoot() : 0
          }
        }
      }
      progress((index + 1) * batch)
    }
    let count = Double(batches * batch)
    self.samples = batches * batch
    trueL0 = Double(truths.reduce(0, +)) / count
    l0 = Double(claims.reduce(0, +)) / count
    deadLatents = claims.count { $0 == 0 }
    shrinkage = ratios / count
    explainedVariance = 1 - errors / (squares - sums.reduce(0) { $0 + $1 * $1 } / count)
    mcc = match.mcc
    uniqueness = match.uniqueness
    smallestSelected = smallest / Double(batches)
    func mean(_ value: (Int) -> Double) -> Double { (0..<latents).reduce(0) { $0 + value($1) } / Double(latents) }
    func share(_ part: Int, _ whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
    precision = mean { share(hits[$0], claims[$0]) }
    recall = mean { share(hits[$0], truths[match.nearest[$0]]) }
    f1 = mean { share(2 * hits[$0], claims[$0] + truths[match.nearest[$0]]) }
  }
}

/// Which feature each latent stands for, by the cosines of directions alone, either sign.
struct SyntheticMatch {
  /// For each latent the feature with the largest absolute cosine.
  let nearest: [Int]
  let mcc: Double
  let uniqueness: Double

  /// Memory: the cosines of all pairs. Latents must not outnumber features.
  init(_ decoder: Matrix, _ directions: Matrix) {
    var cosines = decoder.withUnitRows.multiplied(by: directions.withUnitRows, transposed: true)
    cosines.elements.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] = abs(values[index]) }
    }
    let (latents, features) = (decoder.rows, directions.rows)
    (nearest, mcc) = cosines.elements.withUnsafeBufferPointer { values in
      guard let values = values.baseAddress, latents <= features else { return ([], .nan) }
      let nearest = (0..<latents).map { latent in
        let own = values + latent * features
        var best = 0
        for feature in 0..<features where own[feature] > own[best] { best = feature }
        return best
      }
      let matched = largestAssignment(rows: latents, columns: features, values)
      let total = matched.indices.reduce(0.0) { $0 + Double(values[$1 * features + matched[$1]]) }
      return (nearest, total / Double(max(latents, 1)))
    }
    uniqueness = Double(Set(nearest).count) / Double(max(latents, 1))
  }
}
