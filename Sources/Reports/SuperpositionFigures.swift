import Foundation
import Geometry

extension VectorPacking {
  /// How the interference of all pairs spreads, and how the largest grows with the number of vectors.
  public func figure() -> Figure {
    // Percent of all pairs, of several steps together; where there is none, a gap.
    let together = 5
    func starts(_ interference: Interference) -> [Int] {
      Array(stride(from: 0, to: interference.histogram.count, by: together))
    }
    func middles(_ interference: Interference) -> [Double] {
      starts(interference).map {
        interference.histogramMiddles[min($0 + together / 2, interference.histogram.count - 1)]
      }
    }
    func shares(_ interference: Interference) -> [Double] {
      let pairs = Double(max(1, interference.histogram.reduce(0, +)))
      return starts(interference).map {
        let count = interference.histogram[$0..<min($0 + together, interference.histogram.count)].reduce(0, +)
        return count == 0 ? .nan : 100 * Double(count) / pairs
      }
    }
    var spread: [Figure.Mark] = [
      .line("random directions", x: middles(random), y: shares(random)),
      .verticalRule(random.largest, label: "largest, random", ink: .series(0)),
    ]
    var growth: [Figure.Mark] = []
    let counts = Self.counts(around: vectors, dimensions: dimensions)
    let theories = counts.map { InterferenceTheory(vectors: $0, dimensions: dimensions) }
    let x = counts.map(Double.init)
    growth.append(.line("random directions", x: x, y: theories.map(\.randomLargest)))
    if let optimized {
      if optimized.largest > 0 {
        spread.insert(.line("pushed apart", x: middles(optimized), y: shares(optimized)), at: 1)
      }
      spread.append(.verticalRule(optimized.largest, label: "largest, pushed apart", ink: .series(1)))
      growth.append(.points("pushed apart", x: [Double(vectors)], y: [optimized.largest], size: 11))
    }
    growth.append(.line("no set can be below this", x: x, y: theories.map(\.lowestLargest), ink: .series(2)))
    growth.append(.points(x: [Double(vectors)], y: [random.largest], size: 9))
    if theory.lowestLargest > 0 {
      spread.append(.verticalRule(theory.lowestLargest, label: "Welch bound on the largest", ink: .series(2)))
    }
    return Figure(
      "\(Format.count(vectors)) concepts in \(Format.count(dimensions)) dimensions",
      caption:
        "Each concept is a direction. Two directions interfere by |cos| of their angle: 0 is none, 1 is the same "
        + "direction. Random directions hardly interfere in a wide space; pushed apart, the worst pair is almost as good "
        + "as the average one.",
      panels: [
        Figure.Panel(
          "How much pairs interfere", x: .init("|cos| of a pair", range: 0...max(1e-6, random.histogramLimit)),
          y: .init("pairs (%)", scale: .logarithmic), marks: spread),
        Figure.Panel(
          "The worst pair, as concepts are added", x: .init("number of directions", scale: .logarithmic),
          y: .init(
            "largest |cos|",
            range: 0...min(1, 1.2 * max(random.largest, theories.map(\.randomLargest).max() ?? 1))), marks: growth),
      ])
  }

  /// Numbers of vectors from 2 to well beyond those measured, evenly on a logarithmic axis.
  private static func counts(around vectors: Int, dimensions: Int) -> [Int] {
    let most = min(1e15, Double(max(vectors, dimensions)) * 1000)
    var counts = (0...80).map { Int(2 * pow(most / 2, Double($0) / 80)) }
    // Where the bound begins to rise, a point each side.
    counts += [dimensions, dimensions + 1, dimensions + dimensions / 10].filter { $0 >= 2 }
    return Array(Set(counts)).sorted()
  }
}

extension ToyPolygons {
  private static func angle(_ corner: Figure.Mark.Point) -> Double { atan2(corner.y, corner.x) }

  /// A panel a model: its features as arrows in the hidden plane.
  public func figure() -> Figure {
    let columns = Set(cells.map(\.sparsity)).count
    let falling = cells.first { $0.importanceDecay != 1 }.map { Format.fixed($0.importanceDecay, 1) }
    let reach = max(1.1, (cells.flatMap(\.geometry.norms).max() ?? 1) * 1.12)
    return Figure(
      "\(training.features) features in two dimensions: sparse features form polygons",
      caption:
        "An arrow is the direction in which the model writes a feature; a feature that is given up has none. From "
        + "left to right features are 0 more often. Never 0, two of them keep a dimension each and the rest are given up, "
        + "or nearly. Sparse ones share: in opposite pairs, then all of them as a polygon. D is each feature's share of a "
        + "dimension."
        + (falling.map { " Importance \($0)ⁱ: an error in feature i counts \($0)ⁱ times in the loss." } ?? ""),
      columns: columns, panelWidth: 190, plotHeight: 176,
      panels: cells.map { cell in
        let corners = cell.directions.map { Figure.Mark.Point(Double($0[0]), Double($0[1])) }
        var marks: [Figure.Mark] = []
        let drawn = corners.indices.filter { cell.geometry.norms[$0] > 0.1 }
        let ring = drawn.sorted { Self.angle(corners[$0]) < Self.angle(corners[$1]) }
        // A polygon is drawn where the arrows point all round.
        let gaps = zip(ring, ring.dropFirst() + ring.prefix(1)).map { a, b in
          (Self.angle(corners[b]) - Self.angle(corners[a]) + 2 * .pi).truncatingRemainder(dividingBy: 2 * .pi)
        }
        if drawn.count > 2, gaps.allSatisfy({ $0 < 0.95 * .pi }) {
          marks.append(.polygon(corners: ring.map { corners[$0] }, isFilled: true, width: 1, ink: .series(6)))
        }
        marks.append(
          .segments(
            segments: drawn.map { .init(from: .init(0, 0), to: corners[$0]) }, width: 2, isArrow: true, ink: .black))
        let shares = cell.geometry.dimensionality.filter { $0 > 0.05 }.map { Format.fixed($0, 2) }
        let names = Set(shares).sorted(by: >)
        marks.append(.text(["D = " + names.prefix(3).joined(separator: ", ")], at: [.init(0, -reach * 1.12)], size: 11))
        let importance =
          cell.importanceDecay == 1 ? "equal importance" : "importance \(Format.fixed(cell.importanceDecay, 1))ⁱ"
        return Figure.Panel(
          "\(Format.fixed(cell.sparsity * 100, 0)) % zero,\n\(importance)", x: .hidden(-reach...reach),
          y: .hidden(-reach * 1.2...reach), hasEqualScales: true, marks: marks)
      })
  }
}

extension ToyDimensionality {
  /// Every feature's share of a dimension, and their mean, against sparsity.
  public func figure() -> Figure {
    var marks: [Figure.Mark] = Self.shapes.map {
      .horizontalRule($0.dimensionality, label: $0.name)
    }
    let x = points.map { 1 / (1 - $0.sparsity) }
    var (featureX, featureY): ([Double], [Double]) = ([], [])
    for (place, point) in zip(x, points) {
      for share in point.geometry.dimensionality where share > 0.005 {
        featureX.append(place)
        featureY.append(share)
      }
    }
    marks.append(.points("a feature: its share of a dimension, D", x: featureX, y: featureY, size: 4, ink: .series(0)))
    marks.append(
      .line(
        "dimensions per feature, m / ‖W‖²", x: x, y: points.map(\.dimensionsPerFeature), hasMarkers: true,
        ink: .series(1)))
    return Figure(
      "Features that are rarely active share dimensions",
      caption: "A model of \(training.features) features and \(training.hidden) dimensions, trained anew for each "
        + "sparsity; from left to right features are active more rarely. Always active, they blend. Then some are kept in "
        + "pairs of opposite directions, half a dimension each; at last all share, about "
        + "\(training.hidden)/\(training.features) of a dimension each. Dashed: the shares that regular shapes give.",
      panelWidth: 720, plotHeight: 380,
      panels: [
        Figure.Panel(
          x: .init("1 / (1 − S): one in how many examples a feature is active", scale: .logarithmic),
          y: .init("dimensions per feature", range: 0...1.05), marks: marks)
      ])
  }
}

extension PhaseDiagram {
  /// The phase of every cell, and how large the two weights are.
  public func figure() -> Figure {
    func range(_ values: [Double]) -> ClosedRange<Double> {
      guard let first = values.first, let last = values.last, values.count > 1, first > 0, last > first else {
        return 0.1...1
      }
      let half = pow(last / first, 0.5 / Double(values.count - 1))
      return first / half...last * half
    }
    let (x, y) = (range(densities), range(relativeImportances))
    let map = Figure.Heatmap(
      values: cells.map { $0.map { Double($0.phase.rawValue) } }, colors: .categories(Phase.allCases.map(\.words)),
      xRange: x, yRange: y)
    return Figure(
      "One dimension, two features: which is kept?",
      caption:
        "Each cell is a model trained anew. The colour says what becomes of the second feature. When features are "
        + "often active (right) the more important one takes the dimension; when they are rare (left) both fit, in "
        + "opposite directions.",
      panelWidth: 620, plotHeight: 380,
      panels: [
        Figure.Panel(
          x: .init("how often a feature is active, 1 − S", scale: .logarithmic, range: x),
          y: .init("importance of the second feature beside the first", scale: .logarithmic, range: y),
          marks: [.heatmap(map)])
      ])
  }
}

extension SuperpositionMeasure {
  /// How the directions' interference spreads beside that of random ones, and each direction's share of a dimension.
  public func figure() -> Figure {
    let middles = interference.histogramMiddles
    let pairs = Double(max(1, interference.histogram.reduce(0, +)))
    let width = interference.histogramLimit / Double(interference.histogram.count)
    // Coarser than measured where there are few pairs.
    let step = pairs > 5000 ? 2 : pairs > 500 ? 6 : 12
    var (x, here, random): ([Double], [Double], [Double]) = ([], [], [])
    for start in stride(from: 0, to: middles.count, by: step) {
      let end = min(start + step, middles.count)
      x.append((middles[start] + middles[end - 1]) / 2)
      here.append(100 * Double(interference.histogram[start..<end].reduce(0, +)) / pairs)
      let (low, high) = (Double(start) * width, Double(end) * width)
      random.append(
        100
          * (exp(InterferenceTheory.logarithmOfTail(above: low, dimensions: dimensions))
            - exp(InterferenceTheory.logarithmOfTail(above: high, dimensions: dimensions))))
    }
    let most = max(interference.largest, theory.randomLargest) * 1.1
    let sorted = byDirection.map(\.dimensionality).sorted(by: >)
    // Of random directions Σ_j cos² is 1 + (n − 1)/d.
    let byChance = 1 / (1 + Double(directions - 1) / Double(dimensions))
    let isCrowded = max(sorted.first ?? 1, byChance) < 0.4
    var shares: [Figure.Mark] = [
      .line(x: sorted.indices.map { Double($0 + 1) }, y: sorted, hasMarkers: sorted.count <= 60),
      .horizontalRule(byChance, label: "random directions, as many"),
    ]
    if !isCrowded { shares.append(.horizontalRule(0.5, label: "one of an antipodal pair")) }
    return Figure(
      "Superposition at \(origin)",
      caption:
        "\(Format.count(directions)) directions in \(Format.count(dimensions)) dimensions. Left: how much pairs of "
        + "them interfere, beside random directions. Right: each one's share of a dimension, D: 1 is a dimension of "
        + "its own, ½ one shared by two, and Σ D the dimensions used up.",
      panels: [
        Figure.Panel(
          "How much pairs interfere", x: .init("|cos| of a pair", range: 0...min(1, most)), y: .init("pairs (%)"),
          marks: [
            .bars("these directions", x: x, heights: here, width: Double(step) * width),
            .line("random directions", x: x, y: random, hasMarkers: false, ink: .series(1)),
          ]),
        Figure.Panel(
          "Each direction's share of a dimension", x: .init("directions, from the freest to the most crowded"),
          y: .init(
            "feature dimensionality D", range: 0...(isCrowded ? 1.3 * max(sorted.first ?? 1, byChance) : 1.05)),
          marks: shares),
      ])
  }
}
