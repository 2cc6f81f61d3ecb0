/// Minimises a smooth function by the limited-memory BFGS method (Nocedal & Wright, Numerical Optimization, 7.2).
///
/// A step must satisfy the weak Wolfe conditions.
struct LBFGS: Minimizer {
  private(set) var point: [Double]
  private(set) var state = MinimizerState.running
  private(set) var iterations = 0
  private(set) var accepted: [Double]
  private(set) var value = Double.infinity
  private(set) var gradient: [Double] = []

  let tolerance: Double
  let maximumIterations: Int
  private var memory = CurvatureMemory()
  /// Whether an approximate inverse Hessian is applied to gradients, and what it made of that at the accepted point.
  private var isPreconditioned = false
  private var conditioned: [Double]?
  private var lastStep: (s: [Double], y: [Double])?
  private(set) var unconditioned: [Double]?
  private var direction: [Double] = []
  private var slope = 0.0

  /// The line search's bracket: `low` falls enough but is still steep, `high` is too far.
  private var low = Trial(step: 0, value: 0, slope: 0)
  private var high: Trial?
  private var step = 0.0
  private var trials = 0
  private var flatIterations = 0

  private struct Trial {
    var step: Double
    var value: Double
    var slope: Double
  }

  init(start: [Double], tolerance: Double, maximumIterations: Int) {
    point = start
    accepted = start
    self.tolerance = tolerance
    self.maximumIterations = maximumIterations
  }

  /// The largest component of the gradient at the accepted point.
  var gradientNorm: Double { gradient.reduce(0) { max($0, abs($1)) } }

  /// Takes the function's value and gradient at `point` and moves `point` on.
  mutating func receive(value newValue: Double, gradient newGradient: [Double]) {
    precondition(state == .running, "the minimisation has ended")
    guard !gradient.isEmpty else {
      value = newValue
      gradient = newGradient
      guard gradientNorm > tolerance else {
        state = .converged
        return
      }
      proceed()
      return
    }

    trials += 1
    let trial = Trial(step: step, value: newValue, slope: innerProduct(newGradient, direction))
    switch verdict(on: trial) {
    case .accept:
      accept(newValue, newGradient)
      return
    case .tooFar: high = trial
    case .tooSteep: low = trial
    }
    if trials >= 25 {
      // The value's rounding hides any progress along this direction. Try the plain gradient once, then stop.
      if memory.isEmpty {
        state = .flat
      } else {
        memory.removeAll()
        startLine()
      }
      return
    }
    if let high {
      let span = high.step - low.step
      let guess = cubicMinimum(low, high)
      step =
        guess.isFinite
        ? min(max(guess, low.step + 0.1 * span), high.step - 0.1 * span) : low.step + span / 2
    } else {
      step *= 2.5
    }
    movePoint()
  }

  private enum Verdict { case accept, tooFar, tooSteep }

  /// The weak Wolfe conditions, or their approximate form where values differ by rounding alone (Hager & Zhang 2005).
  private func verdict(on trial: Trial) -> Verdict {
    guard trial.value.isFinite, trial.slope.isFinite else { return .tooFar }
    let falls = trial.value <= value + 1e-4 * trial.step * slope
    let level = trial.value <= value + 1e-7 * abs(value) && trial.slope <= (2e-4 - 1) * slope
    if !falls && !level { return .tooFar }
    return trial.slope >= 0.9 * slope ? .accept : .tooSteep
  }

  private mutating func accept(_ newValue: Double, _ newGradient: [Double]) {
    iterations += 1
    var s = [Double](repeating: 0, count: point.count)
    var y = s
    for index in s.indices {
      s[index] = point[index] - accepted[index]
      y[index] = newGradient[index] - gradient[index]
    }
    if isPreconditioned { lastStep = (s, y) } else { memory.add(step: s, change: y) }
    flatIterations = value - newValue <= 1e-10 * max(abs(value), 1e-3) ? flatIterations + 1 : 0
    accepted = point
    value = newValue
    gradient = newGradient
    if gradientNorm <= tolerance {
      state = .converged
    } else if flatIterations >= 5 {
      state = .flat
    } else if iterations >= maximumIterations {
      state = .outOfIterations
    } else {
      proceed()
    }
  }

  mutating func useConditioning() { isPreconditioned = true }

  private mutating func proceed() {
    if isPreconditioned { unconditioned = gradient } else { startLine() }
  }

  mutating func receive(conditioned new: [Double]) {
    unconditioned = nil
    if let old = conditioned, let (s, y) = lastStep {
      memory.add(step: s, change: y, conditioned: zip(new, old).map { $0 - $1 })
    } else {
      // Steps from before know nothing of it.
      memory.removeAll()
    }
    conditioned = new
    startLine()
  }

  /// Chooses the next direction by the two-loop recursion and the first step along it.
  private mutating func startLine() {
    var q = memory.applied(to: gradient, conditioned: conditioned)
    for index in q.indices { q[index] = -q[index] }
    slope = innerProduct(q, gradient)
    if slope >= 0 {
      memory.removeAll()
      conditioned = nil
      isPreconditioned = false
      q = gradient.map { -$0 }
      slope = innerProduct(q, gradient)
    }
    direction = q
    step = memory.isEmpty && conditioned == nil ? min(1, 1 / innerProduct(q, q).squareRoot()) : 1
    low = Trial(step: 0, value: value, slope: slope)
    high = nil
    trials = 0
    movePoint()
  }

  private mutating func movePoint() {
    for index in point.indices { point[index] = accepted[index] + step * direction[index] }
  }

  /// The minimum of the cubic through two trials' values and slopes (Nocedal & Wright, 3.59).
  private func cubicMinimum(_ a: Trial, _ b: Trial) -> Double {
    let d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0 else { return .nan }
    let d2 = square.squareRoot() * (b.step > a.step ? 1 : -1)
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
  }
}
