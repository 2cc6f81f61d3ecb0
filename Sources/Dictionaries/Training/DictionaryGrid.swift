/// Dictionaries of one architecture that are trained beside each other: every combination of sizes and sparsities, each from
/// several seeds.
public struct DictionaryGrid: Sendable {
  public var architecture: SparseAutoencoder.Architecture
  /// Numbers of latents.
  public var latents: [Int]
  /// Numbers of active latents.
  public var ks: [Int]
  /// Weights of the sparsity loss; nil: the architecture's own.
  public var sparsities: [Float]?
  /// How many of each kind, from seeds that follow `seed`.
  public var repeats: Int
  public var seed: UInt64

  /// - Precondition: `repeats` is at least 1.
  public init(
    architecture: SparseAutoencoder.Architecture, latents: [Int] = [4096], ks: [Int] = [32],
    sparsities: [Float]? = nil, repeats: Int = 1, seed: UInt64 = 0
  ) {
    precondition(repeats >= 1, "\(repeats) repeats")
    self.architecture = architecture
    self.latents = latents
    self.ks = ks
    self.sparsities = sparsities
    self.repeats = repeats
    self.seed = seed
  }

  /// Every combination, repeats innermost.
  ///
  /// - Parameter change: What all of them have besides.
  public func settings(_ change: (inout DictionarySettings) -> Void = { _ in }) -> [DictionarySettings] {
    var all: [DictionarySettings] = []
    for width in latents {
      for k in ks {
        for sparsity in sparsities?.map({ $0 as Float? }) ?? [nil] {
          for offset in 0..<UInt64(repeats) {
            var settings = DictionarySettings(architecture: architecture, latents: width, k: k)
            settings.seed = seed &+ offset
            if let sparsity { settings.sparsity = sparsity }
            change(&settings)
            all.append(settings)
          }
        }
      }
    }
    return all
  }

  /// How alike the repeats of each kind are: the mean, over pairs, of their mean maximal cosine.
  ///
  /// - Parameter dictionaries: Those of `settings`, in its order.
  public func likeness(_ dictionaries: [SparseAutoencoder]) -> [Double] {
    stride(from: 0, to: dictionaries.count, by: repeats).map { start in
      let same = dictionaries[start..<min(start + repeats, dictionaries.count)]
      var values: [Double] = []
      for (index, a) in same.enumerated() {
        for (other, b) in same.enumerated() where other != index {
          values.append(meanMaximumCosine(of: a.comparableDecoder, among: b.comparableDecoder))
        }
      }
      return values.reduce(0, +) / Double(max(values.count, 1))
    }
  }
}
