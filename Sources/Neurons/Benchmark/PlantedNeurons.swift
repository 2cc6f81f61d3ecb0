import Activations
import Foundation
import LinearAlgebra

/// Activations of neurons whose meanings are known, to judge measures by: a generated corpus, its residual stream, and
/// planted neurons.
///
/// Every document is of one concept; lengths vary. A token's residual stream is its concept's direction (of which a family
/// of three related concepts shares a part), plus its form's direction, plus noise. Where neurons fire is told by
/// `NeuronPlanter`. Activations are GELUs of what is planted plus noise.
public struct PlantedNeurons: ActivationSource {
  /// What the generator can vary.
  public struct Settings: Codable, Sendable, Equatable {
    public var concepts = 12
    public var documents = 360
    /// The middle length of a document; lengths lie between half and twice this.
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
    /// The share of all tokens where a neuron fires.
    public var rate = 0.06
    /// How many times as many documents the most frequent concept has as the rarest.
    public var imbalance = 1.0
    /// The cosine of the directions of two concepts of one family; families have three concepts.
    public var relatedness = 0.4
    /// Whether the documents' labels are known.
    public var labelled = true
    public var seed: UInt64 = 0
    /// What is planted.
    public var planted = PlantedKind.allCases
  }

  public let settings: Settings
  /// What each column was planted to do.
  public let kinds: [PlantedKind]
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
    let corpus = PlantedCorpus(settings, generator: &generator)
    documents = corpus.table
    tokenTable = corpus.tokens
    texts = corpus.texts
    let residual = corpus.residual(settings, generator: &generator)
    kinds = settings.planted.flatMap { [PlantedKind](repeating: $0, count: settings.neuronsOfEachKind) }
    var planting = SeededGenerator(seed: settings.seed, stream: "planted neurons")
    let planter = NeuronPlanter(
      concepts: corpus.concepts, forms: corpus.forms, documentOf: corpus.documentOf, documents: settings.documents,
      families: corpus.families, rate: settings.rate, weakest: settings.weakest)
    let rows = corpus.forms.count
    let width = kinds.count
    var activations = Matrix(zeros: rows, columns: width)
    for (column, kind) in kinds.enumerated() {
      let firing = planter.firing(kind, number: column, generator: &planting)
      activations.withUnsafeMutableElements { elements in
        for row in 0..<rows {
          let x = Double(firing[row]) + settings.noise * planting.normal()
          elements[row * width + column] = Float(0.5 * x * (1 + erf(x / 2.0.squareRoot())))
        }
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

extension PlantedNeurons.Settings {
  /// The usual corpus, drawn anew by each seed.
  public init(seed: UInt64) { self.init(noise: 0.3, seed: seed) }
}
