import Diagnostics

/// Everything that a configuration says about a model's size and cost.
public struct ModelAnatomy: Sendable, Codable {
  public var architecture: Architecture
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
  public var attentionFLOPsPerToken: Double
  /// Bytes of all weights by type of number, without what quantized formats keep beside them.
  public var weightBytes: [TypedBytes]
  public var cache: [CacheSize]
  /// The places whose activations can be stored.
  public var stores: [StoredWidth]
  public var doublings: [Doubling]
  /// What the files of a model folder hold, where there are any.
  public var stored: StoredParameters?

  /// A run of layers that are alike.
  public struct LayerRun: Sendable, Equatable, Codable {
    public var first: Int
    public var last: Int
    /// Whether experts stand in the place of the MLP.
    public var hasExperts: Bool
    /// How far back attention sees; nil: all the way.
    public var window: Int?
    /// The parameters of one of these layers, by part.
    public var attention: Int
    public var mlp: Int
    public var norms: Int
    /// The neurons of one of these layers.
    public var neurons: Int
    /// How many of the layer's parameters a token uses.
    public var active: Int
    public var count: Int { last - first + 1 }
    public var parameters: Int { attention + mlp + norms }
  }

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
  /// - Throws: `Fault` of the kind `usage` named `anatomy.sequence` where the length is not from 1 to 2²⁸.
  public init(_ architecture: Architecture, sequence: Int? = nil, stored: StoredParameters? = nil) throws {
    let length = sequence ?? min(architecture.context, 4096)
    guard (1...(1 << 28)).contains(length) else {
      throw Fault(
        .usage, "anatomy.sequence", "No text has this length", expected: "from 1 to \(1 << 28) tokens",
        found: "\(length)")
    }
    let components = architecture.components
    let keys = { architecture.meanKeys(sequence: length, layer: $0) }
    self.architecture = architecture
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
    attentionFLOPsPerToken = architecture.scoreFLOPs(keys: keys) + architecture.mixingFLOPs(keys: keys)
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

  /// The places that a user named, separated by commas; `mlp_post` means experts too.
  /// - Throws: `Fault` of the kind `usage` named `anatomy.unknownSite`.
  public func stores(named names: String) throws -> [StoredWidth] {
    try names.split(separator: ",").flatMap { part in
      let name = part.filter { !$0.isWhitespace }
      let found = stores.filter { $0.site == name || $0.site.hasSuffix(" " + name) }
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

extension Architecture {
  /// The layers in runs that are alike.
  public var layerRuns: [ModelAnatomy.LayerRun] {
    let expertLayers = Set(experts?.layers ?? [])
    func inOneLayer(_ part: ParameterComponent.Part, experts: Bool, active: Bool = false) -> Int {
      components.reduce(0) { sum, component in
        guard component.part == part, let layers = component.layers else { return sum }
        let isExpert = component.name == "W_router" || component.name.contains(".")
        if part == .mlp, isExpert != experts { return sum }
        return sum + (active ? component.activeParameters : component.parameters) / layers
      }
    }
    let counts = neurons
    func alone(_ experts: Bool, _ window: Int?) -> ModelAnatomy.LayerRun {
      let attention = inOneLayer(.attention, experts: experts)
      let norms = inOneLayer(.norm, experts: experts)
      return ModelAnatomy.LayerRun(
        first: 0, last: 0, hasExperts: experts, window: window, attention: attention,
        mlp: inOneLayer(.mlp, experts: experts), norms: norms,
        neurons: experts ? counts.perExpertLayer : counts.perDenseLayer,
        active: attention + norms + inOneLayer(.mlp, experts: experts, active: true))
    }
    let kinds = [false, true].map { alone($0, nil) }
    var runs: [ModelAnatomy.LayerRun] = []
    for layer in 0..<layers {
      let hasExperts = expertLayers.contains(layer)
      let window = attention.windows[layer]
      if let last = runs.last, last.hasExperts == hasExperts, last.window == window {
        runs[runs.count - 1].last = layer
      } else {
        var run = kinds[hasExperts ? 1 : 0]
        run.first = layer
        run.last = layer
        run.window = window
        runs.append(run)
      }
    }
    return runs
  }
}
