/// A minimisation that asks instead of calling: the caller evaluates the function at `point` and tells the result to
/// `receive`. So many minimisations can go in step and share one pass over the data for an evaluation of all of them.
protocol Minimizer {
  /// Where the function and its gradient are wanted next.
  var point: [Double] { get }
  var state: MinimizerState { get }
  /// The steps taken so far.
  var iterations: Int { get }
  /// The best point accepted.
  var accepted: [Double] { get }
  /// The largest component of the (sub)gradient of least length at the accepted point.
  var gradientNorm: Double { get }

  /// Takes the function's value and gradient at `point` and moves `point` on.
  mutating func receive(value: Double, gradient: [Double])

  /// The gradient that an approximate inverse Hessian is to be applied to before anything else can happen; nil where
  /// none is asked for.
  var unconditioned: [Double]? { get }
  /// Asks from now on for an approximate inverse Hessian, which must stay the same, times each gradient.
  mutating func useConditioning()
  /// Takes what `unconditioned` became, and moves `point` on.
  mutating func receive(conditioned: [Double])
}

extension Minimizer {
  var unconditioned: [Double]? { nil }
  mutating func useConditioning() {}
  mutating func receive(conditioned: [Double]) {}
}

enum MinimizerState: Equatable {
  case running
  /// No component of the gradient exceeds the tolerance.
  case converged
  /// The function doesn't fall any further at the precision it is computed in.
  case flat
  case outOfIterations
}

/// The last steps of a minimisation and the changes of the gradient over them: an estimate of the inverse Hessian
/// (Nocedal & Wright, Numerical Optimization, algorithm 7.4).
struct CurvatureMemory {
  private struct Step {
    var s: [Double]
    var y: [Double]
    /// The first guess at the inverse Hessian times y; y itself where there is none.
    var z: [Double]
    var rho: Double
  }
  private var steps: [Step] = []
  private let capacity = 10

  var isEmpty: Bool { steps.isEmpty }

  mutating func removeAll() { steps = [] }

  /// Takes up a step unless the function curves downwards along it.
  ///
  /// - Parameter conditioned: the first guess at the inverse Hessian times the change, where there is a guess.
  mutating func add(step s: [Double], change y: [Double], conditioned z: [Double]? = nil) {
    let curvature = innerProduct(s, y)
    guard curvature > 1e-14 * innerProduct(y, y) else { return }
    if steps.count == capacity { steps.removeFirst() }
    steps.append(Step(s: s, y: y, z: z ?? y, rho: 1 / curvature))
  }

  /// The estimate of the inverse Hessian times a vector.
  ///
  /// - Parameter conditioned: the first guess at it times the vector, where there is a guess.
  func applied(to vector: [Double], conditioned: [Double]? = nil) -> [Double] {
    var q = vector
    // The guess is linear: what it makes of q follows from what it made of its parts.
    var r = conditioned ?? []
    var alphas = [Double](repeating: 0, count: steps.count)
    for index in steps.indices.reversed() {
      let alpha = steps[index].rho * innerProduct(steps[index].s, q)
      alphas[index] = alpha
      addScaled(-alpha, steps[index].y, to: &q)
      if conditioned != nil { addScaled(-alpha, steps[index].z, to: &r) }
    }
    if conditioned == nil { r = q }
    if let last = steps.last {
      let scale = 1 / (last.rho * innerProduct(last.z, last.y))
      for index in r.indices { r[index] *= scale }
    }
    for index in steps.indices {
      let beta = steps[index].rho * innerProduct(steps[index].y, r)
      addScaled(alphas[index] - beta, steps[index].s, to: &r)
    }
    return r
  }
}

/// The inner product of two vectors of one length.
func innerProduct(_ a: [Double], _ b: [Double]) -> Double {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      // Four sums at once, so that one addition needn't wait for another.
      var sums = (0.0, 0.0, 0.0, 0.0)
      var index = 0
      while index + 4 <= a.count {
        sums.0 += a[index] * b[index]
        sums.1 += a[index + 1] * b[index + 1]
        sums.2 += a[index + 2] * b[index + 2]
        sums.3 += a[index + 3] * b[index + 3]
        index += 4
      }
      while index < a.count {
        sums.0 += a[index] * b[index]
        index += 1
      }
      return (sums.0 + sums.1) + (sums.2 + sums.3)
    }
  }
}

func addScaled(_ factor: Double, _ a: [Double], to b: inout [Double]) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeMutableBufferPointer { b in
      for index in b.indices { b[index] += factor * a[index] }
    }
  }
}
