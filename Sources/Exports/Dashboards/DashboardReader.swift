import Activations
import Diagnostics
import Dictionaries
import LinearAlgebra
import Transformer

/// Makes the dashboards of a dictionary's latents on a source, in the passes of `LatentPasses`: what each latent does; its
/// histogram and where to look; and its values there, for as many latents at a time as memory allows.
struct DashboardReader {
  let settings: DashboardSettings
  let model: Model?
  let texts: TokenTexts
  let chosen: [Int]
  private let piece: (@Sendable (Int32) -> String)?
  private let passes: LatentPasses
  private let pairs: LatentPairs

  var dictionary: SparseAutoencoder { passes.input.dictionary }
  var rows: Int { gathering.rows }
  private var gathering: FeatureGathering { passes.gathering }

  /// - Throws: `dictionary.otherModel`, `dictionary.site`, `dictionary.width`, `dictionary.noSuchLatent`,
  ///   `activations.pooled`, `export.settings`.
  init(
    _ dictionary: SparseAutoencoder, source: any ActivationSource, settings: DashboardSettings, model: Model?,
    piece: (@Sendable (Int32) -> String)?, progress: (String, Int) -> Void
  ) throws {
    let chosen = try settings.chosen(of: dictionary)
    let input = try DictionaryInput(dictionary, source: source, site: settings.site)
    try input.source.requireTokenRows()
    var pairs = LatentPairs(latents: dictionary.latents)
    passes = try LatentPasses(
      chosen, of: input, kept: 4 * settings.top, bars: DashboardSettings.bars, intervals: settings.intervals,
      perInterval: settings.perInterval, seed: settings.seed, neurons: Self.neuronSite(of: input, dictionary),
      progress: progress
    ) { active, _ in pairs.add(active) }
    self.settings = settings
    self.model = model
    self.chosen = chosen
    self.piece = piece
    self.pairs = pairs
    texts = try TokenTexts(source, piece: piece)
  }

  /// The neurons beside; a dictionary of neurons is not correlated with itself.
  private static func neuronSite(of input: DictionaryInput, _ dictionary: SparseAutoencoder) -> StoredSite? {
    let site = FeatureReader.neuronSite(of: input, latents: dictionary.latents)
    return site?.name == input.input.name ? nil : site
  }

  /// Gives `body` the dashboards of the chosen latents in order, in groups.
  func forEachGroup(of size: Int, progress: (String, Int) -> Void, _ body: ([LatentDashboard]) throws -> Void) throws {
    let perLatent = (settings.top + settings.intervals * settings.perInterval) * (settings.before + settings.after + 1)
    precondition((1...256).contains(size), "groups of \(size) latents")
    // As many groups of latents in one pass as memory allows for their windows.
    let perPass = max(1, ColumnWindows.most / perLatent / size) * size
    var done = 0
    for start in stride(from: 0, to: chosen.count, by: perPass) {
      let some = Array(chosen[start..<min(start + perPass, chosen.count)])
      let sequences = try sequences(of: some)
      for first in stride(from: 0, to: some.count, by: size) {
        let group = Array(some[first..<min(first + size, some.count)])
        try body(try dashboards(group, sequences: Array(sequences[first..<first + group.count])))
        done += group.count
        progress("writing latents", done)
      }
    }
  }

  private func dashboards(
    _ latents: [Int], sequences: [[LatentDashboard.Sequence]]
  ) throws -> [LatentDashboard] {
    let weights = try LatentWeights(
      dictionary, model: model, latents: latents, count: settings.related, piece: piece)
    let histograms = try LatentWeights.effectHistograms(
      dictionary, model: model, latents: latents, bins: DashboardSettings.bars)
    let directions = dictionary.lastDirections
    let n = Double(max(gathering.rows, 1))
    return latents.enumerated().map { place, latent in
      let vector = directions.row(latent)
      let neurons = topK(settings.related, of: gathering.correlations(latent))
      let others = pairs.correlated(latent, count: settings.related, gathering: gathering)
      return LatentDashboard(
        index: latent, density: Double(gathering.firing[latent]) / n, largest: gathering.largest(latent),
        vector: vector,
        alignment: .init(
          indices: weights.aligned[place].map(\.index), values: weights.aligned[place].map { vector[$0.index] }),
        alignmentShares: weights.aligned[place].map(\.value),
        neurons: .init(indices: neurons.map(\.index), values: neurons.map(\.value)),
        neuronCosines: neurons.map { gathering.cosine(latent, neuron: $0.index) },
        latents: .init(indices: others.map(\.index), values: others.map(\.value)),
        latentCosines: others.map(\.cosine),
        nearest: .init(
          indices: weights.nearest[place].map(\.index), values: weights.nearest[place].map(\.value)),
        suppressed: (weights.suppressed[place].map(\.text), weights.suppressed[place].map(\.effect)),
        promoted: (weights.promoted[place].map(\.text), weights.promoted[place].map(\.effect)),
        activations: passes.intervals.histogram(of: latent), logits: histograms?[place], sequences: sequences[place])
    }
  }

  /// Each latent's sequences: those around its strongest places, then those drawn from each interval, highest first.
  private func sequences(of latents: [Int]) throws -> [[LatentDashboard.Sequence]] {
    var found = latents.map { latent in places(of: latent) }
    let windows = found.enumerated().flatMap { number, places in
      places.map {
        ColumnWindows.Window(
          column: latents[number],
          rows: texts.window(around: $0.row, before: settings.before, after: settings.after))
      }
    }
    let values = try passes.values(windows)
    var number = 0
    for latent in found.indices {
      for place in found[latent].indices {
        let rows = windows[number].rows
        found[latent][place].tokens = texts.texts(rows)
        found[latent][place].values = Array(values[number])
        found[latent][place].marked = found[latent][place].row - rows.lowerBound
        number += 1
      }
    }
    return found
  }

  private func places(of latent: Int) -> [LatentDashboard.Sequence] {
    let (largest, firing) = (gathering.largest(latent), gathering.firing[latent])
    func sequence(_ row: Int, _ low: Float, _ high: Float, _ share: Float) -> LatentDashboard.Sequence {
      .init(
        binMinimum: low, binMaximum: high, binShare: share, tokens: [], values: [], marked: 0,
        document: texts.documents.ids[texts.documents.document(ofRow: row)], row: row)
    }
    var seen = Set<[Int32]>()
    var places: [LatentDashboard.Sequence] = []
    // A text that the corpus has several times is shown once.
    for (row, _) in gathering.top(latent) where places.count < settings.top {
      let window = texts.window(around: row, before: settings.before, after: settings.after)
      if seen.insert(Array(texts.ids[window])).inserted { places.append(sequence(row, -1, largest, -1)) }
    }
    guard firing > 0 else { return places }
    for interval in (0..<settings.intervals).reversed() {
      let drawn = passes.intervals.drawn(latent, interval: interval)
      let share = Float(Double(drawn.count) / Double(firing))
      places += drawn.rows.map { sequence($0, drawn.minimum, drawn.maximum, share) }
    }
    return places
  }
}
