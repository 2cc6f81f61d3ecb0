import CKernels

/// What linear classifiers pay for the scores of many examples, with the derivatives, on the calling thread.
extension Kernels {
  /// Σ |w|·log(1 + exp(−y·s)), y the sign and |w| the magnitude of an example's entry in `signs` (0 leaves it out), s its
  /// score and the bias.
  ///
  /// - Returns: the loss, and the sum of the derivatives by the scores, which overwrite the scores.
  package static func logisticLosses(
    _ scores: UnsafeMutablePointer<Float>, bias: Float, signs: UnsafePointer<Float>, count: Int
  ) -> (loss: Double, residual: Double) {
    var residual = 0.0
    let loss = unfold_logistic_losses(scores, bias, signs, count, &residual)
    return (loss, residual)
  }

  /// Σ |w|·max(0, 1 − y·s)², as `logisticLosses`.
  package static func squaredHingeLosses(
    _ scores: UnsafeMutablePointer<Float>, bias: Float, signs: UnsafePointer<Float>, count: Int
  ) -> (loss: Double, residual: Double) {
    var residual = 0.0
    let loss = unfold_squared_hinge_losses(scores, bias, signs, count, &residual)
    return (loss, residual)
  }

  /// The cross-entropy of softmaxes, each example's times its weight.
  ///
  /// - Parameters:
  ///   - scores: [classes, count], the classes `stride` apart; the derivatives by them overwrite them.
  ///   - targets: each example's class; a negative one leaves it out.
  ///   - residuals: takes each class's sum of derivatives.
  package static func softmaxLosses(
    _ scores: UnsafeMutablePointer<Float>, classes: Int, stride: Int, biases: UnsafePointer<Float>,
    targets: UnsafePointer<Int32>, weights: UnsafePointer<Float>, count: Int, residuals: UnsafeMutablePointer<Double>
  ) -> Double {
    unfold_softmax_losses(scores, classes, stride, biases, targets, weights, count, residuals)
  }
}
