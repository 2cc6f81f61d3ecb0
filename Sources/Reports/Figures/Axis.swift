import Foundation

extension Figure {
  /// What one direction of a plot means.
  public struct Axis: Sendable, Equatable {
    public enum Scale: Sendable, Equatable {
      case linear
      /// To base 10; values that are not above 0 are left out.
      case logarithmic
    }

    public enum Ticks: Sendable, Equatable {
      /// At round numbers, as many as there is room for.
      case automatic
      /// At whole numbers only.
      case integers
      /// At the places given, each with its words; those that would overlap are slanted, or left out on the y axis.
      case labelled([Tick])
      /// The axis is not drawn.
      case hidden
    }

    public struct Tick: Sendable, Equatable {
      public var position: Double
      public var label: String

      public init(_ position: Double, _ label: String) {
        self.position = position
        self.label = label
      }
    }

    /// What is measured, and its unit.
    public var label: String
    public var scale: Scale
    /// The values from end to end; `nil` follows from the data. A range of no length is widened.
    public var range: ClosedRange<Double>?
    public var ticks: Ticks

    public init(
      _ label: String = "", scale: Scale = .linear, range: ClosedRange<Double>? = nil, ticks: Ticks = .automatic
    ) {
      self.label = label
      self.scale = scale
      self.range = range
      self.ticks = ticks
    }

    /// An axis of names: the i-th stands at i, as bars and heatmaps count.
    public static func categories(_ names: [String], label: String = "") -> Axis {
      Axis(
        label, range: -0.5...(Double(max(names.count, 1)) - 0.5),
        ticks: .labelled(names.enumerated().map { Tick(Double($0.offset), $0.element) }))
    }

    /// An axis that is not drawn, for shapes whose place says it all.
    public static func hidden(_ range: ClosedRange<Double>? = nil) -> Axis { Axis(range: range, ticks: .hidden) }
  }
}

/// An axis whose range is known: from values to fractions of its length.
struct ScaledAxis {
  let axis: Figure.Axis
  /// The ends, as logarithms to base 10 on a logarithmic axis.
  private(set) var lower: Double
  private(set) var upper: Double

  /// - Parameter values: What is drawn; the range is theirs, with some air, where the axis gives none.
  /// - Parameter includesZero: bars stand on zero, which has no air below it.
  init(_ axis: Figure.Axis, values: [Double], includesZero: Bool, isTight: Bool) {
    self.axis = axis
    let isLogarithmic = axis.scale == .logarithmic
    func usable(_ value: Double) -> Double? {
      guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
      // Kept far from overflow in the differences that follow.
      return isLogarithmic ? log10(value) : min(1e300, max(-1e300, value))
    }
    if let range = axis.range, let low = usable(range.lowerBound), let high = usable(range.upperBound) {
      (lower, upper) = (low, high)
    } else {
      var known = values.compactMap(usable)
      if includesZero, !isLogarithmic { known.append(0) }
      (lower, upper) = (known.min() ?? 0, known.max() ?? 1)
      let air = isTight ? 0 : (upper - lower) * 0.04
      if !(includesZero && lower == 0) { lower -= air }
      if !(includesZero && upper == 0) { upper += air }
    }
    if !(upper - lower > max(abs(lower), abs(upper)) * 1e-9) {
      let half = isLogarithmic ? 0.5 : max(abs(lower) * 0.1, 0.5)
      lower -= half
      upper += half
    }
  }

  var span: Double { upper - lower }

  /// 0 at the lower end, 1 at the upper; nil for what has no place on the axis.
  func fraction(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    if axis.scale == .logarithmic, value <= 0 { return nil }
    let place = ((axis.scale == .logarithmic ? log10(value) : value) - lower) / (upper - lower)
    // Far outside is outside: numbers in the file stay small.
    return place.isFinite ? min(50, max(-50, place)) : nil
  }

  /// Widens the range around its middle.
  mutating func widen(to span: Double) {
    let middle = lower + (upper - lower) / 2
    (lower, upper) = (middle - span / 2, middle + span / 2)
  }
}
