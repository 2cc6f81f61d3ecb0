import Diagnostics
import Foundation
import LinearAlgebra

/// A permutation test of a probe's labels (Good, Permutation Tests, 2000).
///
/// The probe is fitted by least squares with a ridge, whose predictions on held-out rows are linear in the training
/// labels: one factorisation then serves every shuffle. Labels are shuffled so as to keep what groups share: among whole
/// groups where all of a group's examples have one label, within the group where they differ.
package struct LabelShuffles {
  /// The statistic under the true labels: AUROC (the mean over classes), or the correlation with a number.
  package var observed: Double
  /// The same under each shuffle.
  package var shuffled: [Double]

  /// (1 + the shuffles that do as well) / (1 + all shuffles).
  package var pValue: Double {
    Double(1 + shuffled.count { $0 >= observed - 1e-12 }) / Double(1 + shuffled.count)
  }
}

extension LabelShuffles {
  /// What is predicted: classes, or numbers.
  package enum Targets {
    case classes([Int32], count: Int)
    case numbers([Double])
  }

  /// - Parameters:
  ///   - matrix: a row an example, those to learn from first.
  ///   - groups: each example's group.
  package init(
    _ matrix: Matrix, targets: Targets, groups: [Int], trainingCount: Int, shuffles: Int,
    generator: inout SeededGenerator
  ) throws {
    let smoother = try Self.smoother(matrix, trainingCount: trainingCount)
    let count = matrix.rows
    func statistic(_ order: [Int]) -> Double {
      switch targets {
      case .classes(let labels, let classes):
        let own = order.map { labels[$0] }
        let outputs = classes == 2 ? [Int32(1)] : (0..<Int32(classes)).map { $0 }
        let y = Matrix(rows: trainingCount, columns: outputs.count) { buffer in
          for row in 0..<trainingCount {
            for (column, output) in outputs.enumerated() {
              buffer[row * outputs.count + column] = own[row] == output ? 1 : 0
            }
          }
        }
        let scores = smoother.multiplied(by: y)
        var sum = 0.0
        for (column, output) in outputs.enumerated() {
          sum +=
            AUROC.area(
              scores: (0..<scores.rows).map { scores.elements[$0 * outputs.count + column] },
              positive: own[trainingCount...].map { $0 == output }) ?? 0.5
        }
        return sum / Double(outputs.count)
      case .numbers(let numbers):
        let own = order.map { numbers[$0] }
        let y = Matrix(rows: trainingCount, columns: 1, elements: own[..<trainingCount].map { Float($0) })
        return correlation(smoother.multiplied(by: y).elements.map(Double.init), Array(own[trainingCount...]))
      }
    }
    observed = statistic(Array(0..<count))
    let blocks = Self.exchangeable(targets, groups: groups)
    shuffled = []
    for _ in 0..<shuffles {
      shuffled.append(statistic(blocks.shuffled(count: count, generator: &generator)))
    }
  }

  /// The map from training labels to predictions on the other rows, [held out, training]: the rows centred and scaled
  /// by the training rows, with a ridge of a tenth of a column's sum of squares.
  private static func smoother(_ matrix: Matrix, trainingCount: Int) throws -> Matrix {
    let parts = ColumnSums.byPart(
      matrix, rows: 0..<trainingCount, parts: [Int32](repeating: 0, count: trainingCount), partCount: 1)
    let standardization = parts[0].standardization()
    let (rows, width) = (matrix.rows, matrix.columns)
    let scaled = Matrix(rows: rows, columns: width) { buffer in
      matrix.elements.withUnsafeBufferPointer { values in
        for row in 0..<rows {
          for column in 0..<width {
            buffer[row * width + column] = Float(
              (Double(values[row * width + column]) - standardization.means[column]) / standardization.scales[column])
          }
        }
      }
    }
    let training = scaled.selectingRows(0..<trainingCount)
    let held = scaled.selectingRows(trainingCount..<rows)
    let ridge = 0.1 * Double(trainingCount)
    let isDual = trainingCount <= width
    let gram = isDual ? training.multiplied(by: training, transposed: true) : training.gram()
    let size = gram.rows
    var system = gram.elements.map(Double.init)
    for index in 0..<size { system[index * size + index] += ridge }
    // Dual: H = (held · trainingᵀ) · (K + λ)⁻¹; primal: H = held · (XᵀX + λ)⁻¹ · trainingᵀ.
    let right = isDual ? held.multiplied(by: training, transposed: true) : held
    guard let solved = solveSymmetric(system, size: size, right: right.elements.map(Double.init)) else {
      throw Fault(
        .badData, "probe.notFinite", "The least-squares fit of the label shuffles has no solution",
        expected: "finite activations", found: "\(trainingCount) rows of \(width) columns")
    }
    let left = Matrix(rows: held.rows, columns: size, elements: solved.map { Float($0) })
    // A constant moves no rank and no correlation, so that labels needn't be centred.
    return isDual ? left : left.multiplied(by: training, transposed: true)
  }

  /// What may be exchanged for what.
  private struct Blocks {
    /// Groups of one label each, as lists of examples: labels move between them as wholes.
    var constant: [[Int]] = []
    /// Groups of several labels: labels move within.
    var mixed: [[Int]] = []

    /// For each example the one whose label it takes.
    func shuffled(count: Int, generator: inout SeededGenerator) -> [Int] {
      var order = Array(0..<count)
      let moved = generator.permutation(constant.count)
      for (place, group) in constant.enumerated() {
        let source = constant[moved[place]]
        for example in group { order[example] = source[0] }
      }
      for group in mixed {
        let moved = generator.permutation(group.count)
        for (place, example) in group.enumerated() { order[example] = group[moved[place]] }
      }
      return order
    }
  }

  private static func exchangeable(_ targets: Targets, groups: [Int]) -> Blocks {
    var members: [Int: [Int]] = [:]
    var order: [Int] = []
    for (example, group) in groups.enumerated() {
      if members[group] == nil { order.append(group) }
      members[group, default: []].append(example)
    }
    var blocks = Blocks()
    for group in order {
      guard let own = members[group] else { continue }
      let isConstant =
        switch targets {
        case .classes(let labels, _): own.allSatisfy { labels[$0] == labels[own[0]] }
        case .numbers(let numbers): own.allSatisfy { numbers[$0] == numbers[own[0]] }
        }
      if isConstant { blocks.constant.append(own) } else { blocks.mixed.append(own) }
    }
    // A few constant groups beside mixed ones have nothing to change places with: then all groups are equals.
    return blocks
  }
}

extension Matrix {
  /// selfᵀ · self.
  fileprivate func gram() -> Matrix {
    var result = Matrix(zeros: columns, columns: columns)
    elements.withUnsafeBufferPointer { a in
      result.elements.withUnsafeMutableBufferPointer { c in
        guard let a = a.baseAddress, let c = c.baseAddress else { return }
        gemm(
          m: columns, n: columns, k: rows, a: a, aStride: columns, transposeA: true, b: a, bStride: columns, c: c,
          cStride: columns)
      }
    }
    return result
  }
}

/// Pearson's correlation; 0 where a side is constant.
func correlation(_ a: [Double], _ b: [Double]) -> Double {
  let count = Double(max(a.count, 1))
  let (meanA, meanB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
  var (product, squaresA, squaresB) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a, b) {
    product += (x - meanA) * (y - meanB)
    squaresA += (x - meanA) * (x - meanA)
    squaresB += (y - meanB) * (y - meanB)
  }
  let scale = (squaresA * squaresB).squareRoot()
  return scale > 0 ? product / scale : 0
}
