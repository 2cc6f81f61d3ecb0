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
    Matrix(rows: size, columns: size) { buffer in
      guard let base = buffer.baseAddress else { return }
      for index in buffer.indices { buffer[index] = Float(generator.normal()) }
      for row in 0..<size {
        let own = base + row * size
        // Twice, so that rounding leaves nothing.
        for _ in 0..<2 {
          for earlier in 0..<row {
            let other = base + earlier * size
            Kernels.axpy(-Kernels.dot(own, other, count: size), other, into: own, count: size)
          }
        }
        let norm = Kernels.dotInDouble(own, own, count: size).squareRoot()
        for column in 0..<size { own[column] /= Float(max(norm, 1e-30)) }
      }
    }
  }
}
