import Diagnostics
import Foundation
import LinearAlgebra

/// A permutation test of a probe's labels (Good, Permutation Tests, 2000).
///
/// What is fitted (least squares with a ridge, or the difference of means) predicts held-out rows linearly in the training
/// labels: one factorisation then serves every shuffle, and one product many of them. Labels are shuffled so as to keep
/// what groups share: among whole groups where all of a group's examples have one label, within the group where they
/// differ.
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

  /// What is learnt from each shuffle: what predicts held-out rows linearly in the training labels.
  package enum Learner {
    /// Least squares with a ridge that is fixed beforehand: one chosen for the true labels would favour them.
    case leastSquares
    /// The difference of the class's mean and the mean of all, as mass-mean probes have it.
    case meanDifference
  }

  /// - Parameters:
  ///   - matrix: a row an example, those to learn from first.
  ///   - groups: each example's group.
  package init(
    _ matrix: Matrix, targets: Targets, groups: [Int], trainingCount: Int, shuffles: Int,
    learner: Learner = .leastSquares, generator: inout SeededGenerator
  ) throws {
    try self.init(
      matrix, targets: targets, groups: groups,
      splits: [Split(train: Array(0..<trainingCount), test: Array(trainingCount..<matrix.rows))], shuffles: shuffles,
      learner: learner, generator: &generator)
  }

  /// - Parameters:
  ///   - matrix: a row an example.
  ///   - groups: each example's group.
  ///   - splits: what is learnt from and what is judged by; the statistic is the mean over them, by held-out examples.
  package init(
    _ matrix: Matrix, targets: Targets, groups: [Int], splits: [Split], shuffles: Int,
    learner: Learner = .leastSquares, generator: inout SeededGenerator
  ) throws {
    let judged = Double(max(splits.reduce(0) { $0 + $1.test.count }, 1))
    let parts = try splits.map { split in
      let order = split.train + split.test
      return (
        order: order, split: split,
        smoother: try Self.smoother(matrix.selectingRows(order), trainingCount: split.train.count, learner: learner)
      )
    }
    func statistics(_ orders: [[Int]]) -> [Double] {
      var sums = [Double](repeating: 0, count: orders.count)
      for part in parts where !part.split.test.isEmpty {
        let own = Self.statistics(
          part.smoother, targets: targets, orders: orders.map { order in part.order.map { order[$0] } },
          trainingCount: part.split.train.count)
        for (place, value) in own.enumerated() { sums[place] += value * Double(part.split.test.count) / judged }
      }
      return sums
    }
    let blocks = Self.exchangeable(targets, groups: groups)
    observed = statistics([Array(0..<matrix.rows)])[0]
    shuffled = []
    // So many at a time that their labels stay small beside the rows.
    let batch = 64
    for start in stride(from: 0, to: shuffles, by: batch) {
      shuffled += statistics(
        (start..<min(start + batch, shuffles)).map { _ in
          blocks.shuffled(count: matrix.rows, generator: &generator)
        })
    }
  }

  /// The statistic under some orders of the labels: the predictions of all of them are one product.
  private static func statistics(
    _ smoother: Matrix, targets: Targets, orders: [[Int]], trainingCount: Int
  ) -> [Double] {
    let outputs =
      switch targets {
      case .classes(_, let count): count == 2 ? 1 : count
      case .numbers: 1
      }
    let columns = orders.count * outputs
    // [training, orders · outputs]
    let labels = Matrix(rows: trainingCount, columns: columns) { buffer in
      for (number, order) in orders.enumerated() {
        for row in 0..<trainingCount {
          let place = row * columns + number * outputs
          switch targets {
          case .classes(let labels, _):
            let own = Int(labels[order[row]])
            for output in 0..<outputs { buffer[place + output] = own == (outputs == 1 ? 1 : output) ? 1 : 0 }
          case .numbers(let numbers): buffer[place] = Float(numbers[order[row]])
          }
        }
      }
    }
    let predictions = smoother.multiplied(by: labels)
    var results = [Double](repeating: 0, count: orders.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      predictions.elements.withUnsafeBufferPointer { predictions in
        Threads.forEach(orders.count) { number in
          let held = orders[number][trainingCount...]
          switch targets {
          case .classes(let labels, let classes):
            let own = held.map { labels[$0] }
            var sum = 0.0
            for output in 0..<outputs {
              let areas = RankAreas.areas(
                of: own.count, labels: own, classes: classes,
                score: { predictions[$0 * columns + number * outputs + output] })
              sum += areas[outputs == 1 ? 1 : output] ?? 0.5
            }
            results[number] = sum / Double(outputs)
          case .numbers(let numbers):
            results[number] = correlation(
              held.indices.map { Double(predictions[($0 - trainingCount) * columns + number]) },
              held.map { numbers[$0] })
          }
        }
      }
    }
    return results
  }

  /// The map from training labels to predictions on the other rows, [held out, training]. Of least squares: the rows
  /// centred and scaled by the training rows, with a ridge of a tenth of a column's sum of squares; of mean differences:
  /// the rows centred.
  private static func smoother(_ matrix: Matrix, trainingCount: Int, learner: Learner) throws -> Matrix {
    var standardization = ColumnSums.ofFirst(trainingCount, ExampleMatrix(matrix)).standardization()
    if learner == .meanDifference { standardization.scales = standardization.scales.map { _ in 1 } }
    let scaled = standardization.applied(to: matrix)
    let training = scaled.selectingRows(0..<trainingCount)
    let held = scaled.selectingRows(trainingCount..<matrix.rows)
    if learner == .meanDifference { return held.multiplied(by: training, transposed: true) }
    let ridge = 0.1 * Double(trainingCount)
    let isDual = trainingCount <= matrix.columns
    let gram = isDual ? training.multiplied(by: training, transposed: true) : training.gram()
    let size = gram.rows
    var system = gram.elements.map(Double.init)
    for index in 0..<size { system[index * size + index] += ridge }
    // Dual: H = (held · trainingᵀ) · (K + λ)⁻¹; primal: H = held · (XᵀX + λ)⁻¹ · trainingᵀ.
    let right = isDual ? held.multiplied(by: training, transposed: true) : held
    guard let solved = solveSymmetric(system, size: size, right: right.elements.map(Double.init)) else {
      throw Fault(
        .badData, "probe.notFinite", "The least-squares fit of the label shuffles has no solution",
        expected: "finite activations", found: "\(trainingCount) rows of \(matrix.columns) columns")
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
