import Activations
import Diagnostics
import Foundation
import LinearAlgebra

/// Activations whose true features are known: sparse sums of more directions than there are dimensions.
///
/// A row is Σ sᵢ·dᵢ over its active features, dᵢ random unit vectors and sᵢ uniform in 0.5 … 1.5, times a scale. Feature i, counted from
/// 1, is active with a probability in proportion to i^−α (Zipf), such that `meanActive` are on average; features come in
/// groups that are on or off together: within a group that is on, each is active independently. A row follows from the
/// seed and its number alone. The superposition of Elhage et al. (2022, Toy Models of Superposition), made to measure what a
/// dictionary recovers.
public struct SyntheticFeatures: ActivationSource {
  /// [features, width], rows of norm 1.
  public let directions: Matrix
  /// How often each feature is active.
  public let frequencies: [Double]
  public let rowCount: Int
  public let seed: UInt64
  private let scale: Float
  private let groupSize: Int
  /// The probability that each group is on.
  private let groups: [Double]
  /// The features of each group, one after another.
  private let members: [Int]

  public static let siteName = "synthetic"

  /// - Parameters:
  ///   - exponent: α; 0 makes all features equally frequent.
  ///   - groupSize: features that share a switch; 1 makes all independent.
  ///   - scale: what every strength is multiplied by.
  public init(
    features: Int, width: Int, meanActive: Double, exponent: Double = 0.5, groupSize: Int = 1, rows: Int,
    scale: Float = 1, seed: UInt64 = 0
  ) {
    precondition(features > 0 && width > 0 && rows >= 0 && groupSize >= 1, "\(features) features in \(width)")
    precondition(meanActive > 0 && exponent >= 0, "\(meanActive) active, exponent \(exponent)")
    var generator = SeededGenerator(seed: seed, stream: "synthetic features")
    directions =
      Matrix(
        rows: features, columns: width, elements: (0..<features * width).map { _ in Float(generator.normal()) }
      ).withUnitRows
    let weights = (0..<features).map { pow(Double($0 + 1), -exponent) }
    let total = weights.reduce(0, +)
    let frequencies = weights.map { min(0.5, meanActive * $0 / total) }
    self.frequencies = frequencies
    let order = groupSize == 1 ? Array(0..<features) : generator.permutation(features)
    groups = stride(from: 0, to: features, by: groupSize).map { start in
      let most = order[start..<min(start + groupSize, features)].map { frequencies[$0] }.max() ?? 0
      // Twice the most frequent member's: that one is active in half of the rows where its group is on.
      return groupSize == 1 ? most : min(1, 2 * most)
    }
    members = order
    self.groupSize = groupSize
    self.scale = scale
    rowCount = rows
    self.seed = seed
  }

  /// The true features of some rows and their strengths.
  public func activity(_ rows: Range<Int>) -> SparseLatents {
    var result = SparseLatents(latents: directions.rows)
    for row in rows {
      var generator = SeededGenerator(seed: seed &+ 0x9e37_79b9_7f4a_7c15 &* UInt64(row + 1))
      var active: [(Int32, Float)] = []
      for (group, probability) in groups.enumerated() where generator.uniform() < probability {
        for place in group * groupSize..<min((group + 1) * groupSize, members.count) {
          let feature = members[place]
          if groupSize > 1, generator.uniform() * probability >= frequencies[feature] { continue }
          active.append((Int32(feature), scale * Float(0.5 + generator.uniform())))
        }
      }
      active.sort { $0.0 < $1.0 }
      result.indices += active.map(\.0)
      result.values += active.map(\.1)
      result.offsets.append(result.indices.count)
    }
    return result
  }

  /// The activations of some rows, [rows, width].
  public func activations(_ rows: Range<Int>) -> Matrix {
    let identity = SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: 1, outputWidth: directions.columns, latents: directions.rows),
      encoder: Matrix(zeros: directions.rows, columns: 1), encoderBias: [Float](repeating: 0, count: directions.rows),
      decoder: directions, decoderBias: [Float](repeating: 0, count: directions.columns))
    return identity.decode(activity(rows))
  }

  // MARK: - As a source

  public var origin: Origin {
    Origin(
      model: "synthetic", modelDigest: "\(directions.rows) features, seed \(seed)", version: UnfoldVersion.current)
  }
  public var sites: [StoredSite] {
    [StoredSite(name: Self.siteName, axes: ["d"], shape: [directions.columns], storage: .float32)]
  }
  public var rowKind: RowKind { .document }
  public var tokenCount: Int { 0 }
  public var documents: DocumentTable { DocumentTable() }
  public var spans: SpanTable { SpanTable() }
  public func tokens(in rows: Range<Int>) throws -> TokenTable { TokenTable() }
  public func text(ofDocument document: Int) throws -> String? { nil }
  public func statistics(of site: String) throws -> SiteStatistics? { nil }

  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    for name in sites { _ = try site(named: name) }
    for start in stride(from: 0, to: rowCount, by: maximumRows) {
      let rows = start..<min(start + maximumRows, rowCount)
      let pieces = Threads.count
      var parts = [Matrix](repeating: Matrix(zeros: 0, columns: 0), count: pieces)
      parts.withUnsafeMutableBufferPointer { parts in
        Threads.forEach(pieces) { piece in
          let first = rows.lowerBound + rows.count * piece / pieces
          parts[piece] = activations(first..<rows.lowerBound + rows.count * (piece + 1) / pieces)
        }
      }
      let values = Matrix(rows: rows.count, columns: directions.columns, elements: parts.flatMap(\.elements))
      try body(ActivationBlock(rows: rows, values: sites.map { _ in values }))
    }
  }
}
