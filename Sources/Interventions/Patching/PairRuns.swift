import Architectures
import LinearAlgebra
import Transformer

/// The two runs of a pair: the one that is patched, kept so that a run can go on anywhere in it, and the one whose values are
/// put in.
final class PairRuns {
  let pair: PromptPair
  /// The text whose run is patched.
  let base: [Int32]
  let cache: KeyValueCache
  /// The stream of the run that is patched in front of each layer, and at last of the head. Shape: [layers + 1][T, d_model].
  private(set) var streams: [[Float]]
  private(set) var source: [Site: SiteRows] = [:]
  /// What the clean run predicts.
  let cleanDistribution: KeptDistributions
  let clean: Answers.Reading
  let corrupt: Answers.Reading

  /// The values at a site in one run, by position.
  struct SiteRows {
    /// How many elements a position has.
    var width = 0
    /// How many components a row has: heads, or neurons.
    var parts = 0
    /// Each position's row; nil where the run has none (inside an expert that the token is not routed to).
    var rows: [Int?]
    var elements: [Float] = []

    init(positions: Int) { rows = Array(repeating: nil, count: positions) }

    mutating func take(_ value: borrowing HookedValue) {
      width = value.width
      parts = value.axes.count > 1 ? value.axes[0] : value.width
      for position in value.tokens ?? Array(value.rows) {
        rows[position] = elements.count / max(width, 1)
        elements += value.row(position)
      }
    }

    /// A component's elements within a row; nil: all.
    func range(_ part: Int?) -> Range<Int> {
      guard let part else { return 0..<width }
      let each = width / parts
      return part * each..<(part + 1) * each
    }

    subscript(position: Int) -> ArraySlice<Float>? {
      rows[position].map { elements[$0 * width..<($0 + 1) * width] }
    }
  }

  /// - Parameter sites: Those whose values of the other run are kept.
  init(_ pair: PromptPair, _ work: PatchingWork, sites: [Site], baseSites: [Site] = []) throws {
    let (model, isDenoising) = (work.model, work.direction == .denoising)
    let architecture = model.architecture
    self.pair = pair
    base = isDenoising ? pair.corrupt : pair.clean
    cache = KeyValueCache(for: architecture)
    var streams = [[Float]](repeating: [], count: architecture.layers + 1)
    var own: [Site: SiteRows] = [:]
    var hooks = architecture.blocks.indices.map { layer in
      Hook(Site(.residPre, layer: layer)) { streams[layer] = $0.copy() }
    }
    let last = architecture.layers - 1
    hooks.append(
      Hook(architecture.streamSite(behind: last)) { streams[last + 1] = $0.copy() })
    hooks += Self.reads(baseSites, positions: base.count) { own[$0] = $1 }
    let batch = TokenBatch(documents: [base])
    let baseLogits = try model.run(
      batch, from: RunStart(pasts: [.extending(cache)]), hooks: hooks, logits: .lastOfEachDocument)
    var other: [Site: SiteRows] = [:]
    let sourceLogits = try model.run(
      TokenBatch(documents: [isDenoising ? pair.clean : pair.corrupt]),
      hooks: Self.reads(sites, positions: base.count) { other[$0] = $1 }, logits: .lastOfEachDocument)
    let (cleanLogits, corruptLogits) =
      isDenoising
      ? (sourceLogits?.elements ?? [], baseLogits?.elements ?? [])
      : (baseLogits?.elements ?? [], sourceLogits?.elements ?? [])
    let kept = cleanLogits.withUnsafeBufferPointer { KeptDistributions($0, columns: max($0.count, 1)) }
    cleanDistribution = kept
    clean = cleanLogits.withUnsafeBufferPointer { pair.answers.read($0, clean: kept.rows[0]) }
    corrupt = corruptLogits.withUnsafeBufferPointer { pair.answers.read($0, clean: kept.rows[0]) }
    self.streams = streams
    source = other
    baseValues = own
  }

  /// Values of the run that is patched.
  let baseValues: [Site: SiteRows]

  private static func reads(_ sites: [Site], positions: Int, _ keep: @escaping (Site, SiteRows) -> Void) -> [Hook] {
    sites.map { site in
      var rows = SiteRows(positions: positions)
      return Hook(site) { value in
        rows.take(value)
        keep(site, rows)
      }
    }
  }

  /// What the model says of the run that is patched as it is.
  func untouched(_ direction: Patching.Direction) -> Answers.Reading { direction == .denoising ? corrupt : clean }
}
