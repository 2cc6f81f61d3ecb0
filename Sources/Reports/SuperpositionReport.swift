import Foundation
import Geometry

extension VectorPacking {
  /// The packing beside theory, as a table.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([.left(""), .right("largest |cos|"), .right("mean |cos|"), .right("root mean square")])
    func number(_ value: Double) -> String { Format.fixed(value, 5) }
    table.append([
      "random, in theory", number(theory.randomLargest), number(theory.randomMean), number(theory.randomRootMeanSquare),
    ])
    table.append(["random, measured", number(random.largest), number(random.mean), number(random.rootMeanSquare)])
    if let optimized {
      table.append([
        "pushed apart", number(optimized.largest), number(optimized.mean), number(optimized.rootMeanSquare),
      ])
    }
    table.append(["no set can be below", number(theory.lowestLargest), "", number(theory.welchBound)])
    var lines = [
      style.bold("\(Format.count(vectors)) directions in \(Format.count(dimensions)) dimensions"),
      table.rendered(style),
    ]
    if let optimized, theory.lowestLargest > 0, optimized.largest > 0 {
      lines.append(
        "Pushing apart made the largest interference \(Format.fixed(random.largest / optimized.largest, 1)) times smaller; "
          + "it is \(Format.fixed(optimized.largest / theory.lowestLargest, 2)) times the bound.")
    } else if optimized != nil, vectors <= dimensions {
      lines.append("There are as many dimensions as directions: each can have one of its own.")
    }
    return lines.joined(separator: "\n")
  }
}

extension ToyPolygons {
  /// What each model kept, as a table.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .right("importance decay"), .right("sparsity"), .right("loss"), .right("features kept"), .text("dimensionality"),
    ])
    for cell in cells {
      let kept = cell.geometry.dimensionality.filter { $0 > 0.05 }.count
      table.append([
        Format.fixed(cell.importanceDecay, 2), Format.fixed(cell.sparsity, 2), Format.fixed(cell.loss, 4), "\(kept)",
        cell.geometry.dimensionality.map { Format.fixed($0, 2) }.joined(separator: "  "),
      ])
    }
    return [style.bold("\(training.features) features in \(training.hidden) dimensions"), table.rendered(style)]
      .joined(separator: "\n")
  }
}

extension ToyDimensionality {
  /// The dimensions per feature against sparsity, as a table.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .right("sparsity"), .right("1/(1−S)"), .right("loss"), .right("features kept"), .right("dimensions per feature"),
      .right("median dimensionality"),
    ])
    for point in points {
      let kept = point.geometry.dimensionality.filter { $0 > 0.05 }.sorted()
      table.append([
        Format.fixed(point.sparsity, 3), Format.fixed(1 / (1 - point.sparsity), 1), Format.fixed(point.loss, 3),
        "\(kept.count)", Format.fixed(point.dimensionsPerFeature, 3),
        kept.isEmpty ? "–" : Format.fixed(kept[kept.count / 2], 3),
      ])
    }
    return [style.bold("\(training.features) features in \(training.hidden) dimensions"), table.rendered(style)]
      .joined(separator: "\n")
  }
}

extension PhaseDiagram {
  /// The phases as a map of characters.
  public func report(_ style: TerminalStyle) -> String {
    let signs: [Phase: String] = [.ignored: "·", .dedicated: "○", .superposition: "█"]
    var lines = [style.bold("What becomes of the second of two features in one dimension"), "importance of the second"]
    for (row, importance) in zip(cells, relativeImportances).reversed() {
      lines.append(String(format: "%6.2f ", importance) + row.map { signs[$0.phase] ?? "?" }.joined())
    }
    let ends = String(format: "%.2f … %.2f", densities.first ?? 0, densities.last ?? 0)
    lines.append("       how often a feature is active: \(ends)")
    lines.append("       " + Phase.allCases.map { "\(signs[$0] ?? "?") \($0.words)" }.joined(separator: "   "))
    return lines.joined(separator: "\n")
  }
}

extension SuperpositionMeasure {
  /// The measures in words, and the directions that have least room.
  public func report(_ style: TerminalStyle, most: Int = 12) -> String {
    func fixed(_ value: Double) -> String { Format.fixed(value, 4) }
    var table = TextTable([.left("|cos| of two directions"), .right("here"), .right("random"), .right("at least")])
    table.append([
      "largest", fixed(interference.largest), fixed(theory.randomLargest), fixed(theory.lowestLargest),
    ])
    table.append(["mean", fixed(interference.mean), fixed(theory.randomMean), ""])
    table.append([
      "root mean square", fixed(interference.rootMeanSquare), fixed(theory.randomRootMeanSquare),
      fixed(theory.welchBound),
    ])
    var lines = [
      style.bold(origin) + ": \(Format.count(directions)) directions in \(Format.count(dimensions)) dimensions",
      table.rendered(style), "",
      "dimensions used up by the directions:   \(Format.fixed(usedDimensions, 1)) of \(dimensions)"
        + " (\(Format.fixed(usedDimensions / Double(directions), 3)) each)",
      "dimensions they spread over evenly:     \(Format.fixed(effectiveDimensions, 1))",
    ]
    if let activeTogether {
      lines.append("features active together, noise ½:      \(Format.fixed(min(activeTogether, 1e9), 1))")
    }
    if let most = mostAtThisInterference {
      lines.append("most directions at this interference:   \(Self.count(log10(most)))")
    } else {
      lines.append("most directions at this interference:   no limit (it is that of random directions or more)")
    }
    lines.append("random directions that the layer holds, by the largest |cos| allowed:")
    lines.append(
      "  "
        + capacities.map { "\(Format.fixed($0.tolerance, 2)): \(Self.count($0.decimalLogarithm))" }
        .joined(separator: "   "))
    lines.append("")
    lines.append(self.table(most: most).rendered(style))
    return lines.joined(separator: "\n")
  }

  /// The directions that have the least room, each with the nearest other.
  public func table(most: Int = 1000) -> TextTable {
    var rows = TextTable([.text("least room"), .right("dimensionality"), .text("nearest"), .right("cos")])
    for direction in byDirection.sorted(by: { $0.dimensionality < $1.dimensionality }).prefix(most) {
      rows.append([
        direction.name, Format.fixed(direction.dimensionality, 3), direction.nearest,
        Format.fixed(direction.nearestCosine, 3),
      ])
    }
    return rows
  }

  /// A count given by its decimal logarithm, as people write large ones.
  static func count(_ logarithm: Double) -> String {
    guard logarithm.isFinite else { return "–" }
    if logarithm < 7 { return Format.count(Int(pow(10, logarithm).rounded())) }
    return "10^\(Format.fixed(logarithm, 1))"
  }
}
