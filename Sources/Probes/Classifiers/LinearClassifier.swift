import Foundation
import LinearAlgebra

/// A linear map from a row of activations to class scores.
///
/// With two classes there is one score, and above 0 means the second class; with more, one score a class, and the
/// largest wins. Weights and bias are in the units of the rows themselves: nothing has to be standardised first.
public struct LinearClassifier: Sendable, Equatable {
  /// [1, width] with two classes, else [classes, width].
  public var weights: Matrix
  /// One for each row of `weights`.
  public var bias: [Float]

  public init(weights: Matrix, bias: [Float]) {
    precondition(weights.rows == bias.count, "\(weights.rows) rows of weights, \(bias.count) biases")
    self.weights = weights
    self.bias = bias
  }

  /// The number of columns a row must have.
  public var width: Int { weights.columns }

  /// Each row's scores, [rows, 1 or classes].
  ///
  /// - Complexity: O(rows · width · classes), on all threads.
  public func scores(of rows: Matrix) -> Matrix {
    scores(of: ExampleMatrix(rows))
  }

  package func scores(of matrix: ExampleMatrix) -> Matrix {
    precondition(matrix.columns == width, "rows of \(matrix.columns) for a classifier of \(width)")
    let outputs = bias.count
    let width = width
    var scores = Matrix(zeros: matrix.rows, columns: outputs)
    scores.elements.withUnsafeMutableBufferPointer { scores in
      matrix.withUnsafeElements { rows in
        weights.elements.withUnsafeBufferPointer { weights in
          RowChunks(count: matrix.rows).share { _, chunk in
            guard let rowBase = rows.baseAddress, let weightBase = weights.baseAddress else { return }
            for row in chunk {
              let values = rowBase + row * width
              for output in 0..<outputs {
                scores[row * outputs + output] =
                  Kernels.dot(values, weightBase + output * width, count: width) + bias[output]
              }
            }
          }
        }
      }
    }
    return scores
  }

  /// The class that each row of scores says.
  public static func predictions(from scores: Matrix) -> [Int32] {
    let columns = scores.columns
    return (0..<scores.rows).map { row in
      if columns == 1 { return scores.elements[row] > 0 ? 1 : 0 }
      var best = 0
      for column in 1..<columns where scores.elements[row * columns + column] > scores.elements[row * columns + best] {
        best = column
      }
      return Int32(best)
    }
  }

  /// The softmax of each row of scores, or the logistic function where a row is one score.
  public static func probabilities(fromScores scores: Matrix) -> Matrix {
    var result = scores
    let columns = scores.columns
    for row in 0..<scores.rows {
      let range = row * columns..<(row + 1) * columns
      if columns == 1 {
        result.elements[row] = Float(1 / (1 + exp(-Double(scores.elements[row]))))
        continue
      }
      let largest = scores.elements[range].max() ?? 0
      var sum = 0.0
      for index in range { sum += exp(Double(scores.elements[index] - largest)) }
      for index in range { result.elements[index] = Float(exp(Double(scores.elements[index] - largest)) / sum) }
    }
    return result
  }
}
