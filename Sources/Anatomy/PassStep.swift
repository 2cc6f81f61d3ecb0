/// One step of the forward pass, with what it costs a token.
public struct PassStep: Sendable, Hashable, Codable {
  /// Where a step stands: on the stream itself, or on a branch that reads from the stream and adds its result to it.
  public enum Branch: String, Sendable, Codable {
    case stream, attention, mlp
  }

  /// Which of an MLP's ways a step is part of, where there are several: they begin at the same norm, and what a layer has
  /// of them is added up.
  public enum Way: String, Sendable, Codable {
    /// Every way, or no way of an MLP.
    case all
    /// The MLP of layers without experts.
    case dense
    /// The router and the experts that it wakes.
    case experts
    /// The expert that every token passes.
    case shared
  }

  public var title: String
  public var branch: Branch
  public var way: Way
  /// Whether the step is part of every block.
  public var isInBlock: Bool
  /// The number of layers that do it; 1 outside the blocks.
  public var layers: Int
  /// What goes in and comes out, with numbers.
  public var shape: String
  /// Its cost a token in letters; empty where it is not counted.
  public var formula: String
  /// Floating-point operations a token in one layer, on average over `layers`; 0 where they are not counted.
  public var flops: Double
  /// Whether D stands in its cost: it reads or writes whole vectors of the residual stream.
  public var dependsOnWidth: Bool
  /// The hook point that shows its result; nil where there is none.
  public var site: String?
}
