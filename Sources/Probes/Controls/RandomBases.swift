import Foundation
import LinearAlgebra

/// Random directions and rotations to hold a claim about a basis against.
package enum RandomBases {
  /// Unit vectors, uniformly on the sphere, a row each.
  package static func directions(_ count: Int, width: Int, generator: inout SeededGenerator) -> Matrix {
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
  package static func rotated(_ matrix: Matrix, generator: inout SeededGenerator) -> Matrix {
    rotated([matrix], generator: &generator)[0]
  }

  /// The rows of several matrices, those of one width turned by one random orthogonal map.
  ///
  /// The map is made of two rounds: columns in random order, in blocks of at most 256, each block turned by a rotation
  /// uniform over all; so every column mixes with all others, at O(rows · width · 256) in place of width².
  package static func rotated(_ matrices: [Matrix], generator: inout SeededGenerator) -> [Matrix] {
    var results = matrices
    for width in Set(matrices.map(\.columns)).sorted() {
      let own = matrices.indices.filter { matrices[$0].columns == width }
      for _ in 0..<(width > 256 ? 2 : 1) {
        let order = generator.permutation(width)
        var next = own.map { Matrix(zeros: matrices[$0].rows, columns: width) }
        for start in stride(from: 0, to: width, by: 256) {
          let columns = Array(order[start..<min(start + 256, width)])
          let rotation = orthogonal(columns.count, generator: &generator)
          for (place, number) in own.enumerated() {
            turn(results[number], columns, by: rotation, into: &next[place], from: start)
          }
        }
        for (place, number) in own.enumerated() { results[number] = next[place] }
      }
    }
    return results
  }

  /// Turns some columns of a matrix, which come to lie side by side.
  private static func turn(
    _ matrix: Matrix, _ columns: [Int], by rotation: Matrix, into target: inout Matrix, from start: Int
  ) {
    let width = matrix.columns
    let turned = Matrix(rows: matrix.rows, columns: columns.count) { buffer in
      matrix.elements.withUnsafeBufferPointer { values in
        for row in 0..<matrix.rows {
          for (place, column) in columns.enumerated() {
            buffer[row * columns.count + place] = values[row * width + column]
          }
        }
      }
    }.multiplied(by: rotation)
    target.withUnsafeMutableElements { values in
      for row in 0..<matrix.rows {
        for place in columns.indices {
          values[row * width + start + place] = turned.elements[row * columns.count + place]
        }
      }
    }
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
