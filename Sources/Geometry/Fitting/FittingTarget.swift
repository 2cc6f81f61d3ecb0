import Diagnostics
import Foundation

/// What a network with one hidden layer is to learn: a curve over −1 … 1, or a region of the square −1 … 1 by −1 … 1.
public enum FittingTarget: Sendable, Equatable {
  case curve(Curve)
  case region(Region)

  public enum Curve: String, Codable, Sendable, CaseIterable {
    /// y = x
    case line
    /// y = |x|
    case v
    /// Five straight pieces, up and down
    case zigzag
    case parabola
    /// One and a half periods of a sine
    case wave
    /// −1 left of 0, 1 right of it, with a steep slope between
    case step

    /// The height at x.
    public func callAsFunction(_ x: Double) -> Double {
      switch self {
      case .line: x
      case .v: 2 * abs(x) - 1
      case .zigzag: asin(sin(2.5 * .pi * x)) * 2 / .pi
      case .parabola: 2 * x * x - 1
      case .wave: sin(1.5 * .pi * x)
      case .step: max(-1, min(1, 20 * x))
      }
    }
  }

  public enum Region: Sendable, Equatable {
    case halfPlane
    /// Inside of two lines that meet: a V
    case wedge
    case circle
    /// Between two circles
    case ring
    /// A regular polygon with this many corners, 3 to 64
    case polygon(Int)
    /// A star with this many points, 3 to 32
    case star(Int)

    /// Whether a place lies inside.
    public func contains(_ x: Double, _ y: Double) -> Bool { tester(x, y) }

    /// `contains`, with the corners computed once.
    var tester: (Double, Double) -> Bool {
      switch self {
      case .halfPlane: return { x, y in y < 0.5 * x + 0.1 }
      case .wedge: return { x, y in y > 1.6 * abs(x) - 0.6 }
      case .circle: return { x, y in x * x + y * y < 0.49 }
      case .ring:
        return { x, y in
          let squared = x * x + y * y
          return squared < 0.85 * 0.85 && squared > 0.16
        }
      case .polygon, .star:
        let corners = outlines[0]
        let edges = Array(zip(corners, corners[1...] + corners[..<1]))
        return { x, y in
          var isInside = false
          for (a, b) in edges where (a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x {
            isInside.toggle()
          }
          return isInside
        }
      }
    }

    /// Its edge as closed lines through points, inside the square; of the unbounded regions, the piece in the square.
    public var outlines: [[(x: Double, y: Double)]] {
      func round(_ count: Int, radius: (Int) -> Double, turn: Double = .pi / 2) -> [(x: Double, y: Double)] {
        (0..<count).map { index in
          let angle = turn + 2 * .pi * Double(index) / Double(count)
          return (radius(index) * cos(angle), radius(index) * sin(angle))
        }
      }
      switch self {
      case .halfPlane: return [[(-1, -0.4), (1, 0.6), (1, -1), (-1, -1)]]
      case .wedge: return [[(0, -0.6), (1, 1), (-1, 1)]]
      case .circle: return [round(180, radius: { _ in 0.7 })]
      case .ring: return [round(180, radius: { _ in 0.85 }), round(180, radius: { _ in 0.4 })]
      case .polygon(let count):
        return [round(count, radius: { _ in 0.85 }, turn: .pi / 2 + (count == 4 ? .pi / 4 : 0))]
      case .star(let count): return [round(2 * count, radius: { $0.isMultiple(of: 2) ? 0.9 : 0.4 })]
      }
    }
  }

  /// The names that `init(named:)` takes, polygons and stars by example.
  public static let names =
    Curve.allCases.map(\.rawValue) + [
      "half-plane", "wedge", "triangle", "square", "hexagon", "polygon-8", "star-5", "circle", "ring",
    ]

  /// - Parameter name: One of `names`; `polygon-N` and `star-N` take any number of corners.
  /// - Throws: `fitting.unknownShape`, with the names most like it; `fitting.corners`.
  public init(named name: String) throws {
    if let curve = Curve(rawValue: name) {
      self = .curve(curve)
      return
    }
    switch name {
    case "half-plane": self = .region(.halfPlane)
    case "wedge": self = .region(.wedge)
    case "circle": self = .region(.circle)
    case "ring": self = .region(.ring)
    case "triangle": self = .region(.polygon(3))
    case "square": self = .region(.polygon(4))
    case "hexagon": self = .region(.polygon(6))
    case "star": self = .region(.star(5))
    default:
      for (prefix, most) in [("polygon-", 64), ("star-", 32)] where name.hasPrefix(prefix) {
        guard let count = Int(name.dropFirst(prefix.count)), (3...most).contains(count) else {
          throw Fault(
            .usage, "fitting.corners", "This shape needs a number of corners",
            expected: "\(prefix)3 to \(prefix)\(most)",
            found: name)
        }
        self = .region(prefix == "star-" ? .star(count) : .polygon(count))
        return
      }
      let near = nearestNames(to: name, among: Self.names)
      throw Fault(
        .usage, "fitting.unknownShape", "There is no curve or region of this name",
        expected: Self.names.joined(separator: ", "), found: name,
        advice: near.isEmpty ? nil : "did you mean \(near.joined(separator: " or "))")
    }
  }

  public var name: String {
    switch self {
    case .curve(let curve): curve.rawValue
    case .region(.halfPlane): "half-plane"
    case .region(.wedge): "wedge"
    case .region(.circle): "circle"
    case .region(.ring): "ring"
    case .region(.polygon(3)): "triangle"
    case .region(.polygon(4)): "square"
    case .region(.polygon(6)): "hexagon"
    case .region(.polygon(let count)): "polygon-\(count)"
    case .region(.star(let count)): "star-\(count)"
    }
  }
}

/// In JSON a target is its name, such as "polygon-5".
extension FittingTarget: Codable {
  public init(from decoder: any Decoder) throws {
    try self.init(named: decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
