import CKernels
import LinearAlgebra

/// Activations of which every feature is known: trees of features that exclude one another, correlated through a
/// low-rank Gaussian copula, summed in fewer dimensions than there are features.
///
/// A feature fires where Fᵢ·ε + √(1 − ‖Fᵢ‖²)·ηᵢ exceeds the threshold of its probability, ε and η normal; its strength is
/// normal and cut at 0. A child fires only where its parent is active; of several children that fire one stays, all equally
/// likely; its strength counts times the parent's over the parent's mean. A sample is the sum of strengths times
/// directions, and a bias. It follows from the seed of the stream and its own number alone.
public final class SyntheticModel: @unchecked Sendable {  // Nothing is written after `init`.
  public let settings: SyntheticModelSettings
  /// [features, width], rows of norm 1.
  public let directions: Matrix
  public let bias: [Float]
  /// [features, rank]: F.
  public let correlationFactors: Matrix
  /// With what probability each feature fires where its parent is active, before exclusion.
  public let probabilities: [Float]
  public let means: [Float]
  public let deviations: [Float]
  let tree: SyntheticTree
  private let roots: UnsafeMutableBufferPointer<Int32>
  private let buffers: [FloatBuffer]
  private let links: [UnsafeMutableBufferPointer<Int32>]
  private let flags: [UnsafeMutableBufferPointer<UInt8>]
  private let description: unfold_synthetic

  public var features: Int { settings.features }
  public var width: Int { settings.width }

  init(
    settings: SyntheticModelSettings, tree: SyntheticTree, directions: Matrix, bias: [Float], factors: Matrix,
    probabilities: [Float], means: [Float], deviations: [Float]
  ) {
    let (count, rank, strip) = (settings.features, factors.columns, Int(UNFOLD_SYNTHETIC_STRIP))
    let own = (0..<count).map { feature in
      (1 - factors.row(feature).reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
    func buffer(_ values: some Collection<Float>) -> FloatBuffer {
      let result = FloatBuffer(unset: values.count)
      _ = result.buffer.initialize(fromContentsOf: values)
      return result
    }
    let scaled = buffer((0..<count * rank).map { factors.elements[$0] / own[$0 / rank] })
    let thresholds = buffer((0..<count).map { Self.threshold(of: probabilities[$0]) / own[$0] })
    let parentless = tree.parents.indices.filter { tree.parents[$0] < 0 }
    let strips = (parentless.count + strip - 1) / strip
    roots = .allocate(capacity: strips * strip)
    roots.initialize(repeating: -1)
    let rootFactors = FloatBuffer(zeros: strips * rank * strip)
    let rootThresholds = FloatBuffer(zeros: strips * strip)
    rootThresholds.fill(.infinity)
    for (place, feature) in parentless.enumerated() {
      roots[place] = Int32(feature)
      rootThresholds.base[place] = thresholds.base[feature]
      for column in 0..<rank {
        rootFactors.base[(place / strip * rank + column) * strip + place % strip] = scaled.base[feature * rank + column]
      }
    }
    links = [tree.firstChildren, tree.childCounts].map { values in
      let result = UnsafeMutableBufferPointer<Int32>.allocate(capacity: values.count)
      _ = result.initialize(fromContentsOf: values.map { Int32($0) })
      return result
    }
    flags = [tree.childCounts.map { $0 > 1 }, tree.childCounts.map { _ in settings.hierarchy.scales }].map { values in
      let result = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: values.count)
      _ = result.initialize(fromContentsOf: values.map { $0 ? 1 : 0 })
      return result
    }
    buffers = [
      rootFactors, rootThresholds, scaled, thresholds, buffer(means), buffer(deviations), buffer(directions.elements),
      buffer(bias),
    ]
    // The arrays are never empty: a model has features.
    description = unfold_synthetic(
      features: count, width: settings.width, rank: rank, strips: strips, roots: roots.baseAddress!,
      root_factors: buffers[0].base, root_thresholds: buffers[1].base, factors: buffers[2].base,
      thresholds: buffers[3].base, first_child: links[0].baseAddress!, child_count: links[1].baseAddress!,
      exclusive: flags[0].baseAddress!, scales: flags[1].baseAddress!, means: buffers[4].base,
      deviations: buffers[5].base, directions: buffers[6].base, bias: buffers[7].base, seed: 0)
    self.settings = settings
    self.tree = tree
    self.directions = directions
    self.bias = bias
    self.probabilities = probabilities
    self.means = means
    self.deviations = deviations
    correlationFactors = factors
  }

  deinit {
    roots.deallocate()
    for link in links { link.deallocate() }
    for flag in flags { flag.deallocate() }
  }

  /// Writes samples of a stream, [count, width].
  ///
  /// About 10 µs a sample and thread at the benchmark's size.
  public func write(_ samples: Range<Int>, seed: UInt64, into rows: UnsafeMutablePointer<Float>) {
    Threads.forRanges(0..<samples.count, grain: 16) { some in
      generate(samples.lowerBound + some.lowerBound, some.count, seed, rows + some.lowerBound * width) { _, _, _ in }
    }
  }

  /// Samples of a stream, [count, width], and the features that are active in them.
  public func sample(_ samples: Range<Int>, seed: UInt64) -> (rows: Matrix, active: SparseLatents) {
    var rows = Matrix(zeros: samples.count, columns: width)
    let pieces = (samples.count + 63) / 64
    var parts = [SparseLatents](repeating: SparseLatents(latents: features), count: pieces)
    rows.withUnsafeMutableElements { rows in
      guard let rows = rows.baseAddress else { return }
      parts.withUnsafeMutableBufferPointer { parts in
        Threads.forEach(pieces) { piece in
          let first = piece * 64
          var part = SparseLatents(latents: features)
          generate(
            samples.lowerBound + first, min(64, samples.count - first), seed, rows + first * width
          ) { _, indices, values in
            let order = indices.indices.sorted { indices[$0] < indices[$1] }
            part.indices += order.map { indices[$0] }
            part.values += order.map { values[$0] }
            part.offsets.append(part.indices.count)
          }
          parts[piece] = part
        }
      }
    }
    var active = SparseLatents(latents: features)
    for part in parts { active.append(part) }
    return (rows, active)
  }

  private func generate(
    _ first: Int, _ count: Int, _ seed: UInt64, _ rows: UnsafeMutablePointer<Float>,
    _ body: (Int, UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Float>) -> Void
  ) {
    var model = description
    model.seed = seed
    let together = 16
    withUnsafeTemporaryAllocation(of: Int.self, capacity: together + 1) { offsets in
      let scratch = UnsafeMutableRawPointer.allocate(byteCount: unfold_synthetic_scratch(&model), alignment: 64)
      let indices = UnsafeMutableBufferPointer<Int32>.allocate(capacity: together * features)
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: together * features)
      defer {
        scratch.deallocate()
        indices.deallocate()
        values.deallocate()
      }
      guard let index = indices.baseAddress, let value = values.baseAddress, let offset = offsets.baseAddress else {
        return
      }
      for start in stride(from: 0, to: count, by: together) {
        let some = min(together, count - start)
        unfold_synthetic_samples(
          &model, UInt64(first + start), some, scratch, offset, index, value, rows + start * width)
        for sample in 0..<some {
          let places = offsets[sample]..<offsets[sample + 1]
          body(
            start + sample, UnsafeBufferPointer(rebasing: UnsafeBufferPointer(indices)[places]),
            UnsafeBufferPointer(rebasing: UnsafeBufferPointer(values)[places]))
        }
      }
    }
  }
}
