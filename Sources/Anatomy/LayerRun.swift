import Architectures

extension ModelAnatomy {
  /// A run of layers that are alike in what is counted.
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

    init(_ block: Block, width: Int, layer: Int) {
      let components = block.components(width: width)
      func sum(_ part: ParameterComponent.Part) -> Int {
        components.reduce(0) { $0 + ($1.part == part ? $1.parameters : 0) }
      }
      first = layer
      last = layer
      hasExperts = block.experts != nil
      window = block.attention.window
      attention = sum(.attention)
      mlp = sum(.mlp)
      norms = sum(.norm)
      neurons = block.neurons
      active = components.reduce(0) { $0 + $1.activeParameters }
    }
  }
}

extension Architecture {
  /// The layers in runs that are alike.
  public var layerRuns: [ModelAnatomy.LayerRun] {
    // What a kind of layer holds is summed up once.
    var kinds: [Block: ModelAnatomy.LayerRun] = [:]
    var runs: [ModelAnatomy.LayerRun] = []
    for (layer, block) in blocks.enumerated() {
      var one = kinds[block] ?? .init(block, width: width, layer: layer)
      kinds[block] = one
      one.first = runs.last?.first ?? 0
      one.last = runs.last?.last ?? 0
      if runs.last == one {
        runs[runs.count - 1].last = layer
      } else {
        one.first = layer
        one.last = layer
        runs.append(one)
      }
    }
    return runs
  }
}
