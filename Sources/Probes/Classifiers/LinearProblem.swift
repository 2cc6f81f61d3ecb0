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

  /// The second derivative of the mean loss by a score where all scores are 0: what the curvature begins with.
  var initialCurvature: Double {
    if loss == .squaredHinge { return 2 }
    return classes == 2 ? 0.25 : (1 - 1 / Double(classes)) / Double(classes)
  }
}

/// The examples of a problem as the loss kernels read them.
enum LossTargets {
  /// For each output every row's ±1 times its weight, 0 where the row takes no part.
  case signs([[Float]])
  /// Every row's class and weight.
  case softmax(classes: Int, [Int32], weights: [Float])

  init(_ targets: [Int32], classes: Int, loss: LinearLoss, classWeights: [Double]) {
    let own = classWeights.map { Float($0) }
    func weight(_ target: Int32) -> Float { target < 0 ? 0 : own.isEmpty ? 1 : own[Int(target)] }
    if classes == 2 {
      self = .signs([targets.map { $0 == 1 ? weight($0) : -weight($0) }])
    } else if loss == .squaredHinge {
      self = .signs((0..<Int32(classes)).map { c in targets.map { $0 == c ? weight($0) : -weight($0) } })
    } else {
      self = .softmax(classes: classes, targets, weights: targets.map(weight))
    }
  }

  /// The loss of some rows' scores, [outputs, rows] with the outputs `stride` apart; the derivatives overwrite them.
  ///
  /// - Parameters:
  ///   - biases: one an output, added to the scores.
  ///   - first: the first of those rows.
  ///   - residuals: takes each output's sum of derivatives.
  func losses(
    _ kind: LinearLoss, _ scores: UnsafeMutablePointer<Float>, stride: Int, biases: UnsafePointer<Float>, first: Int,
    count: Int, residuals: UnsafeMutablePointer<Double>
  ) -> Double {
    switch self {
    case .signs(let signs):
      var sum = 0.0
      for output in signs.indices {
        signs[output].withUnsafeBufferPointer { signs in
          guard let base = signs.baseAddress else { return }
          let own =
            kind == .logistic
            ? Kernels.logisticLosses(
              scores + output * stride, bias: biases[output], signs: base + first, count: count)
            : Kernels.squaredHingeLosses(
              scores + output * stride, bias: biases[output], signs: base + first, count: count)
          residuals[output] = own.residual
          sum += own.loss
        }
      }
      return sum
    case .softmax(let classes, let targets, let weights):
      return targets.withUnsafeBufferPointer { targets in
        weights.withUnsafeBufferPointer { weights in
          guard let target = targets.baseAddress, let weight = weights.baseAddress else { return 0 }
          return Kernels.softmaxLosses(
            scores, classes: classes, stride: stride, biases: biases, targets: target + first,
            weights: weight + first, count: count, residuals: residuals)
        }
      }
    }
  }
}
