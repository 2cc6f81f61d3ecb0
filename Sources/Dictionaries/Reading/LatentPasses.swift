import Activations

/// What some latents do over a whole source: where each is strongest, how its values spread, rows drawn from equal parts of
/// its range, and its values around any rows.
///
/// Costs two passes over the source, and one for each call of `values`. Memory does not grow with the source: it holds what
/// `FeatureGathering` and `ActivationIntervals` hold, for the chosen latents alone.
package struct LatentPasses {
  package let input: DictionaryInput
  package let gathering: FeatureGathering
  package let intervals: ActivationIntervals

  /// - Parameters:
  ///   - latents: Those that are read, each a latent of the dictionary.
  ///   - kept: Strongest rows of each, at most one a document.
  ///   - bars: Of each latent's histogram.
  ///   - intervals: Equal parts of its range, and rows drawn from each.
  ///   - neurons: A site whose values are correlated with the latents'.
  ///   - progress: Told the step, and how many rows it has seen.
  ///   - each: Given the active latents of the first pass, block by block.
  /// - Throws: What streaming the input throws.
  package init(
    _ latents: [Int], of input: DictionaryInput, kept: Int, bars: Int, intervals: Int, perInterval: Int, seed: UInt64,
    neurons: StoredSite? = nil, progress: (String, Int) -> Void,
    each: (SparseLatents, DictionaryInput.Block) -> Void
  ) throws {
    let dictionary = input.dictionary
    var gathering = FeatureGathering(
      latents: dictionary.latents, kept: kept, neurons: neurons?.width ?? 0, chosen: latents)
    try input.stream(others: neurons.map { [$0.name] } ?? []) { block in
      let active = dictionary.encode(block.input)
      gathering.add(active, block: block)
      each(active, block)
      progress("reading", gathering.rows)
    }
    gathering.closeDocument()
    var drawn = ActivationIntervals(
      latents, of: dictionary.latents, largest: latents.map { gathering.largest($0) }, bars: bars,
      intervals: intervals, places: perInterval, seed: seed)
    var seen = 0
    try input.stream { block in
      drawn.add(dictionary.encode(block.input), rows: block.rows)
      seen += block.rows.count
      progress("drawing examples", seen)
    }
    self.input = input
    self.gathering = gathering
    self.intervals = drawn
  }

  /// Latents' values in stretches of rows.
  package func values(
    _ windows: [ColumnWindows.Window], progress: (String, Int) -> Void = { _, _ in }
  ) throws -> ColumnWindows {
    var values = ColumnWindows(windows)
    var seen = 0
    try input.stream { block in
      let active = input.dictionary.encode(block.input)
      values.take(block.rows) { active[$0, $1] }
      seen += block.rows.count
      progress("reading examples", seen)
    }
    return values
  }
}
