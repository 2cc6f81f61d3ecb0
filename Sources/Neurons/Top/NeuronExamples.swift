import Activations
import Diagnostics
import LinearAlgebra
import Probes

/// Where a neuron was most active, in distinct documents.
public struct NeuronExamples: Codable, Sendable, Equatable {
  public var neuron: NeuronReference
  /// The highest activations, at most one a document and equal contexts once, first the strongest.
  public var top: [NeuronExample]
  /// The lowest, where the MLP is gated and both sides speak.
  public var bottom: [NeuronExample]
}

extension NeuronsTop {
  /// A neuron's top examples, each with the tokens around it.
  ///
  /// A context that several documents share is shown once. The places come from the statistics that the capture gathered,
  /// where there are some; else the activations are read once.
  /// Where the source holds the neuron's site, the neighbours carry their activations too.
  ///
  /// - Parameters:
  ///   - count: how many documents at most.
  ///   - before: tokens shown before the marked one.
  ///   - after: tokens shown after it.
  ///   - piece: a token's text by its id, where the source has no texts and for tokens that end inside a character.
  /// - Throws: `activations.unknownSite`, `neurons.noSuchNeuron`, `neurons.noExamples`.
  /// - Complexity: a pass over the site's rows where it is held, else one look-up an example.
  public static func examples(
    of neuron: NeuronReference, in source: some ActivationSource, statistics: SiteStatistics? = nil, count: Int = 20,
    before: Int = 12, after: Int = 6, specialTokens: Bool = false, piece: (@Sendable (Int32) -> String)? = nil
  ) throws -> NeuronExamples {
    let statistics = try statistics ?? source.statistics(of: neuron.site)
    let held = source.sites.contains { $0.name == neuron.site }
    let width = try held ? source.requireNeuron(neuron).width : statistics?.width ?? 0
    guard held || statistics?.top != nil else {
      throw Fault(
        .badData, "neurons.noExamples", "The source holds neither this site's activations nor its top examples",
        place: neuron.site, expected: "a site such as \(source.sites.first?.name ?? "blocks.0.mlp.hook_post")",
        found: "neither", advice: "capture \(neuron.site), with --top to keep each neuron's examples")
    }
    guard neuron.index >= 0, neuron.index < width else {
      throw Fault(
        .usage, "neurons.noSuchNeuron", "The site has no such neuron", place: neuron.site,
        expected: "0 to \(width - 1)", found: "\(neuron.index)")
    }
    var reader = try ContextReader(source: source, before: before, after: after, piece: piece)
    var top: [Place] = []
    var bottom: [Place] = []
    if let statistics, let gathered = statistics.top, gathered.k >= count || !held {
      top = places(gathered, column: neuron.index)
      bottom = statistics.bottom.map { places($0, column: neuron.index) } ?? []
    } else {
      let gated = source.sites.first { $0.name == neuron.site }?.gated ?? false
      (top, bottom) = try extremes(of: neuron, in: source, gated: gated, specialTokens: specialTokens)
    }
    top = try reader.distinct(top, count: count, row: \.row)
    bottom = try reader.distinct(bottom, count: count, row: \.row)
    guard source.rowKind == .token else {
      return NeuronExamples(
        neuron: neuron, top: try top.map { try reader.example(document: $0.row, value: $0.value) },
        bottom: try bottom.map { try reader.example(document: $0.row, value: $0.value) })
    }
    var wanted = Set<Int>()
    for place in top + bottom {
      wanted.formUnion(reader.window(around: place.row, document: reader.document(ofRow: place.row)))
    }
    let values = try held ? self.values(of: neuron, rows: wanted, in: source) : [:]
    return NeuronExamples(
      neuron: neuron, top: try top.map { try reader.example(row: $0.row, value: $0.value, values: values) },
      bottom: try bottom.map { try reader.example(row: $0.row, value: $0.value, values: values) })
  }

  struct Place {
    var row: Int
    var value: Float
  }

  private static func places(_ gathered: TopExamples, column: Int) -> [Place] {
    (0..<gathered.k).compactMap { rank in
      let index = column * gathered.k + rank
      return gathered.rows[index] < 0 ? nil : Place(row: Int(gathered.rows[index]), value: gathered.values[index])
    }
  }

  /// The best row of each document, by the highest and by the lowest value.
  private static func extremes(
    of neuron: NeuronReference, in source: some ActivationSource, gated: Bool, specialTokens: Bool
  ) throws -> (top: [Place], bottom: [Place]) {
    let documents = try source.documents.count
    var highest = [Place](repeating: Place(row: -1, value: -.infinity), count: documents)
    var lowest = [Place](repeating: Place(row: -1, value: .infinity), count: documents)
    try source.stream(neuron, specialTokens: specialTokens) { row, document, value in
      if value > highest[document].value { highest[document] = Place(row: row, value: value) }
      if value < lowest[document].value { lowest[document] = Place(row: row, value: value) }
    }
    func ranked(_ places: [Place], _ precedes: (Float, Float) -> Bool) -> [Place] {
      places.filter { $0.row >= 0 }
        .sorted { $0.value != $1.value ? precedes($0.value, $1.value) : $0.row < $1.row }
    }
    return (ranked(highest, >), gated ? ranked(lowest, <) : [])
  }

  /// A neuron's activations at some rows, of an expert's those where it is awake: read from a store, or in one pass over
  /// another source.
  static func values(
    of neuron: NeuronReference, rows: Set<Int>, in source: some ActivationSource
  ) throws -> [Int: Float] {
    if let store = source as? ActivationStore {
      let (found, read) = try store.readRouted(neuron.site, rows: rows)
      return Dictionary(uniqueKeysWithValues: found.indices.map { (found[$0], read[$0, neuron.index]) })
    }
    var values: [Int: Float] = [:]
    try source.stream(neuron, specialTokens: true) { row, _, value in
      if rows.contains(row) { values[row] = value }
    }
    return values
  }
}
