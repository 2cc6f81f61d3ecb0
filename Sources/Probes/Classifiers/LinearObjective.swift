import Foundation
import LinearAlgebra

/// What a linear classifier pays for an example's scores.
enum LinearLoss {
  /// Cross-entropy of the logistic function, or of the softmax where there are more than two classes.
  case logistic
  /// max(0, 1 − y·s)² with y = ±1; with more than two classes summed over each class against the rest.
  case squaredHinge
}

/// One linear classifier to fit: which rows, which classes, how strongly held back.
struct LinearProblem {
  /// The class of each row, −1 where the row takes no part.
  var targets: [Int32]
  /// 2, with one column of weights; or more, with a column a class.
  var classes: Int
  var loss = LinearLoss.logistic
  /// scikit-learn's C: the weight of the examples' losses against the penalty.
  var strength: Double
  /// The share of ‖w‖₁ in the penalty; the rest is ½‖w‖².
  var l1Share = 0.0
  /// Whether the intercept is penalised as a weight is.
  var penalizesIntercept = false
  /// The weight of each class's examples; 1 where empty.
  var classWeights: [Double] = []
  /// What brings the columns of the rows that take part to mean 0 and standard deviation 1.
  var standardization: Standardization

  /// The columns of weights.
  var outputs: Int { classes == 2 ? 1 : classes }

  /// The sum of the weights of the rows that take part.
  var totalWeight: Double {
    guard !classWeights.isEmpty else { return Double(targets.count { $0 >= 0 }) }
    return targets.reduce(0) { $1 >= 0 ? $0 + classWeights[Int($1)] : $0 }
  }

  /// The factor of the penalty beside the mean loss.
  var penalty: Double { 1 / (strength * max(totalWeight, 1e-300)) }
}

/// The losses and gradients of several linear classifiers on the same rows, from one pass over them.
///
/// The mean loss plus the penalty over C n: scikit-learn's objective over its number of examples n and C, so that
/// tolerances mean the same. Of a penalty with an L1 share, value and gradient hold the smooth part alone. Parameters of a problem: the weights of its standardised columns,
/// output by output, then the intercepts. Standardisation is folded into the weights, (x − μ)/σ · w = x · (w/σ) − μ · w/σ,
/// and so costs nothing by row.
struct LinearObjective {
  let matrix: Matrix
  let rows: Range<Int>
  let problems: [LinearProblem]
  private let totals: [Double]

  init(matrix: Matrix, rows: Range<Int>, problems: [LinearProblem]) {
    self.matrix = matrix
    self.rows = rows
    self.problems = problems
    totals = problems.map(\.totalWeight)
  }

  struct Evaluation {
    var value: Double
    var gradient: [Double]
  }

  /// The weights and biases that read unstandardised rows.
  func classifier(_ problem: Int, parameters: [Double]) -> (weights: [Float], bias: [Float]) {
    let weightCount = problems[problem].outputs * matrix.columns
    let folded = problems[problem].standardization.classifier(
      weights: Array(parameters[..<weightCount]), bias: Array(parameters[weightCount...]))
    return (folded.weights.elements, folded.bias)
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
  static func meanLoss(_ scores: Matrix, targets: [Int32], kind: LinearLoss) -> Double {
    var sum = 0.0
    var count = 0
    var residuals = [Float](repeating: 0, count: scores.columns)
    scores.elements.withUnsafeBufferPointer { scores in
      for (row, target) in targets.enumerated() where target >= 0 {
        guard let base = scores.baseAddress else { return }
        sum += residuals.withUnsafeMutableBufferPointer { residuals in
          guard let out = residuals.baseAddress else { return 0 }
          return loss(kind, base + row * residuals.count, outputs: residuals.count, target: target, residuals: out)
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
    let kinds = active.map { problems[$0].loss }
    let weighting = active.map { problems[$0].classWeights }
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
                    sums.losses[place] += weightedLoss(
                      kinds[place], residualBase + first, outputs: outputCounts[place], target: target,
                      weights: weighting[place])
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
            outputCounts: outputCounts, bias: bias, active: active)
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
    outputCounts: [Int], bias: [Float], active: [Int]
  ) -> [Double] {
    let outputs = bias.count
    let kinds = active.map { problems[$0].loss }
    let weighting = active.map { problems[$0].classWeights }
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
              losses[place] += weightedLoss(
                kinds[place], rowScores + first, outputs: outputCounts[place], target: target,
                weights: weighting[place])
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
    let count = totals[problem] > 0 ? totals[problem] : 1
    let penalty = (1 - problems[problem].l1Share) / (problems[problem].strength * count)
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
      if problems[problem].penalizesIntercept {
        let intercept = point[outputs * width + output]
        squares += intercept * intercept
        gradient[outputs * width + output] += penalty * intercept
      }
    }
    return Evaluation(value: sums.losses[place] / count + penalty * squares / 2, gradient: gradient)
  }
}

extension LinearObjective.Sums {
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

/// One row's loss and its derivatives as `loss`, in place, times the weight of the row's class.
private func weightedLoss(
  _ kind: LinearLoss, _ scores: UnsafeMutablePointer<Float>, outputs: Int, target: Int32, weights: [Double]
) -> Double {
  let value = loss(kind, scores, outputs: outputs, target: target, residuals: scores)
  guard !weights.isEmpty else { return value }
  let weight = weights[Int(target)]
  for output in 0..<outputs { scores[output] *= Float(weight) }
  return weight * value
}

/// One row's loss (a cross-entropy in nats), and its derivative by each score (the residual), which may overwrite the
/// scores.
private func loss(
  _ kind: LinearLoss, _ scores: UnsafePointer<Float>, outputs: Int, target: Int32,
  residuals: UnsafeMutablePointer<Float>
) -> Double {
  if kind == .squaredHinge {
    var sum = 0.0
    for output in 0..<outputs {
      let sign: Double = (outputs == 1 ? target == 1 : Int(target) == output) ? 1 : -1
      let short = max(0, 1 - sign * Double(scores[output]))
      residuals[output] = Float(-2 * sign * short)
      sum += short * short
    }
    return sum
  }
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
