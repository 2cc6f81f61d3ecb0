import Foundation
import LinearAlgebra

/// Random directions and rotations to hold a claim about a basis against.
package enum RandomBases {
  /// Unit vectors, uniformly on the sphere, a row each.
  static func directions(_ count: Int, width: Int, generator: inout SeededGenerator) -> Matrix {
    var result = Matrix(zeros: count, columns: width)
    for row in 0..<count {
      var squares = 0.0
      for column in 0..<width {
        let value = generator.normal()
        result.elements[row * width + column] = Float(value)
        squares += value * value
      }
      let factor = Float(1 / max(squares, 1e-30).squareRoot())
      for column in 0..<width { result.elements[row * width + column] *= factor }
    }
    return result
  }

  /// The rows turned by a random orthogonal map.
  ///
  /// The map is made of two rounds: columns in random order, in blocks of at most 256, each block turned by a rotation
  /// uniform over all; so every column mixes with all others, at O(rows · width · 256) in place of width².
  package static func rotated(_ matrix: Matrix, generator: inout SeededGenerator) -> Matrix {
    var result = matrix
    for _ in 0..<(matrix.columns > 256 ? 2 : 1) {
      let order = generator.permutation(matrix.columns)
      var next = Matrix(zeros: matrix.rows, columns: matrix.columns)
      for start in stride(from: 0, to: order.count, by: 256) {
        let columns = Array(order[start..<min(start + 256, order.count)])
        let rotation = orthogonal(columns.count, generator: &generator)
        let block = Matrix(rows: matrix.rows, columns: columns.count) { buffer in
          result.elements.withUnsafeBufferPointer { values in
            for row in 0..<matrix.rows {
              for (place, column) in columns.enumerated() {
                buffer[row * columns.count + place] = values[row * matrix.columns + column]
              }
            }
          }
        }
        let turned = block.multiplied(by: rotation)
        next.withUnsafeMutableElements { values in
          for row in 0..<matrix.rows {
            for place in columns.indices {
              values[row * matrix.columns + start + place] = turned.elements[row * columns.count + place]
            }
          }
        }
      }
      result = next
    }
    return result
  }

  /// A uniformly random orthogonal matrix: normal numbers, their rows made orthonormal one after another.
  static func orthogonal(_ size: Int, generator: inout SeededGenerator) -> Matrix {
    var rows = (0..<size).map { _ in (0..<size).map { _ in generator.normal() } }
    for row in rows.indices {
      // Twice, so that rounding leaves nothing.
      for _ in 0..<2 {
        for earlier in 0..<row {
          var dot = 0.0
          for column in 0..<size { dot += rows[row][column] * rows[earlier][column] }
          for column in 0..<size { rows[row][column] -= dot * rows[earlier][column] }
        }
      }
      let norm = rows[row].reduce(0) { $0 + $1 * $1 }.squareRoot()
      for column in 0..<size { rows[row][column] /= max(norm, 1e-300) }
    }
    return Matrix(rows: size, columns: size, elements: rows.joined().map { Float($0) })
  }
}

/// How well single columns tell classes apart.
enum SingleColumns {
  /// The AUROC on held-out rows of the column that is best on the training rows, meaned over classes (each against the
  /// rest; with two classes the second's). A column counts with whichever sign is better in training.
  static func bestAUROC(_ matrix: Matrix, labels: [Int32], classes: Int, trainingCount: Int) -> Double {
    let targets = classes == 2 ? [Int32(1)] : (0..<Int32(classes)).map { $0 }
    let training = Array(labels[..<trainingCount])
    let held = Array(labels[trainingCount...])
    let trainingPositive = targets.map { target in training.map { $0 == target } }
    let (rows, width) = (matrix.rows, matrix.columns)
    // For each column and target the AUROC in training.
    var areas = [Double](repeating: 0.5, count: width * targets.count)
    matrix.elements.withUnsafeBufferPointer { values in
      areas.withUnsafeMutableBufferPointer { areas in
        nonisolated(unsafe) let areas = areas
        Threads.forEach(width) { column in
          let scores = (0..<trainingCount).map { values[$0 * width + column] }
          let order = scores.indices.sorted { scores[$0] < scores[$1] }
          for (place, positive) in trainingPositive.enumerated() {
            areas[column * targets.count + place] =
              AUROC.area(order: order, scores: scores, positive: positive, weights: nil) ?? 0.5
          }
        }
      }
    }
    var sum = 0.0
    for (place, target) in targets.enumerated() {
      var best = 0
      for column in 0..<width
      where abs(areas[column * targets.count + place] - 0.5) > abs(areas[best * targets.count + place] - 0.5) {
        best = column
      }
      let scores = (trainingCount..<rows).map { matrix.elements[$0 * width + best] }
      let area = AUROC.area(scores: scores, positive: held.map { $0 == target }) ?? 0.5
      sum += areas[best * targets.count + place] >= 0.5 ? area : 1 - area
    }
    return sum / Double(targets.count)
  }
}
