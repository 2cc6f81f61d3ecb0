import Foundation

/// A network with one hidden layer: output = c + Σ_j v_j · ReLU(w_j · x + b_j).
///
/// With one input, neuron j bends the output's curve where w_j·x + b_j = 0; with two, it folds the plane along that line.
public struct ShallowNetwork: Codable, Sendable, Equatable {
  public let inputs: Int
  public let neurons: Int
  /// w [inputs · neurons] (all neurons' weights on the first input first), then b [neurons], v [neurons], c.
  public var parameters: [Double]

  public init(inputs: Int, neurons: Int, parameters: [Double]) {
    precondition(inputs >= 1 && neurons >= 1, "\(neurons) neurons on \(inputs) inputs")
    precondition(
      parameters.count == neurons * (inputs + 2) + 1,
      "\(parameters.count) parameters for \(neurons) neurons on \(inputs) inputs")
    self.inputs = inputs
    self.neurons = neurons
    self.parameters = parameters
  }

  /// w_j.
  public func weights(of neuron: Int) -> [Double] {
    (0..<inputs).map { parameters[$0 * neurons + neuron] }
  }
  /// b_j.
  public func bias(of neuron: Int) -> Double { parameters[neurons * inputs + neuron] }
  /// v_j.
  public func outputWeight(of neuron: Int) -> Double { parameters[neurons * (inputs + 1) + neuron] }
  /// c.
  public var outputBias: Double { parameters[neurons * (inputs + 2)] }

  /// v_j · ReLU(w_j · x + b_j): what one neuron adds.
  public func contribution(of neuron: Int, at point: [Double]) -> Double {
    let before = zip(weights(of: neuron), point).reduce(bias(of: neuron)) { $0 + $1.0 * $1.1 }
    return outputWeight(of: neuron) * max(0, before)
  }

  /// The output for each point, `inputs` numbers a point.
  public func outputs(_ points: [Double]) -> [Double] {
    precondition(points.count.isMultiple(of: inputs), "\(points.count) numbers for points of \(inputs)")
    var active = [Double](repeating: 0, count: neurons)
    return parameters.withUnsafeBufferPointer { p in
      points.withUnsafeBufferPointer { points in
        active.withUnsafeMutableBufferPointer { active in
          (0..<points.count / inputs).map { output(p, points, $0, active) }
        }
      }
    }
  }

  /// The output at one point; `active` takes what each neuron says there, ReLU(w_j · x + b_j). Loops without branches,
  /// which the compiler turns into vector code.
  private func output(
    _ p: UnsafeBufferPointer<Double>, _ points: UnsafeBufferPointer<Double>, _ index: Int,
    _ active: UnsafeMutableBufferPointer<Double>
  ) -> Double {
    let (biases, outgoing) = (neurons * inputs, neurons * (inputs + 1))
    for j in 0..<neurons { active[j] = p[biases + j] }
    for i in 0..<inputs {
      let value = points[index * inputs + i]
      for j in 0..<neurons { active[j] += p[i * neurons + j] * value }
    }
    var sum = p[outgoing + neurons]
    for j in 0..<neurons {
      active[j] = max(active[j], 0)
      sum += p[outgoing + j] * active[j]
    }
    return sum
  }

  /// What the output is held against.
  public enum Loss: String, Codable, Sendable {
    /// The mean of (output − target)².
    case squaredError
    /// The mean of ln(1 + e^output) − target · output: the cross-entropy of σ(output) and a target in 0 … 1.
    case logistic
  }

  /// The loss over all points and its derivatives by the parameters, in their order. O(points · neurons · inputs).
  public func lossAndGradient(
    _ points: [Double], targets: [Double], loss kind: Loss
  ) -> (loss: Double, gradient: [Double]) {
    let count = targets.count
    precondition(
      points.count == count * inputs && count > 0, "\(points.count) numbers for \(count) points of \(inputs)")
    var gradient = [Double](repeating: 0, count: parameters.count)
    var loss = 0.0
    let (biases, outgoing, last) = (neurons * inputs, neurons * (inputs + 1), neurons * (inputs + 2))
    var active = [Double](repeating: 0, count: neurons)
    parameters.withUnsafeBufferPointer { p in
      points.withUnsafeBufferPointer { points in
        active.withUnsafeMutableBufferPointer { active in
          gradient.withUnsafeMutableBufferPointer { g in
            for index in 0..<count {
              let output = self.output(p, points, index, active)
              let slope: Double
              switch kind {
              case .squaredError:
                let error = output - targets[index]
                loss += error * error
                slope = 2 * error / Double(count)
              case .logistic:
                let decay = exp(-abs(output))
                loss += max(0, output) + log1p(decay) - targets[index] * output
                slope = ((output > 0 ? 1 : decay) / (1 + decay) - targets[index]) / Double(count)
              }
              g[last] += slope
              for j in 0..<neurons {
                g[outgoing + j] += slope * active[j]
                // From here on `active` holds the derivative by what is inside of the ReLU.
                active[j] = active[j] > 0 ? slope * p[outgoing + j] : 0
                g[biases + j] += active[j]
              }
              for i in 0..<inputs {
                let value = points[index * inputs + i]
                for j in 0..<neurons { g[i * neurons + j] += active[j] * value }
              }
            }
          }
        }
      }
    }
    return (loss / Double(count), gradient)
  }

  /// The piece of neuron j's line w_j·x + b_j = 0 in the square −1 … 1 (two inputs), or nil where it passes by.
  public func line(of neuron: Int) -> (from: (x: Double, y: Double), to: (x: Double, y: Double))? {
    precondition(inputs == 2, "lines of a network with \(inputs) inputs")
    let (a, b, c) = (parameters[neuron], parameters[neurons + neuron], bias(of: neuron))
    var ends: [(x: Double, y: Double)] = []
    func add(_ x: Double, _ y: Double) {
      guard abs(x) <= 1 + 1e-9, abs(y) <= 1 + 1e-9 else { return }
      if !ends.contains(where: { abs($0.x - x) < 1e-9 && abs($0.y - y) < 1e-9 }) { ends.append((x, y)) }
    }
    for side in [-1.0, 1] {
      if abs(b) > 1e-12 { add(side, -(a * side + c) / b) }
      if abs(a) > 1e-12 { add(-(b * side + c) / a, side) }
    }
    return ends.count >= 2 ? (ends[0], ends[1]) : nil
  }
}
