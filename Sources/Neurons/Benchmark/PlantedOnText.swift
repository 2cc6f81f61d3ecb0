import Activations
import Diagnostics
import LinearAlgebra

/// A model's own activations on labelled text, read into memory to plant neurons on.
public struct TextActivations: Sendable {
  let source: any ActivationSource
  let neurons: StoredSite
  let residual: StoredSite
  /// [tokens, neurons of the layer] and [tokens, d_model]
  let activations: Matrix
  let stream: Matrix
  /// Each token's label, −1 where it has none or is special, and the labels' names.
  let concepts: [Int]
  let names: [String]

  /// Reads the middle layer of a source.
  ///
  /// - Throws: `neurons.noNeurons`, `neurons.nothingToCompare`, `neurons.noLabels`.
  /// - Complexity: one pass; four bytes for each token, neuron and width of the stream.
  public init(_ source: some ActivationSource) throws {
    let layered = source.neuronSites.filter { site in
      !site.isRouted && source.sites.contains { $0.layer == site.layer && $0.name.hasSuffix("hook_resid_post") }
    }
    guard !layered.isEmpty else { throw source.noSites }
    neurons = layered[layered.count / 2]
    let layer = neurons.layer
    guard let residual = source.sites.first(where: { $0.layer == layer && $0.name.hasSuffix("hook_resid_post") }) else {
      throw source.noSites
    }
    self.residual = residual
    self.source = source
    let table = try source.documents
    guard let labels = table.labels[DocumentTable.defaultLabels], labels.contains(where: { $0 != nil }) else {
      throw Fault(
        .badData, "neurons.noLabels", "Neurons cannot be planted on text without labels",
        expected: "a corpus whose documents are labelled by kind", found: "none", advice: "give a labelled corpus")
    }
    let names = Set(labels.compactMap { $0?.description })
      .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    self.names = names
    let tokens = try source.tokens(in: 0..<source.tokenCount)
    concepts = tokens.documents.indices.map { row in
      guard tokens.special[row] == 0, let label = labels[Int(tokens.documents[row])] else { return -1 }
      return names.firstIndex(of: label.description) ?? -1
    }
    var values = [
      Matrix(zeros: source.rowCount, columns: neurons.width), Matrix(zeros: source.rowCount, columns: residual.width),
    ]
    try source.stream([neurons.name, residual.name], maximumRows: 1024) { block in
      for index in values.indices {
        let (start, width) = (block.rows.lowerBound, values[index].columns)
        values[index].withUnsafeMutableElements { elements in
          for place in block.values[index].elements.indices {
            elements[start * width + place] = block.values[index].elements[place]
          }
        }
      }
    }
    (activations, stream) = (values[0], values[1])
  }
}

/// A model's activations on real text with planted neurons beside its own.
///
/// A planted neuron is one of the layer's own neurons with its tokens shuffled, so that it means nothing more, and with what
/// `NeuronPlanter` says written onto it. The layer's own neurons stay where they are, as in use; they are not judged.
struct PlantedOnText: ActivationSource {
  let text: TextActivations
  let kinds: [PlantedKind]
  /// The first planted column.
  var firstPlanted: Int { text.neurons.width }
  let documents: DocumentTable
  let sites: [StoredSite]
  /// [tokens, planted neurons]
  private let planted: Matrix

  /// - Parameter families: labels that are related; each other label is a family of its own.
  init(_ text: TextActivations, families: [[String]], settings: PlantedNeurons.Settings) throws {
    self.text = text
    var table = try text.source.documents
    if !settings.labelled { table.labels = [:] }
    documents = table
    var numbers = families.map { family in family.compactMap { text.names.firstIndex(of: $0) } }.filter { !$0.isEmpty }
    for concept in text.names.indices where !numbers.joined().contains(concept) { numbers.append([concept]) }
    let tokens = try text.source.tokens(in: 0..<text.source.tokenCount)
    // A family too small for three concepts cannot be planted; the planter passes over it.
    let planter = NeuronPlanter(
      concepts: text.concepts, forms: tokens.ids.map { Int($0) }, documentOf: tokens.documents.map { Int($0) },
      documents: table.count, families: numbers, rate: settings.rate, weakest: settings.weakest)
    kinds = settings.planted.flatMap { [PlantedKind](repeating: $0, count: settings.neuronsOfEachKind) }
    var generator = SeededGenerator(seed: settings.seed, stream: "planted on text")
    let (rows, width) = (text.concepts.count, kinds.count)
    var planted = Matrix(zeros: rows, columns: width)
    for (column, kind) in kinds.enumerated() {
      let own = generator.integer(below: text.neurons.width)
      var base = (0..<rows).map { text.activations.elements[$0 * text.neurons.width + own] }
      generator.shuffle(&base)
      // A neuron fires, typically, where it is above 99 % of tokens.
      let sorted = base.sorted()
      let scale = sorted[rows * 99 / 100] - sorted[rows / 2] + 1e-3
      let firing = planter.firing(kind, number: column, generator: &generator)
      planted.withUnsafeMutableElements { elements in
        for row in 0..<rows {
          elements[row * width + column] = base[row] + firing[row] * scale / Float(settings.noise)
        }
      }
    }
    self.planted = planted
    var site = text.neurons
    site.shape = [text.neurons.width + width]
    sites = [site, text.residual]
  }

  var origin: Origin { text.source.origin }
  var rowKind: RowKind { .token }
  var rowCount: Int { text.concepts.count }
  var tokenCount: Int { text.concepts.count }
  var spans: SpanTable { SpanTable() }

  func tokens(in rows: Range<Int>) throws -> TokenTable { try text.source.tokens(in: rows) }
  func text(ofDocument document: Int) throws -> String? { try text.source.text(ofDocument: document) }
  func statistics(of site: String) throws -> SiteStatistics? { nil }

  func stream(_ names: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    for start in stride(from: 0, to: rowCount, by: maximumRows) {
      let rows = start..<min(start + maximumRows, rowCount)
      let values = try names.map { name in
        guard try site(named: name).name == text.neurons.name else { return text.stream.selectingRows(rows) }
        return Matrix(sideBySide: [text.activations.selectingRows(rows), planted.selectingRows(rows)])
      }
      try body(ActivationBlock(rows: rows, values: values))
    }
  }
}
