import Activations
import LinearAlgebra
import Probes

/// What a measure is held against: directions that no training chose, measured as neurons are.
public enum NullKind: String, Codable, Sendable, CaseIterable {
  /// Random directions of the residual stream beside the layer.
  case directions
  /// Axes of a random rotation of the layer's own neurons.
  case rotations

  public var title: String {
    switch self {
    case .directions: "random directions of the residual stream"
    case .rotations: "rotated axes of the neurons"
    }
  }
}

/// Random unit vectors beside one site of neurons.
///
/// What a vector's "activation" is, its product with the site's row, is ranked by documents as a neuron's is. No
/// activation function is needed: the measures of meaning rest on the order of the documents, which a rising function
/// leaves as it is.
struct NullDirections {
  let kind: NullKind
  /// The site that rows are read from.
  let read: String
  /// As the site of as many neurons.
  let site: StoredSite
  /// [directions, width of the site read]
  let vectors: Matrix

  /// Those of a neurons' site: of each kind that the source allows.
  static func beside(
    _ site: StoredSite, of source: some ActivationSource, embedding: String?, draws: Int, each: Int, seed: UInt64
  ) -> [NullDirections] {
    guard draws * each > 0 else { return [] }
    func drawn(_ kind: NullKind, from read: StoredSite) -> NullDirections {
      let vectors = (0..<draws).flatMap { draw in
        var generator = SeededGenerator(seed: seed, stream: "null \(kind.rawValue) \(site.name) \(draw)")
        return RandomBases.directions(each, width: read.width, generator: &generator).elements
      }
      var own = site
      own.shape = [draws * each]
      return NullDirections(
        kind: kind, read: read.name, site: own,
        vectors: Matrix(rows: draws * each, columns: read.width, elements: vectors))
    }
    let stream =
      source.sites.first { $0.layer == site.layer && $0.name.hasSuffix("hook_resid_mid") && !$0.isRouted }
      ?? source.sites.first { $0.layer == site.layer && $0.name.hasSuffix("hook_resid_post") && !$0.isRouted }
      ?? source.sites.first { $0.name == embedding && !$0.isRouted }
    return (stream.map { [drawn(.directions, from: $0)] } ?? []) + [drawn(.rotations, from: site)]
  }

  /// Rows in these directions: [rows, directions].
  func values(_ rows: Matrix) -> Matrix { rows.multiplied(by: vectors, transposed: true) }
}

/// The measures that random directions reach, by site and kind.
public struct RankingNull: Sendable {
  struct Site: Sendable {
    let kind: NullKind
    let site: String
    /// Draw after draw.
    let measures: [NeuronMeasures]
  }

  let sites: [Site]
  let draws: Int

  /// The level that a neuron has to pass: this share of random directions at most may reach it, by either kind.
  public static let level = 0.01

  /// What one kind reaches by a measure, over all sites.
  public struct Summary: Encodable, Sendable, Equatable {
    public var kind: NullKind
    /// Directions, in how many draws.
    public var count: Int
    public var draws: Int
    /// The values that 5 % and 1 % of the directions reach, towards the end that was asked for.
    public var reached5: Double
    public var reached1: Double
    /// The lowest and highest of `reached1` over the draws.
    public var spread: [Double]
  }

  /// - Parameter sign: 1 where high values were asked for, −1 for low ones.
  func summary(_ measure: NeuronMeasure, _ kind: NullKind, sign: Double, sites wanted: Set<String>) -> Summary? {
    let own = sites.filter { $0.kind == kind && wanted.contains($0.site) }
    func values(_ draw: Int?) -> [Double] {
      own.flatMap { site in
        let each = site.measures.count / max(draws, 1)
        let range = draw.map { $0 * each..<($0 + 1) * each } ?? 0..<site.measures.count
        return site.measures[range].compactMap { $0[measure].map { $0 * sign } }
      }
    }
    let all = values(nil)
    guard !all.isEmpty else { return nil }
    let byDraw = (0..<draws).map { values($0) }.filter { !$0.isEmpty }.map { sign * Self.reached($0, by: 0.01) }
    return Summary(
      kind: kind, count: all.count, draws: draws, reached5: sign * Self.reached(all, by: 0.05),
      reached1: sign * Self.reached(all, by: 0.01), spread: [byDraw.min() ?? 0, byDraw.max() ?? 0])
  }

  /// The value that a share of some values reaches.
  static func reached(_ values: [Double], by share: Double) -> Double {
    let sorted = values.sorted(by: >)
    return sorted[min(sorted.count - 1, max(0, Int((Double(sorted.count) * share).rounded(.up)) - 1))]
  }

  /// For one measure, sites' values in falling order.
  func table(_ measure: NeuronMeasure, sign: Double) -> Table {
    var values: [Key: [Double]] = [:]
    for site in sites {
      let own = site.measures.compactMap { $0[measure].map { $0 * sign } }
      if !own.isEmpty { values[Key(kind: site.kind, site: site.site), default: []] += own }
    }
    return Table(values: values.mapValues { $0.sorted() }, sign: sign)
  }

  struct Key: Hashable {
    let kind: NullKind
    let site: String
  }

  /// What share of a site's random directions reaches a value.
  struct Table {
    let values: [Key: [Double]]
    let sign: Double
    /// Directions over all sites and kinds.
    var count: Int { values.values.reduce(0) { $0 + $1.count } }

    func share(reaching value: Double, _ kind: NullKind, site: String) -> Double? {
      guard let own = values[Key(kind: kind, site: site)] else { return nil }
      return Double(reaching(value, own)) / Double(own.count)
    }

    /// Whether a neuron passes: of each kind, with the neuron itself counted among the directions, at most 1 % reach it. A
    /// neuron that is one more random direction passes with a chance of 1 % at most.
    func isPassed(by value: Double, site: String) -> Bool? {
      let own = NullKind.allCases.compactMap { values[Key(kind: $0, site: site)] }
      guard !own.isEmpty else { return nil }
      return own.allSatisfy { Double(reaching(value, $0) + 1) <= RankingNull.level * Double($0.count + 1) }
    }

    private func reaching(_ value: Double, _ sorted: [Double]) -> Int {
      var (low, high) = (0, sorted.count)
      while low < high {
        let middle = (low + high) / 2
        if sorted[middle] < sign * value { low = middle + 1 } else { high = middle }
      }
      return sorted.count - low
    }
  }
}

/// How a ranking stands against random directions.
public struct NullComparison: Encodable, Sendable, Equatable {
  public var measure: NeuronMeasure
  /// Neurons that were compared.
  public var neurons: Int
  /// The values that 5 % and 1 % of the neurons reach.
  public var reached5: Double
  public var reached1: Double
  public var kinds: [RankingNull.Summary]
  /// Neurons that no more than 1 % of their layer's random directions reach, of either kind.
  public var above: Int
  /// As many of them as chance alone would give in 95 of 100 cases at most.
  public var byChance: Int
}
