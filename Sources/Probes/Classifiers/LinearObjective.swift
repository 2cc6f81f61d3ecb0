import Foundation
import LinearAlgebra

/// The losses and gradients of several linear classifiers on the same rows, from one pass over them.
///
/// The mean loss plus the penalty over C n: scikit-learn's objective over its number of examples n and C, so that
/// tolerances mean the same. Of a penalty with an L1 share, value and gradient hold the smooth part alone. Parameters of a
/// problem: the weights of its standardised columns, output by output, then the intercepts. Standardisation is folded
/// into the weights, (x − μ)/σ · w = x · (w/σ) − μ · w/σ, and so costs nothing by row.
struct LinearObjective {
  let matrix: ExampleMatrix
  let problems: [LinearProblem]
  private let totals: [Double]
  private let targets: [LossTargets]

  init(matrix: ExampleMatrix, problems: [LinearProblem]) {
    self.matrix = matrix
    self.problems = problems
    totals = problems.map(\.totalWeight)
    var targets: [LossTargets] = []
    for (number, problem) in problems.enumerated() {
      // A fold's problems differ in their strength alone.
      if number > 0, problems[number - 1].targets == problem.targets, problems[number - 1].loss == problem.loss,
        problems[number - 1].classWeights == problem.classWeights
      {
        targets.append(targets[number - 1])
      } else {
        targets.append(
          LossTargets(
            problem.targets, classes: problem.classes, loss: problem.loss, classWeights: problem.classWeights))
      }
    }
    self.targets = targets
  }

  struct Evaluation {
    var value: Double
    var gradient: [Double]
  }

  /// The classifier of unstandardised rows that some parameters of a problem mean.
  func classifier(_ problem: Int, parameters: [Double]) -> LinearClassifier {
    problems[problem].standardization.classifier(parameters: parameters, outputs: problems[problem].outputs)
  }

  /// The mean loss of scores, [rows, outputs], over the rows with a target that is no −1, each counted as the weights say.
  static func meanLoss(
    _ scores: Matrix, targets: [Int32], kind: LinearLoss, classWeights: ClassWeights = .none
  ) -> Double {
    let outputs = scores.columns
    let classes = outputs == 1 ? 2 : outputs
    let weights = classWeights.weights(of: targets, classes: classes)
    let total = targets.reduce(0.0) { $1 < 0 ? $0 : $0 + (weights.isEmpty ? 1 : weights[Int($1)]) }
    guard total > 0 else { return 0 }
    let own = LossTargets(targets, classes: classes, loss: kind, classWeights: weights)
    var turned = scores.transposed().elements
    let biases = [Float](repeating: 0, count: outputs)
    var residuals = [Double](repeating: 0, count: outputs)
    let sum = turned.withUnsafeMutableBufferPointer { scores in
      biases.withUnsafeBufferPointer { biases in
        residuals.withUnsafeMutableBufferPointer { residuals -> Double in
          guard let scores = scores.baseAddress, let bias = biases.baseAddress, let residual = residuals.baseAddress
          else { return 0 }
          return own.losses(
            kind, scores, stride: targets.count, biases: bias, first: 0, count: targets.count, residuals: residual)
        }
      }
    }
    return sum / total
  }

  /// The weights that read unstandardised rows of some problems' outputs, one below the other.
  private struct Readers {
    var weights: [Float]
    var bias: [Float]
    /// Each problem's first output.
    var first: [Int]

    init(_ objective: LinearObjective, _ active: [Int], points: [[Double]]) {
      let width = objective.matrix.columns
      first = []
      var outputs = 0
      for problem in active {
        first.append(outputs)
        outputs += objective.problems[problem].outputs
      }
      weights = [Float](repeating: 0, count: outputs * width)
      bias = [Float](repeating: 0, count: outputs)
      let starts = first
      weights.withUnsafeMutableBufferPointer { weights in
        bias.withUnsafeMutableBufferPointer { bias in
          nonisolated(unsafe) let (weights, bias) = (weights, bias)
          Threads.forEach(active.count) { place in
            let problem = objective.problems[active[place]]
            problem.standardization.fold(
              points[place], outputs: problem.outputs,
              weights: UnsafeMutableBufferPointer(rebasing: weights[(starts[place] * width)...]),
              bias: UnsafeMutableBufferPointer(rebasing: bias[starts[place]...]))
          }
        }
      }
    }
  }

  /// Every row's scores for some problems, from one pass over the rows: [rows, outputs] each.
  func scores(_ active: [Int], points: [[Double]]) -> [Matrix] {
    let readers = Readers(self, active, points: points)
    let outputs = readers.bias.count
    let all = LinearClassifier(
      weights: Matrix(rows: outputs, columns: matrix.columns, elements: readers.weights), bias: readers.bias
    ).scores(of: matrix)
    return active.indices.map { place in
      let (first, own) = (readers.first[place], problems[active[place]].outputs)
      return own == outputs ? all : all.selectingColumns(first..<first + own)
    }
  }

  /// Evaluates some of the problems at their points, in one pass over the rows.
  func evaluate(_ active: [Int], points: [[Double]]) -> [Evaluation] {
    let readers = Readers(self, active, points: points)
    let sums = sums(active, readers)
    var results = [Evaluation?](repeating: nil, count: active.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      Threads.forEach(active.count) { place in
        results[place] = finish(
          active[place], point: points[place], sums: sums, place: place, firstOutput: readers.first[place])
      }
    }
    return results.compactMap(\.self)
  }

  /// Sums over a chunk of rows: each problem's loss, each output's residuals, and residual times row.
  private struct Sums {
    var losses: [Double]
    var residuals: [Double]
    var products: [Double]  // [outputs, width]

    init(problems: Int, outputs: Int, width: Int) {
      losses = [Double](repeating: 0, count: problems)
      residuals = [Double](repeating: 0, count: outputs)
      products = [Double](repeating: 0, count: outputs * width)
    }
  }

  /// The sums of each chunk of rows. A thread takes a chunk and works through it in blocks that stay in cache between the
  /// two products; with few outputs in shorter ones, by vector products.
  private func sums(_ active: [Int], _ readers: Readers) -> [Sums] {
    let width = matrix.columns
    let outputs = readers.bias.count
    let isNarrow = outputs <= 4
    let blockRows = isNarrow ? max(8, min(64, (1 << 16) / max(width, 1))) : 512
    // Partial sums of at most 64 MiB.
    let chunks = RowChunks(count: matrix.rows, most: max(4, min(16, (8 << 20) / max(outputs * width, 1))))
    var partial = [Sums?](repeating: nil, count: chunks.chunks)
    partial.withUnsafeMutableBufferPointer { partial in
      nonisolated(unsafe) let partial = partial
      matrix.withUnsafeElements { elements in
        readers.weights.withUnsafeBufferPointer { weights in
          chunks.share { chunk, range in
            guard let matrixBase = elements.baseAddress, let weightBase = weights.baseAddress else { return }
            var sums = Sums(problems: active.count, outputs: outputs, width: width)
            var scores = [Float](repeating: 0, count: outputs * min(blockRows, range.count))
            var products = [Float](repeating: 0, count: outputs * width)
            for start in stride(from: range.lowerBound, to: range.upperBound, by: blockRows) {
              let count = min(blockRows, range.upperBound - start)
              let block = matrixBase + start * width
              scores.withUnsafeMutableBufferPointer { scores in
                products.withUnsafeMutableBufferPointer { products in
                  guard let score = scores.baseAddress, let product = products.baseAddress else { return }
                  // scores[outputs, count] = weights[outputs, width] · block[count, width]ᵀ
                  if isNarrow {
                    for row in 0..<count {
                      for output in 0..<outputs {
                        score[output * count + row] = Kernels.dot(
                          block + row * width, weightBase + output * width, count: width)
                      }
                    }
                  } else {
                    gemm(
                      m: outputs, n: count, k: width, a: weightBase, aStride: width, b: block, bStride: width,
                      transposeB: true, c: score, cStride: count)
                  }
                  takeLosses(active, readers, scores: score, first: start, count: count, into: &sums)
                  // products[outputs, width] = residuals[outputs, count] · block[count, width]
                  if isNarrow {
                    products.update(repeating: 0)
                    for row in 0..<count {
                      for output in 0..<outputs where score[output * count + row] != 0 {
                        Kernels.axpy(
                          score[output * count + row], block + row * width, into: product + output * width,
                          count: width)
                      }
                    }
                  } else {
                    gemm(
                      m: outputs, n: width, k: count, a: score, aStride: count, b: block, bStride: width, c: product,
                      cStride: width)
                  }
                  // Float32 sums of few rows, float64 sums of those.
                  sums.products.withUnsafeMutableBufferPointer { sums in
                    for index in sums.indices { sums[index] += Double(products[index]) }
                  }
                }
              }
            }
            partial[chunk] = sums
          }
        }
      }
    }
    return partial.compactMap(\.self)
  }

  /// Turns a block's scores, [outputs, count], into residuals in place and adds up the losses.
  private func takeLosses(
    _ active: [Int], _ readers: Readers, scores: UnsafeMutablePointer<Float>, first: Int, count: Int,
    into sums: inout Sums
  ) {
    var residuals = [Double](repeating: 0, count: readers.bias.count)
    residuals.withUnsafeMutableBufferPointer { residuals in
      readers.bias.withUnsafeBufferPointer { bias in
        guard let residual = residuals.baseAddress, let bias = bias.baseAddress else { return }
        for (place, problem) in active.enumerated() {
          let output = readers.first[place]
          sums.losses[place] += targets[problem].losses(
            problems[problem].loss, scores + output * count, stride: count, biases: bias + output, first: first,
            count: count, residuals: residual + output)
        }
      }
    }
    for output in residuals.indices { sums.residuals[output] += residuals[output] }
  }

  /// From sums over rows to the objective in the parameters of the standardised columns.
  private func finish(
    _ problem: Int, point: [Double], sums: [Sums], place: Int, firstOutput: Int
  ) -> Evaluation {
    let width = matrix.columns
    let outputs = problems[problem].outputs
    let standardization = problems[problem].standardization
    let count = totals[problem] > 0 ? totals[problem] : 1
    let penalty = (1 - problems[problem].l1Share) / (problems[problem].strength * count)
    let loss = sums.reduce(0) { $0 + $1.losses[place] }
    var squares = 0.0
    let gradient = [Double](unsafeUninitializedCapacity: outputs * (width + 1)) { gradient, used in
      gradient.initialize(repeating: 0)
      used = outputs * (width + 1)
      for sums in sums {
        sums.products.withUnsafeBufferPointer { products in
          let start = firstOutput * width
          for index in 0..<outputs * width { gradient[index] += products[start + index] }
        }
      }
      standardization.means.withUnsafeBufferPointer { means in
        standardization.scales.withUnsafeBufferPointer { scales in
          point.withUnsafeBufferPointer { point in
            for output in 0..<outputs {
              let residual = sums.reduce(0) { $0 + $1.residuals[firstOutput + output] }
              let start = output * width
              for column in 0..<width {
                let weight = point[start + column]
                squares += weight * weight
                gradient[start + column] =
                  (gradient[start + column] - means[column] * residual) / (scales[column] * count) + penalty * weight
              }
              gradient[outputs * width + output] = residual / count
              if problems[problem].penalizesIntercept {
                let intercept = point[outputs * width + output]
                squares += intercept * intercept
                gradient[outputs * width + output] += penalty * intercept
              }
            }
          }
        }
      }
    }
    return Evaluation(value: loss / count + penalty * squares / 2, gradient: gradient)
  }
}
