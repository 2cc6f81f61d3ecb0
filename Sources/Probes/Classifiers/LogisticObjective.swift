import Foundation
import LinearAlgebra

/// One logistic regression to fit: which rows, which classes, how strongly held back.
struct LogisticProblem {
  /// The class of each row, −1 where the row takes no part.
  var targets: [Int32]
  /// 2, with one column of weights; or more, with a column a class.
  var classes: Int
  /// scikit-learn's C: the weight of the examples' losses against ½‖w‖².
  var strength: Double
  /// What brings the columns of the rows that take part to mean 0 and standard deviation 1.
  var standardization: Standardization

  /// The columns of weights.
  var outputs: Int { classes == 2 ? 1 : classes }
}

/// The losses and gradients of several logistic regressions on the same rows, from one pass over them.
///
/// The mean loss plus ‖w‖² / (2 C n), scikit-learn's objective over its number of examples n and C, so that tolerances
/// mean the same. The intercept is not penalised. Parameters of a problem: the weights of its standardised columns,
/// output by output, then the intercepts. Standardisation is folded into the weights, (x − μ)/σ · w = x · (w/σ) − μ · w/σ,
/// and so costs nothing by row.
struct LogisticObjective {
  let matrix: Matrix
  let rows: Range<Int>
  let problems: [LogisticProblem]
  private let counts: [Int]

  init(matrix: Matrix, rows: Range<Int>, problems: [LogisticProblem]) {
    self.matrix = matrix
    self.rows = rows
    self.problems = problems
    counts = problems.map { problem in problem.targets.count { $0 >= 0 } }
  }

  struct Evaluation {
    var value: Double
    var gradient: [Double]
  }

  /// The weights and biases that read unstandardised rows.
  func classifier(_ problem: Int, parameters: [Double]) -> (weights: [Float], bias: [Float]) {
    let width = matrix.columns
    let outputs = problems[problem].outputs
    let standardization = problems[problem].standardization
    var weights = [Float](repeating: 0, count: outputs * width)
    var bias = [Float](repeating: 0, count: outputs)
    for output in 0..<outputs {
      var shift = 0.0
      for column in 0..<width {
        let weight = parameters[output * width + column] / standardization.scales[column]
        weights[output * width + column] = Float(weight)
        // With the rounded weight, so that what rounding changes is the direction and not the threshold too.
        shift += Double(Float(weight)) * standardization.means[column]
      }
      bias[output] = Float(parameters[outputs * width + output] - shift)
    }
    return (weights, bias)
  }

  /// Every row's scores for one problem, [rows, outputs].
  func scores(_ problem: Int, parameters: [Double]) -> Matrix {
    let (weights, bias) = classifier(problem, parameters: parameters)
    let outputs = problems[problem].outputs
    return LinearClassifier(
      weights: Matrix(rows: outputs, columns: matrix.columns, elements: weights), bias: bias
    ).scores(of: matrix, in: rows)
  }

  /// The mean loss of a problem's scores over the rows with a target in `targets`.
  static func meanLoss(_ scores: Matrix, targets: [Int32]) -> Double {
    var sum = 0.0
    var count = 0
    var residuals = [Float](repeating: 0, count: scores.columns)
    scores.elements.withUnsafeBufferPointer { scores in
      for (row, target) in targets.enumerated() where target >= 0 {
        guard let base = scores.baseAddress else { return }
        sum += residuals.withUnsafeMutableBufferPointer { residuals in
          guard let out = residuals.baseAddress else { return 0 }
          return loss(base + row * residuals.count, outputs: residuals.count, target: target, residuals: out)
        }
        count += 1
      }
    }
    return count > 0 ? sum / Double(count) : 0
  }

  /// Evaluates some of the problems at their points, in one pass over the rows.
  func evaluate(_ active: [Int], points: [[Double]]) -> [Evaluation] {
    // The weights of all outputs of all problems, one row of `width` each.
    var weights: [Float] = []
    var bias: [Float] = []
    var firstOutput: [Int] = []
    for (place, problem) in active.enumerated() {
      firstOutput.append(bias.count)
      let folded = classifier(problem, parameters: points[place])
      weights += folded.weights
      bias += folded.bias
    }
    let sums =
      bias.count <= 4
      ? sumsByRow(active, firstOutput: firstOutput, weights: weights, bias: bias)
      : sumsByBlock(active, firstOutput: firstOutput, weights: weights, bias: bias)
    return active.indices.map { place in
      finish(active[place], point: points[place], sums: sums, place: place, firstOutput: firstOutput[place])
    }
  }

  /// Sums over rows: each problem's loss, each output's residuals, and residual times row.
  fileprivate struct Sums {
    var losses: [Double]
    var residuals: [Double]
    var products: [Double]  // [outputs, width]

    init(problems: Int, outputs: Int, width: Int) {
      losses = [Double](repeating: 0, count: problems)
      residuals = [Double](repeating: 0, count: outputs)
      products = [Double](repeating: 0, count: outputs * width)
    }

    mutating func add(_ other: Sums) {
      for index in losses.indices { losses[index] += other.losses[index] }
      for index in residuals.indices { residuals[index] += other.residuals[index] }
      products.withUnsafeMutableBufferPointer { products in
        other.products.withUnsafeBufferPointer { other in
          for index in products.indices { products[index] += other[index] }
        }
      }
    }
  }

  /// For few outputs: each row is read once, while it lies in the first cache.
  private func sumsByRow(_ active: [Int], firstOutput: [Int], weights: [Float], bias: [Float]) -> Sums {
    let width = matrix.columns
    let outputs = bias.count
    let chunks = RowChunks(count: rows.count)
    let targets = active.map { problems[$0].targets }
    let outputCounts = active.map { problems[$0].outputs }
    var partial = [Sums?](repeating: nil, count: chunks.chunks)
    partial.withUnsafeMutableBufferPointer { partial in
      matrix.elements.withUnsafeBufferPointer { elements in
        weights.withUnsafeBufferPointer { weights in
          chunks.share { chunk, range in
            guard let matrixBase = elements.baseAddress, let weightBase = weights.baseAddress else { return }
            var sums = Sums(problems: active.count, outputs: outputs, width: width)
            var products = [Float](repeating: 0, count: outputs * width)
            var residuals = [Float](repeating: 0, count: outputs)
            products.withUnsafeMutableBufferPointer { products in
              residuals.withUnsafeMutableBufferPointer { residuals in
                guard let productBase = products.baseAddress, let residualBase = residuals.baseAddress else { return }
                var unflushed = 0
                for row in range {
                  let values = matrixBase + (row + rows.lowerBound) * width
                  for place in targets.indices {
                    let target = targets[place][row]
                    guard target >= 0 else { continue }
                    let first = firstOutput[place]
                    for output in first..<first + outputCounts[place] {
                      residualBase[output] =
                        Kernels.dot(values, weightBase + output * width, count: width) + bias[output]
                    }
                    sums.losses[place] += loss(
                      residualBase + first, outputs: outputCounts[place], target: target,
                      residuals: residualBase + first)
                    for output in first..<first + outputCounts[place] {
                      addScaled(residualBase[output], values, to: productBase + output * width, count: width)
                      sums.residuals[output] += Double(residualBase[output])
                    }
                  }
                  // Float32 sums of few rows, float64 sums of those.
                  unflushed += 1
                  if unflushed == 64 {
                    sums.flush(products)
                    unflushed = 0
                  }
                }
                sums.flush(products)
              }
            }
            partial[chunk] = sums
          }
        }
      }
    }
    var total = Sums(problems: active.count, outputs: outputs, width: width)
    for case let sums? in partial { total.add(sums) }
    return total
  }

  /// For many outputs: blocks of rows that stay in cache between the two products.
  private func sumsByBlock(_ active: [Int], firstOutput: [Int], weights: [Float], bias: [Float]) -> Sums {
    let width = matrix.columns
    let outputs = bias.count
    let targets = active.map { problems[$0].targets }
    let outputCounts = active.map { problems[$0].outputs }
    var total = Sums(problems: active.count, outputs: outputs, width: width)
    let blockRows = max(64, min(rows.count, (1 << 20) / max(width, 1)))
    var residuals = [Float](repeating: 0, count: blockRows * outputs)
    var products = [Float](repeating: 0, count: outputs * width)
    matrix.elements.withUnsafeBufferPointer { elements in
      guard let matrixBase = elements.baseAddress else { return }
      var start = 0
      while start < rows.count {
        let count = min(blockRows, rows.count - start)
        let block = matrixBase + (rows.lowerBound + start) * width
        residuals.withUnsafeMutableBufferPointer { residuals in
          guard let residualBase = residuals.baseAddress else { return }
          // residuals[count, outputs] = block[count, width] · weights[outputs, width]ᵀ
          weights.withUnsafeBufferPointer { weights in
            guard let weightBase = weights.baseAddress else { return }
            gemm(
              m: count, n: outputs, k: width, a: block, aStride: width, b: weightBase, bStride: width,
              transposeB: true, c: residualBase, cStride: outputs)
          }
          let losses = lossesAndResiduals(
            residualBase, start: start, count: count, targets: targets, firstOutput: firstOutput,
            outputCounts: outputCounts, bias: bias)
          for place in losses.indices { total.losses[place] += losses[place] }
          for row in 0..<count {
            for output in 0..<outputs { total.residuals[output] += Double(residualBase[row * outputs + output]) }
          }
          // products[outputs, width] = residuals[count, outputs]ᵀ · block[count, width]
          products.withUnsafeMutableBufferPointer { products in
            guard let productBase = products.baseAddress else { return }
            gemm(
              m: outputs, n: width, k: count, a: residualBase, aStride: outputs, transposeA: true, b: block,
              bStride: width, c: productBase, cStride: width)
            total.flush(products)
          }
        }
        start += count
      }
    }
    return total
  }

  /// Turns a block's scores into residuals in place and sums each problem's loss.
  private func lossesAndResiduals(
    _ scores: UnsafeMutablePointer<Float>, start: Int, count: Int, targets: [[Int32]], firstOutput: [Int],
    outputCounts: [Int], bias: [Float]
  ) -> [Double] {
    let outputs = bias.count
    let chunks = RowChunks(count: count)
    var partial = [[Double]](repeating: [], count: chunks.chunks)
    partial.withUnsafeMutableBufferPointer { partial in
      chunks.share { chunk, range in
        var losses = [Double](repeating: 0, count: targets.count)
        for row in range {
          let rowScores = scores + row * outputs
          for place in targets.indices {
            let first = firstOutput[place]
            let target = targets[place][start + row]
            if target >= 0 {
              for output in first..<first + outputCounts[place] { rowScores[output] += bias[output] }
              losses[place] += loss(
                rowScores + first, outputs: outputCounts[place], target: target, residuals: rowScores + first)
            } else {
              for output in first..<first + outputCounts[place] { rowScores[output] = 0 }
            }
          }
        }
        partial[chunk] = losses
      }
    }
    var result = [Double](repeating: 0, count: targets.count)
    for losses in partial {
      for place in result.indices { result[place] += losses[place] }
    }
    return result
  }

  /// From sums over rows to the objective in the parameters of the standardised columns.
  private func finish(
    _ problem: Int, point: [Double], sums: Sums, place: Int, firstOutput: Int
  ) -> Evaluation {
    let width = matrix.columns
    let outputs = problems[problem].outputs
    let standardization = problems[problem].standardization
    let count = Double(max(counts[problem], 1))
    let penalty = 1 / (problems[problem].strength * count)
    var gradient = [Double](repeating: 0, count: outputs * (width + 1))
    var squares = 0.0
    for output in 0..<outputs {
      let residual = sums.residuals[firstOutput + output]
      let products = (firstOutput + output) * width
      for column in 0..<width {
        let weight = point[output * width + column]
        squares += weight * weight
        gradient[output * width + column] =
          (sums.products[products + column] - standardization.means[column] * residual)
          / standardization.scales[column] / count + penalty * weight
      }
      gradient[outputs * width + output] = residual / count
    }
    return Evaluation(value: sums.losses[place] / count + penalty * squares / 2, gradient: gradient)
  }
}

extension LogisticObjective.Sums {
  /// Moves float32 sums into the float64 ones.
  fileprivate mutating func flush(_ products: UnsafeMutableBufferPointer<Float>) {
    self.products.withUnsafeMutableBufferPointer { sums in
      for index in sums.indices {
        sums[index] += Double(products[index])
        products[index] = 0
      }
    }
  }
}

/// result += factor · values, for one row: too short to share among threads.
@inline(__always)
private func addScaled(
  _ factor: Float, _ values: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, count: Int
) {
  var index = 0
  while index + 16 <= count {
    let row = UnsafeRawPointer(values + index).loadUnaligned(as: SIMD16<Float>.self)
    let sum = UnsafeRawPointer(result + index).loadUnaligned(as: SIMD16<Float>.self)
    UnsafeMutableRawPointer(result + index).storeBytes(of: sum + factor * row, as: SIMD16<Float>.self)
    index += 16
  }
  while index < count {
    result[index] += factor * values[index]
    index += 1
  }
}

/// One row's cross-entropy in nats, and its derivative by each score (the residual), which may overwrite the scores.
private func loss(
  _ scores: UnsafePointer<Float>, outputs: Int, target: Int32, residuals: UnsafeMutablePointer<Float>
) -> Double {
  if outputs == 1 {
    // log(1 + exp(∓z)) without overflow.
    let z = Double(scores[0])
    let small = exp(-abs(z))
    let probability = z >= 0 ? 1 / (1 + small) : small / (1 + small)
    let softplus = max(z, 0) + log1p(small)
    residuals[0] = Float(probability - Double(target))
    return softplus - (target == 1 ? z : 0)
  }
  var largest = scores[0]
  for output in 1..<outputs { largest = max(largest, scores[output]) }
  let targetScore = Double(scores[Int(target)] - largest)
  var sum = 0.0
  for output in 0..<outputs {
    let value = exp(Double(scores[output] - largest))
    residuals[output] = Float(value)
    sum += value
  }
  for output in 0..<outputs { residuals[output] = Float(Double(residuals[output]) / sum) }
  residuals[Int(target)] -= 1
  return log(sum) - targetScore
}
