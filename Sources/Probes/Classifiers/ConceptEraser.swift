import Diagnostics
import LinearAlgebra

/// LEACE: the smallest change of the rows after which no linear classifier tells the classes apart (Belrose et al.,
/// arXiv 2306.03819).
///
/// r(x) = x − Σxz (Σzx Σxx⁺ Σxz)⁺ Σzx Σxx⁺ (x − μ), z the classes one-hot: the closed form of that paper's theorem 4.3,
/// its whitening multiplied out. On the rows it was found on, every class then has the same mean, which is the same as
/// nothing linear being left.
public struct ConceptEraser: Sendable, Equatable {
  /// μ, [width].
  public var mean: [Float]
  /// What is taken away lies in the rows of this: [rank, width].
  public var directions: Matrix
  /// How much of each: [rank, width]; r(x) = x − Σ_k (readers_k · (x − μ)) · directions_k.
  public var readers: Matrix

  /// Finds the eraser of some classes.
  ///
  /// - Parameter labels: each row's class, from 0 to `classes` − 1.
  /// - Throws: `probe.singleClass`, `probe.notFinite`.
  /// - Complexity: rows · width² + width³/3 operations; where columns depend on each other linearly, as with fewer rows
  ///   than columns, 9 · width³. Memory of about 4 · width² numbers.
  public init(_ matrix: Matrix, labels: [Int32], classes: Int) throws {
    let training = try TrainingRows(ExampleMatrix(matrix), labels: labels, classes: classes)
    let width = matrix.columns
    let whole = training.standardization()
    let count = Double(training.count)
    let scatter = Scatter.sum(training.matrix, rows: training.rows(without: nil), standardization: whole)
    let sums = training.classSums()
    // Σxz, a row for each class, in standardised columns; the last class follows from the others.
    var crossed: [[Double]] = []
    for own in sums.dropLast() {
      crossed.append(
        own.sums.indices.map { (own.sums[$0] - Double(own.count) * whole.means[$0]) / whole.scales[$0] / count })
    }
    let rank = crossed.count
    let covariance = scatter.map { Double($0) / count }
    // Columns without spread of their own, or as many as rows: the pseudo-inverse.
    let tilted = Scatter.solve(covariance, size: width, right: Array(crossed.joined()))
    var inner = [Double](repeating: 0, count: rank * rank)
    for i in 0..<rank {
      for j in 0..<rank {
        inner[i * rank + j] = innerProduct(crossed[i], Array(tilted[j * width..<(j + 1) * width]))
      }
    }
    // (Σzx Σ⁺ Σxz)⁺ · tilted: solved for each column.
    let readers = Scatter.solve(
      inner, size: rank,
      right: (0..<width).flatMap { column in (0..<rank).map { tilted[$0 * width + column] } })
    mean = whole.means.map { Float($0) }
    directions = Matrix(rows: rank, columns: width) { target in
      for k in 0..<rank {
        for column in 0..<width { target[k * width + column] = Float(crossed[k][column] * whole.scales[column]) }
      }
    }
    self.readers = Matrix(rows: rank, columns: width) { target in
      for k in 0..<rank {
        for column in 0..<width {
          target[k * width + column] = Float(readers[column * rank + k] / whole.scales[column])
        }
      }
    }
  }

  /// The rows without the concept. 4 · rows · width · rank operations.
  public func apply(to rows: Matrix) -> Matrix {
    precondition(rows.columns == mean.count, "rows of \(rows.columns) for an eraser of \(mean.count)")
    let width = mean.count
    let offsets = readers.rows
    let bias = (0..<offsets).map { k -> Float in
      Float(-(0..<width).reduce(0.0) { $0 + Double(readers.elements[k * width + $1]) * Double(mean[$1]) })
    }
    let amounts = LinearClassifier(weights: readers, bias: bias).scores(of: rows)
    var result = rows
    result.withUnsafeMutableElements { elements in
      Threads.forRanges(0..<rows.rows, grain: 64) { some in
        for row in some {
          for k in 0..<offsets {
            let amount = amounts.elements[row * offsets + k]
            for column in 0..<width {
              elements[row * width + column] -= amount * directions.elements[k * width + column]
            }
          }
        }
      }
    }
    return result
  }
}
