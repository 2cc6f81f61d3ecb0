/// Minimises a smooth function plus λ‖x‖₁ by the orthant-wise limited-memory quasi-Newton method (OWL-QN: Andrew & Gao,
/// Scalable training of L1-regularized log-linear models, ICML 2007).
///
/// Within an orthant the L1 norm is linear, so each step is that of L-BFGS, kept from crossing any axis: a weight that
/// would change its sign becomes exactly 0.
struct OrthantWise: Minimizer {
  private(set) var point: [Double]
  private(set) var state = MinimizerState.running
  private(set) var iterations = 0
  private(set) var accepted: [Double]
  /// The function with its L1 term.
  private(set) var value = Double.infinity
  private var gradient: [Double] = []
  private var pseudoGradient: [Double] = []

  /// λ, and the number of leading components that it holds for.
  let lambda: Double
  let penalized: Int
  let tolerance: Double
  let maximumIterations: Int
  private var memory = CurvatureMemory()
  private var direction: [Double] = []
  private var orthant: [Double] = []
  private var step = 1.0
  private var trials = 0
  private var flatIterations = 0
  private var leastNorm = Double.infinity

  init(start: [Double], lambda: Double, penalized: Int, tolerance: Double, maximumIterations: Int) {
    point = start
    accepted = start
    self.lambda = lambda
    self.penalized = penalized
    self.tolerance = tolerance
    self.maximumIterations = maximumIterations
  }

  var gradientNorm: Double { pseudoGradient.reduce(0) { max($0, abs($1)) } }

  mutating func receive(value smooth: Double, gradient newGradient: [Double]) {
    precondition(state == .running, "the minimisation has ended")
    let newValue = smooth + lambda * point[..<penalized].reduce(0) { $0 + abs($1) }
    guard !gradient.isEmpty else {
      value = newValue
      gradient = newGradient
      updatePseudoGradient()
      if gradientNorm <= tolerance { state = .converged } else { startLine() }
      return
    }
    trials += 1
    var expected = 0.0
    for index in point.indices { expected += pseudoGradient[index] * (point[index] - accepted[index]) }
    let falls = newValue <= value + 1e-4 * expected + 1e-11 * abs(value)
    // Where values differ by rounding alone the slope at the trial tells, as in `LBFGS` (Hager & Zhang 2005): within the
    // orthant the whole is smooth, and of a convex function that still falls there, or rises less than it fell, it is less.
    let level = newValue <= value + 1e-7 * abs(value) && slope(newGradient) <= (2e-4 - 1) * expected
    guard newValue.isFinite, falls || level else {
      if trials < 40 {
        step *= 0.5
        movePoint()
      } else if memory.isEmpty {
        state = .flat
      } else {
        memory.removeAll()
        startLine()
      }
      return
    }
    iterations += 1
    var s = point
    var y = newGradient
    for index in s.indices {
      s[index] -= accepted[index]
      y[index] -= gradient[index]
    }
    memory.add(step: s, change: y)
    let isFlat = value - newValue <= 1e-12 * max(abs(value), 1e-3)
    accepted = point
    value = newValue
    gradient = newGradient
    updatePseudoGradient()
    // A flat value is no end as long as the gradient shrinks.
    let norm = gradientNorm
    flatIterations = isFlat && norm > 0.99 * leastNorm ? flatIterations + 1 : 0
    leastNorm = min(leastNorm, norm)
    if norm <= tolerance {
      state = .converged
    } else if flatIterations >= 40 {
      state = .flat
    } else if iterations >= maximumIterations {
      state = .outOfIterations
    } else {
      startLine()
    }
  }

  /// The slope at the trial along the way to it, in the orthant.
  private func slope(_ newGradient: [Double]) -> Double {
    var sum = 0.0
    for index in point.indices {
      let sign = index < penalized && orthant[index] != 0 ? (orthant[index] > 0 ? lambda : -lambda) : 0
      sum += (newGradient[index] + sign) * (point[index] - accepted[index])
    }
    return sum
  }

  /// The subgradient of least length: at 0, what remains of the slope beyond ±λ.
  private mutating func updatePseudoGradient() {
    pseudoGradient = gradient
    for index in 0..<penalized {
      let slope = gradient[index]
      if accepted[index] > 0 {
        pseudoGradient[index] = slope + lambda
      } else if accepted[index] < 0 {
        pseudoGradient[index] = slope - lambda
      } else {
        pseudoGradient[index] = slope + lambda < 0 ? slope + lambda : slope - lambda > 0 ? slope - lambda : 0
      }
    }
  }

  private mutating func startLine() {
    direction = memory.applied(to: pseudoGradient)
    // Only components that go downhill.
    for index in direction.indices {
      direction[index] = direction[index] * pseudoGradient[index] > 0 ? -direction[index] : 0
    }
    orthant = pseudoGradient.map { -$0 }
    for index in 0..<penalized where accepted[index] != 0 { orthant[index] = accepted[index] }
    step = memory.isEmpty ? min(1, 1 / max(innerProduct(direction, direction).squareRoot(), 1e-300)) : 1
    trials = 0
    movePoint()
  }

  private mutating func movePoint() {
    for index in point.indices {
      let moved = accepted[index] + step * direction[index]
      point[index] = index < penalized && moved * orthant[index] <= 0 ? 0 : moved
    }
  }
}
