import Activations
import Foundation
import LinearAlgebra

/// Activations of neurons whose meanings are known, to judge measures by: a generated corpus, its residual stream, and
/// planted neurons.
///
/// Every document is of one concept. A token's residual stream is its concept's direction (of which a family of related
/// concepts shares a part), plus its form's direction, plus noise. A neuron of some concepts fires at a random share of
/// their tokens, each concept with a strength of its own; a neuron of a token fires wherever that form stands; noise is a
/// normal variable at every token, or fires at random. Activations are GELUs of what is planted plus noise.
public struct PlantedNeurons: ActivationSource {
  /// What a neuron was planted to do.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case oneConcept = "one concept"
    case twoConcepts = "two concepts"
    case fiveConcepts = "five concepts"
    case singleToken = "a single token"
    case noise

    public var isPolysemantic: Bool { self == .twoConcepts || self == .fiveConcepts }
  }

  /// What the generator can vary.
  public struct Settings: Codable, Sendable, Equatable {
    public var concepts = 12
    public var documents = 360
    public var tokens = 24
    public var width = 48
    public var vocabulary = 400
    public var neuronsOfEachKind = 40
    /// The standard deviation of the noise over the mean strength of firing.
    public var noise = 0.3
    /// That of the residual stream's noise, over the length of a concept's direction.
    public var contextNoise = 1.0
    /// The length of a form's direction, over that of a concept's.
    public var formStrength = 0.8
    /// Strengths of a neuron's concepts lie between this and 1.
    public var weakest = 0.6
    /// The share of a concept's tokens where its neurons fire.
    public var firingShare = 0.3
    /// How many times as many documents the most frequent concept has as the rarest.
    public var imbalance = 1.0
    /// The cosine of the directions of two concepts of one family; families have three concepts.
    public var relatedness = 0.0
    /// Whether the documents' labels are known.
    public var labelled = true
    public var seed: UInt64 = 0
  }

  public let settings: Settings
  /// What each column was planted to do.
  public let kinds: [Kind]
  public let documents: DocumentTable
  public let sites: [StoredSite]
  private let tokenTable: TokenTable
  private let texts: [String]
  private let values: [String: Matrix]

  public static let neuronSite = "blocks.0.mlp.hook_post"
  static let residualSite = "blocks.0.hook_resid_post"

  public init(_ settings: Settings) {
    self.settings = settings
    var generator = SeededGenerator(seed: settings.seed, stream: "planted corpus")
    let corpus = Corpus(settings, generator: &generator)
    documents = corpus.table
    tokenTable = corpus.tokens
    texts = corpus.texts
    let residual = corpus.residual(settings, generator: &generator)
    kinds = Kind.allCases.flatMap { [Kind](repeating: $0, count: settings.neuronsOfEachKind) }
    var planting = SeededGenerator(seed: settings.seed, stream: "planted neurons")
    let rows = corpus.forms.count
    let width = kinds.count
    var activations = Matrix(zeros: rows, columns: width)
    for (column, kind) in kinds.enumerated() {
      let own = corpus.neuron(kind, number: column, settings, generator: &planting)
      activations.withUnsafeMutableElements { elements in
        for row in 0..<rows { elements[row * width + column] = own[row] }
      }
    }
    sites = [
      StoredSite(name: Self.neuronSite, layer: 0, axes: ["d_mlp"], shape: [width], storage: .float32),
      StoredSite(name: Self.residualSite, layer: 0, axes: ["d_model"], shape: [settings.width], storage: .float32),
    ]
    values = [Self.neuronSite: activations, Self.residualSite: residual]
  }

  public var origin: Origin { Origin(model: "planted", modelDigest: "planted-\(settings.seed)", version: "planted") }
  public var rowKind: RowKind { .token }
  public var rowCount: Int { tokenTable.count }
  public var tokenCount: Int { tokenTable.count }
  public var spans: SpanTable { SpanTable() }

  public func tokens(in rows: Range<Int>) throws -> TokenTable {
    TokenTable(
      ids: Array(tokenTable.ids[rows]), positions: Array(tokenTable.positions[rows]),
      documents: Array(tokenTable.documents[rows]), starts: Array(tokenTable.starts[rows]),
      ends: Array(tokenTable.ends[rows]), special: Array(tokenTable.special[rows]))
  }

  public func text(ofDocument document: Int) throws -> String? { texts[document] }
  public func statistics(of site: String) throws -> SiteStatistics? { nil }

  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    let matrices = try sites.map { name in
      _ = try site(named: name)
      return values[name] ?? Matrix(zeros: rowCount, columns: 0)
    }
    for start in stride(from: 0, to: rowCount, by: maximumRows) {
      let rows = start..<min(start + maximumRows, rowCount)
      try body(ActivationBlock(rows: rows, values: matrices.map { $0.selectingRows(rows) }))
    }
  }
}

extension PlantedNeurons {
  /// The generated documents.
  private struct Corpus {
    var table: DocumentTable
    var tokens = TokenTable()
    var texts: [String] = []
    /// Each token's concept and form.
    var concepts: [Int] = []
    var forms: [Int] = []
    var documentOf: [Int] = []
    /// The family of each concept.
    let families: [Int]
    let vocabulary: Int

    init(_ settings: Settings, generator: inout SeededGenerator) {
      families = (0..<settings.concepts).map { $0 / 3 }
      vocabulary = settings.vocabulary
      // Sizes fall geometrically from the most frequent concept to the rarest.
      let weights = (0..<settings.concepts).map {
        pow(settings.imbalance, -Double($0) / Double(max(settings.concepts - 1, 1)))
      }
      let total = weights.reduce(0, +)
      // Half of the forms are every concept's, half are divided among them; both follow Zipf's law.
      let shared = settings.vocabulary / 2
      let own = max(1, (settings.vocabulary - shared) / settings.concepts)
      func zipf(_ count: Int) -> [Double] {
        var sum = 0.0
        return (0..<count).map {
          sum += 1 / Double($0 + 3)
          return sum
        }
      }
      let (sharedLaw, ownLaw) = (zipf(shared), zipf(own))
      func draw(_ law: [Double], _ generator: inout SeededGenerator) -> Int {
        let level = generator.uniform() * (law.last ?? 1)
        return law.firstIndex { $0 > level } ?? law.count - 1
      }
      var documentRows: [DocumentRow] = []
      for document in 0..<settings.documents {
        var left = generator.uniform() * total
        var concept = settings.concepts - 1
        for (number, weight) in weights.enumerated() {
          left -= weight
          if left < 0 {
            concept = number
            break
          }
        }
        documentRows.append(
          DocumentRow(
            id: "planted-\(document)", label: settings.labelled ? .text("concept \(concept)") : nil,
            firstToken: tokens.count, tokenCount: settings.tokens))
        var text = ""
        for position in 0..<settings.tokens {
          let form =
            generator.uniform() < 0.6
            ? draw(sharedLaw, &generator) : shared + (concept * own + draw(ownLaw, &generator)) % (vocabulary - shared)
          let start = text.unicodeScalars.count
          text += " w\(form)"
          tokens.append(
            id: Int32(form), position: Int32(position), document: Int32(document), start: Int32(start),
            end: Int32(text.unicodeScalars.count), special: false)
          concepts.append(concept)
          forms.append(form)
          documentOf.append(document)
        }
        texts.append(text)
      }
      table = DocumentTable(documentRows)
    }

    func residual(_ settings: Settings, generator: inout SeededGenerator) -> Matrix {
      let width = settings.width
      func directions(_ count: Int) -> [[Double]] {
        (0..<count).map { _ in
          let values = (0..<width).map { _ in generator.normal() }
          let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
          return values.map { $0 / norm }
        }
      }
      let familyDirections = directions((families.max() ?? 0) + 1)
      let (a, b) = (settings.relatedness.squareRoot(), (1 - settings.relatedness).squareRoot())
      let conceptDirections = directions(settings.concepts).enumerated().map { number, own in
        zip(own, familyDirections[families[number]]).map { b * $0 + a * $1 }
      }
      let formDirections = directions(vocabulary)
      let noise = settings.contextNoise / Double(width).squareRoot()
      var result = Matrix(zeros: forms.count, columns: width)
      for row in forms.indices {
        for column in 0..<width {
          result[row, column] = Float(
            conceptDirections[concepts[row]][column] + settings.formStrength * formDirections[forms[row]][column]
              + noise * generator.normal())
        }
      }
      return result
    }

    /// One neuron's activations.
    func neuron(_ kind: Kind, number: Int, _ settings: Settings, generator: inout SeededGenerator) -> [Float] {
      var strengths = [Double](repeating: 0, count: settings.concepts)
      var form = -1
      var randomShare = 0.0
      var spread = settings.noise
      switch kind {
      case .oneConcept: strengths = choose(1, settings, &generator)
      case .twoConcepts: strengths = choose(2, settings, &generator)
      case .fiveConcepts: strengths = choose(5, settings, &generator)
      case .singleToken: form = frequentForm(settings, &generator)
      case .noise:
        if number % 2 == 0 { spread = 1 } else { randomShare = 0.01 + 0.05 * generator.uniform() }
      }
      return forms.indices.map { row in
        var value = 0.0
        let strength = form >= 0 ? (forms[row] == form ? 1 : 0) : strengths[concepts[row]]
        let share = form >= 0 ? 1 : settings.firingShare
        if strength > 0, generator.uniform() < share { value = strength * (0.5 + generator.uniform()) }
        if randomShare > 0, generator.uniform() < randomShare { value = 0.5 + generator.uniform() }
        let x = value + spread * generator.normal()
        return Float(0.5 * x * (1 + erf(x / 2.0.squareRoot())))
      }
    }

    /// Strengths of some concepts of different families, the strongest 1.
    private func choose(_ count: Int, _ settings: Settings, _ generator: inout SeededGenerator) -> [Double] {
      var order = Array(0..<settings.concepts)
      generator.shuffle(&order)
      var strengths = [Double](repeating: 0, count: settings.concepts)
      var chosen: [Int] = []
      var used: [Int: Int] = [:]
      // As long as there are families without a concept among the chosen, another is taken from those.
      while chosen.count < min(count, settings.concepts) {
        let fewest = order.filter { !chosen.contains($0) }.min { used[families[$0]] ?? 0 < used[families[$1]] ?? 0 }
        guard let next = fewest else { break }
        chosen.append(next)
        used[families[next], default: 0] += 1
      }
      for (place, concept) in chosen.enumerated() {
        strengths[concept] = place == 0 ? 1 : settings.weakest + (1 - settings.weakest) * generator.uniform()
      }
      return strengths
    }

    /// A form that stands in 8 to 60 percent of the documents.
    private func frequentForm(_ settings: Settings, _ generator: inout SeededGenerator) -> Int {
      var seen = [Set<Int>](repeating: [], count: vocabulary)
      for row in forms.indices { seen[forms[row]].insert(documentOf[row]) }
      let shared = 0..<vocabulary / 2
      let some = shared.filter {
        let share = Double(seen[$0].count) / Double(settings.documents)
        return share >= 0.08 && share <= 0.6
      }
      return some.isEmpty ? 0 : some[generator.integer(below: some.count)]
    }
  }
}

extension PlantedNeurons.Settings {
  /// The usual corpus, drawn anew by each seed.
  public init(seed: UInt64) { self.init(noise: 0.3, seed: seed) }
}
