import Foundation

/// Adam (Kingma and Ba 2015, arXiv 1412.6980) for a few thousand parameters, in double precision.
struct Adam {
  private var first: [Double]
  private var second: [Double]
  private var step = 0.0
  private let beta1 = 0.9
  private let beta2 = 0.999
  private let epsilon = 1e-8

  init(count: Int) {
    first = [Double](repeating: 0, count: count)
    second = first
  }

  mutating func update(_ parameters: inout [Double], gradient: [Double], rate: Double) {
    precondition(parameters.count == first.count && gradient.count == first.count, "\(gradient.count) parameters")
    step += 1
    let (correction1, correction2) = (1 - pow(beta1, step), 1 - pow(beta2, step))
    for index in parameters.indices {
      first[index] = beta1 * first[index] + (1 - beta1) * gradient[index]
      second[index] = beta2 * second[index] + (1 - beta2) * gradient[index] * gradient[index]
      parameters[index] -=
        rate * (first[index] / correction1) / ((second[index] / correction2).squareRoot() + epsilon)
    }
  }

  /// A rate that falls from `highest` to 0 along half a cosine.
  static func rate(_ highest: Double, step: Int, of steps: Int) -> Double {
    highest * 0.5 * (1 + cos(.pi * Double(step) / Double(max(steps, 1))))
  }
}
