import LinearAlgebra
import Testing

@testable import Neurons

@Suite struct ConceptTreeTests {
  /// scipy.cluster.hierarchy.linkage(1 - r, "average") and cophenet, of the same four similarities.
  @Test func levelsAreThoseOfAverageLinkage() {
    let r = [
      1, 0.8, 0.5, 0.1,
      0.8, 1, 0.3, 0.2,
      0.5, 0.3, 1, 0.0,
      0.1, 0.2, 0.0, 1,
    ]
    let base = 1.0 / 3
    let tree = ConceptTree([r], classes: 4)
    for (a, b, level) in [(0, 1, 0.8), (0, 2, 0.4), (1, 2, 0.4), (0, 3, 0.1), (2, 3, 0.1)] {
      #expect(abs(tree.level(a, b) - (level + base) / (1 + base)) < 1e-12)
      #expect(tree.level(a, b) == tree.level(b, a))
    }
    #expect(tree.meanings([3, 1, 0, 2]) == [[3], [1, 0, 2]])
    #expect(ConceptTree([r], classes: 4, related: [[0, 3]]).meanings([3, 1, 0]) == [[3, 1, 0]])
    // The larger of two measures counts.
    #expect(ConceptTree([[1, -1, -1, 1], [1, 0.9, 0.9, 1]], classes: 2).level(0, 1) == (0.9 + 1) / 2)
  }

  /// Pearson's correlation of the standardised means, as numpy.corrcoef gives it, less 1/√n.
  @Test func correlationsAreOfStandardisedMeans() throws {
    var generator = SeededGenerator(seed: 8)
    let means = (0..<20).map { _ in (0..<4).map { _ in generator.normal() } }
    var relatedness = ConceptRelatedness(classes: 4)
    for some in means { relatedness.add(some) }
    relatedness.add([2, 2, 2, 2])  // says nothing
    let z = means.map { some in
      let mean = some.reduce(0, +) / 4
      let deviation = (some.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4).squareRoot()
      return some.map { ($0 - mean) / deviation }
    }
    func column(_ c: Int) -> [Double] {
      let values = z.map { $0[c] }
      let mean = values.reduce(0, +) / 20
      return values.map { $0 - mean }
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let found = try #require(relatedness.correlations)
    for a in 0..<4 {
      for b in 0..<4 {
        let (x, y) = (column(a), column(b))
        let expected = dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot() - 1 / 20.0.squareRoot()
        #expect(abs(found[a * 4 + b] - expected) < 1e-10)
      }
    }
  }

  /// scikit-learn's AgglomerativeClustering(linkage="ward") parts well-separated points as here, whatever their order.
  @Test func wardFindsClustersAndAbsorbsTheSmall() {
    var generator = SeededGenerator(seed: 4)
    let centres: [(Float, Float)] = [(0, 0), (6, 0), (0, 6), (6, 6)]
    let truth = (0..<60).map { $0 % 4 } + [0]
    var points = Matrix(zeros: 61, columns: 2)
    for row in 0..<61 {
      points[row, 0] = centres[truth[row]].0 + 0.3 * Float(generator.normal())
      points[row, 1] = centres[truth[row]].1 + 0.3 * Float(generator.normal())
    }
    // One far from all: a cluster of its own, or part of the nearest.
    points[60, 0] = -3
    let four = WardClusters(points, count: 4, least: 1)
    #expect(four.count == 4 && (0..<60).allSatisfy { four.labels[$0] == Int32($0 % 4) })
    let five = WardClusters(points, count: 5, least: 1)
    #expect(five.count == 5 && five.labels.count { $0 == five.labels[60] } == 1)
    let absorbed = WardClusters(points, count: 5, least: 3)
    #expect(absorbed.count == 4 && absorbed.labels[60] == absorbed.labels[0])
  }

  /// Inner products of the coordinates before scaling are those of the points: checked by the angle of two groups.
  @Test func coordinatesKeepGroupsApart() {
    var generator = SeededGenerator(seed: 6)
    var points = Matrix(zeros: 40, columns: 10)
    for row in 0..<40 {
      for column in 0..<10 { points[row, column] = Float(generator.normal()) * 0.2 + (column == row % 2 ? 3 : 0) }
    }
    let found = PrincipalCoordinates.halfWhitened(points.multiplied(by: points, transposed: true), count: 3, seed: 1)
    #expect(found.rows == 40 && found.columns == 3)
    for row in 0..<40 {
      #expect(abs(found.row(row).reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
      #expect((found[row, 0] > 0) == (found[row % 2, 0] > 0))
    }
    #expect((found[0, 0] > 0) != (found[1, 0] > 0))
  }
}
