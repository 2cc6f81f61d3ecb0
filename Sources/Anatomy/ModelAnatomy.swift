import Architectures
import Diagnostics

/// Everything that a configuration says about a model's size and cost.
///
/// Encoded, its architecture is the `ArchitectureSummary`: layers that are alike are told once.
public struct ModelAnatomy: Sendable, Encodable {
  public var architecture: Architecture
  /// What a reader must know besides: the architecture's notes, and what is not counted.
  public var notes: [String]
  /// The length of the texts that costs are counted for.
  public var sequence: Int
  public var parameters: Int
  public var weights: Int
  public var biases: Int
  /// Those that one token uses.
  public var activeParameters: Int
  public var ruleOfThumb: Int
  public var blockParameters: Int
  public var neurons: NeuronCounts
  public var components: [ParameterComponent]
  public var layers: [LayerRun]
  public var operations: [PassStep]
  /// Floating-point operations a token, on average over a text of `sequence` tokens.
  public var flopsPerToken: Double
  /// Of those, the scores and the mixing of values.
  public var attentionFlopsPerToken: Double
  /// Bytes of all weights by type of number, without what quantized formats keep beside them.
  public var weightBytes: [TypedBytes]
  public var cache: [CacheSize]
  /// The places whose activations can be stored.
  public var stores: [StoredWidth]
  public var doublings: [Doubling]
  /// What the files of a model folder hold, where there are any.
  public var stored: StoredParameters?

  public struct TypedBytes: Sendable, Equatable, Codable {
    public var type: WeightType
    public var bytes: Int
  }

  /// The cache of keys and values after a text.
  public struct CacheSize: Sendable, Equatable, Codable {
    public var tokens: Int
    /// In numbers of 16 bits.
    public var bytes: Int
    /// What it would be without the latent; equal to `bytes` where there is none.
    public var expandedBytes: Int
  }

  /// The numbers in a checkpoint's files.
  public struct StoredParameters: Sendable, Equatable, Codable {
    public var numbers: Int
    public var bytes: Int
    public init(numbers: Int, bytes: Int) {
      self.numbers = numbers
      self.bytes = bytes
    }
  }

  /// - Parameter sequence: The length of texts; nil: the architecture's context, but at most 4,096.
  /// - Throws: `Fault` of the kind `usage` named `anatomy.sequence` where the length is not from 1 to 2²⁸, or so long that
  ///   costs are beyond counting.
  public init(_ architecture: Architecture, sequence: Int? = nil, stored: StoredParameters? = nil) throws {
    let length = sequence ?? min(architecture.context, 4096)
    guard (1...(1 << 28)).contains(length) else {
      throw Fault(
        .usage, "anatomy.sequence", "No text has this length", expected: "from 1 to \(1 << 28) tokens",
        found: "\(length)")
    }
    let numbersPerToken = architecture.blocks.reduce(0.0) {
      $0 + Double($1.attention.queryWidth) + Double($1.attention.mixedWidth)
    }
    // So that no sum overflows, though the length doubles.
    guard numbersPerToken * Double(length) < 0x1p57 else {
      throw Fault(
        .usage, "anatomy.sequence", "What texts of this length cost is beyond counting",
        expected: "at most \(Int(0x1p57 / numbersPerToken)) tokens", found: "\(length)", advice: "choose a shorter text"
      )
    }
    let components = architecture.components
    self.architecture = architecture
    notes = architecture.notes + architecture.uncounted
    self.sequence = length
    self.stored = stored
    self.components = components
    parameters = components.reduce(0) { $0 + $1.parameters }
    weights = components.reduce(0) { $0 + $1.weights }
    biases = components.reduce(0) { $0 + $1.biases }
    activeParameters = components.reduce(0) { $0 + $1.activeParameters }
    ruleOfThumb = architecture.ruleOfThumb
    blockParameters = architecture.blockParameters
    neurons = architecture.neurons
    layers = architecture.layerRuns
    operations = architecture.operations(sequence: length)
    flopsPerToken = architecture.flops(sequence: length)
    let attention = architecture.attentionFLOPs { $0.meanKeys(sequence: length) }
    attentionFlopsPerToken = attention.scores + attention.mixing
    let count = parameters
    weightBytes = WeightType.allCases.map { TypedBytes(type: $0, bytes: $0.bytes(count)) }
    let lengths = Set(
      [1024, 4096, 8192, 32_768, 131_072].filter { $0 <= architecture.context } + [architecture.context, length])
    cache = lengths.sorted().map {
      CacheSize(
        tokens: $0, bytes: 2 * architecture.cachedNumbers(sequence: $0),
        expandedBytes: 2 * architecture.expandedCacheNumbers(sequence: $0))
    }
    stores = architecture.storedWidths(sequence: length)
    doublings = ModelDimension.allCases.map { Doubling(architecture, $0, sequence: length) }
  }

  /// The places that a user named, separated by commas; `mlp_post` means the neurons of experts too.
  /// - Throws: `Fault` of the kind `usage` named `anatomy.unknownSite`.
  public func stores(named names: String) throws -> [StoredWidth] {
    try names.split(separator: ",").flatMap { part in
      let name = part.filter { !$0.isWhitespace }
      let wanted = name == "mlp_post" ? ["mlp_post", "expert_post", "shared_expert_post"] : [name]
      let found = stores.filter { wanted.contains($0.site) }
      guard !found.isEmpty else {
        throw Fault(
          .usage, "anatomy.unknownSite", "The table of stores has no such site", place: name,
          expected: "one of \(stores.map(\.site).joined(separator: ", "))", found: name)
      }
      return found
    }
  }

  /// A component's share of the operations a token, its matrix products alone.
  public func flopsShare(_ component: ParameterComponent) -> Double { Double(component.flops) / flopsPerToken }
}

extension ModelAnatomy {
  private enum CodingKeys: String, CodingKey {
    case architecture, notes, sequence, parameters, weights, biases, activeParameters, ruleOfThumb, blockParameters
    case neurons, components, layers, operations, flopsPerToken, attentionFlopsPerToken, weightBytes, cache, stores
    case doublings, stored
  }

  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(ArchitectureSummary(architecture), forKey: .architecture)
    try members.encode(notes, forKey: .notes)
    try members.encode(sequence, forKey: .sequence)
    try members.encode(parameters, forKey: .parameters)
    try members.encode(weights, forKey: .weights)
    try members.encode(biases, forKey: .biases)
    try members.encode(activeParameters, forKey: .activeParameters)
    try members.encode(ruleOfThumb, forKey: .ruleOfThumb)
    try members.encode(blockParameters, forKey: .blockParameters)
    try members.encode(neurons, forKey: .neurons)
    try members.encode(components, forKey: .components)
    try members.encode(layers, forKey: .layers)
    try members.encode(operations, forKey: .operations)
    try members.encode(flopsPerToken, forKey: .flopsPerToken)
    try members.encode(attentionFlopsPerToken, forKey: .attentionFlopsPerToken)
    try members.encode(weightBytes, forKey: .weightBytes)
    try members.encode(cache, forKey: .cache)
    try members.encode(stores, forKey: .stores)
    try members.encode(doublings, forKey: .doublings)
    try members.encodeIfPresent(stored, forKey: .stored)
  }
}

extension Architecture {
  /// What of a checkpoint is no parameter, and so not counted.
  var uncounted: [String] {
    counted { block in block.experts.flatMap { $0.router.correctsChoice ? $0.count : nil } }.map { count, _ in
      "The router's balancing bias (\(count) numbers a layer) is state, not a trained parameter, and is not counted."
    }
  }
}
