extension Figure {
  /// Something drawn in a panel. Values that are not finite, or not above 0 on a logarithmic axis, leave a gap.
  public struct Mark: Sendable, Equatable {
    /// Its words in the legend; marks of one name look alike in all panels. Without a name it is not in the legend.
    public var name: String?
    public var ink: Ink
    var shape: Shape

    /// A place of the plot, in the units of the axes.
    public struct Point: Sendable, Equatable {
      public var x: Double
      public var y: Double

      public init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
      }
    }

    public struct Segment: Sendable, Equatable {
      public var from: Point
      public var to: Point

      public init(from: Point, to: Point) {
        self.from = from
        self.to = to
      }
    }

    enum Shape: Sendable, Equatable {
      case line(x: [Double], y: [Double], lower: [Double], upper: [Double], hasMarkers: Bool, width: Double)
      case points(x: [Double], y: [Double], labels: [String], size: Double)
      case bars(x: [Double], heights: [Double], lower: [Double], upper: [Double], width: Double?)
      case heatmap(Heatmap)
      case segments([Segment], width: Double, isArrow: Bool)
      case polygon([[Point]], isFilled: Bool, width: Double)
      case rule(x: Double?, y: Double?, label: String)
      case text([Point], [String], size: Double)
    }

    /// A line through points, in the order given.
    ///
    /// - Parameters:
    ///   - lower: With `upper`, the ends of a band around each point (a confidence interval); empty for none.
    ///   - hasMarkers: A sign at every point, so that one sees what was measured and what is only joined.
    public static func line(
      _ name: String? = nil, x: [Double], y: [Double], lower: [Double] = [], upper: [Double] = [],
      hasMarkers: Bool = false, width: Double = 2, ink: Ink = .automatic
    ) -> Mark {
      precondition(x.count == y.count, "\(x.count) places and \(y.count) values")
      precondition(
        lower.count == upper.count && (lower.isEmpty || lower.count == x.count),
        "a band of \(lower.count) and \(upper.count) ends for \(x.count) points")
      return Mark(
        name: name, ink: ink,
        shape: .line(x: x, y: y, lower: lower, upper: upper, hasMarkers: hasMarkers, width: width))
    }

    /// A sign at every point.
    ///
    /// - Parameters:
    ///   - labels: Words beside the points; empty for none, an empty word for some. One that would overlap another is
    ///     left out.
    ///   - size: The sign's diameter in pixels.
    public static func points(
      _ name: String? = nil, x: [Double], y: [Double], labels: [String] = [], size: Double = 7, ink: Ink = .automatic
    ) -> Mark {
      precondition(x.count == y.count, "\(x.count) and \(y.count) coordinates")
      precondition(labels.isEmpty || labels.count == x.count, "\(labels.count) labels for \(x.count) points")
      return Mark(name: name, ink: ink, shape: .points(x: x, y: y, labels: labels, size: size))
    }

    /// Upright bars that stand on 0. Several such marks of one panel stand beside each other, unless a width is given.
    ///
    /// - Parameters:
    ///   - x: The middles; by default 0, 1, 2 …, as `Axis.categories` counts.
    ///   - width: In units of the x axis, for histograms; `nil` shares the room of one unit among the panel's bars.
    ///   - lower: With `upper`, the ends of an error bar; empty for none.
    public static func bars(
      _ name: String? = nil, x: [Double]? = nil, heights: [Double], lower: [Double] = [], upper: [Double] = [],
      width: Double? = nil, ink: Ink = .automatic
    ) -> Mark {
      let places = x ?? heights.indices.map(Double.init)
      precondition(places.count == heights.count, "\(places.count) places for \(heights.count) bars")
      precondition(
        lower.count == upper.count && (lower.isEmpty || lower.count == heights.count),
        "error bars of \(lower.count) and \(upper.count) ends for \(heights.count) bars")
      return Mark(
        name: name, ink: ink, shape: .bars(x: places, heights: heights, lower: lower, upper: upper, width: width))
    }

    /// Cells coloured by value.
    public static func heatmap(_ heatmap: Heatmap) -> Mark { Mark(ink: .automatic, shape: .heatmap(heatmap)) }

    /// Straight lines, each by its ends; with `isArrow`, with a head at `to`.
    public static func segments(
      _ name: String? = nil, segments: [Segment], width: Double = 1.5, isArrow: Bool = false, ink: Ink = .automatic
    ) -> Mark {
      Mark(name: name, ink: ink, shape: .segments(segments, width: width, isArrow: isArrow))
    }

    /// A closed outline through the corners.
    public static func polygon(
      _ name: String? = nil, corners: [Point], isFilled: Bool = false, width: Double = 1.5, ink: Ink = .automatic
    ) -> Mark {
      Mark(name: name, ink: ink, shape: .polygon([corners], isFilled: isFilled, width: width))
    }

    /// What closed outlines enclose, filled; an outline within another is a hole.
    public static func area(
      _ name: String? = nil, outlines: [[Point]], width: Double = 1.5, ink: Ink = .automatic
    ) -> Mark {
      Mark(name: name, ink: ink, shape: .polygon(outlines, isFilled: true, width: width))
    }

    /// A thin dashed line across the whole plot at a value of y, for a bound or a chance level, with words on it.
    public static func horizontalRule(_ y: Double, label: String = "", ink: Ink = .grey) -> Mark {
      Mark(ink: ink, shape: .rule(x: nil, y: y, label: label))
    }

    /// A thin dashed line up the whole plot at a value of x, with words at its top.
    public static func verticalRule(_ x: Double, label: String = "", ink: Ink = .grey) -> Mark {
      Mark(ink: ink, shape: .rule(x: x, y: nil, label: label))
    }

    /// Words centred on places of the plot.
    public static func text(_ words: [String], at places: [Point], size: Double = 12, ink: Ink = .black) -> Mark {
      precondition(words.count == places.count, "\(words.count) words for \(places.count) places")
      return Mark(ink: ink, shape: .text(places, words, size: size))
    }
  }

  /// What a mark is drawn with.
  public enum Ink: Sendable, Equatable {
    /// The next of the figure's looks: a colour, a dash and a marker of its own for every name.
    case automatic
    /// The look of this number (they repeat after eight).
    case series(Int)
    case black
    case grey
    /// A grey that stands back behind everything else.
    case faint
    /// A colour of the sequential scale, 0 dark to 1 light.
    case shade(Double)
  }

  /// Values in cells, with colours and a scale beside the plot that explains them.
  public struct Heatmap: Sendable, Equatable {
    public enum Colors: Sendable, Equatable {
      /// From dark (low) to light (high), between the ends given or found.
      case sequential(ClosedRange<Double>? = nil)
      /// Blue below 0, white at 0, orange above, as far as the limit given or found.
      case diverging(limit: Double? = nil)
      /// Values are 0, 1, 2 …, each the number of a name.
      case categories([String])
    }

    /// values[row][column], row 0 at the bottom; NaN is an empty cell.
    public var values: [[Double]]
    /// What the colours mean.
    public var label: String
    public var colors: Colors
    /// The values of x at the left and right edge; by default cell i is centred at i.
    public var xRange: ClosedRange<Double>
    /// The values of y at the lower and upper edge.
    public var yRange: ClosedRange<Double>
    /// Words in the cells, by row and column as the values; empty for none.
    public var words: [[String]]

    public init(
      values: [[Double]], label: String = "", colors: Colors = .sequential(), xRange: ClosedRange<Double>? = nil,
      yRange: ClosedRange<Double>? = nil, words: [[String]] = []
    ) {
      let columns = values.first?.count ?? 0
      precondition(values.allSatisfy { $0.count == columns }, "rows of a heatmap with different numbers of cells")
      precondition(
        words.isEmpty || words.count == values.count && words.allSatisfy { $0.count == columns },
        "words for other cells than the heatmap has")
      self.values = values
      self.label = label
      self.colors = colors
      self.xRange = xRange ?? -0.5...(Double(max(columns, 1)) - 0.5)
      self.yRange = yRange ?? -0.5...(Double(max(values.count, 1)) - 0.5)
      self.words = words
    }

    var columns: Int { values.first?.count ?? 0 }
  }
}
