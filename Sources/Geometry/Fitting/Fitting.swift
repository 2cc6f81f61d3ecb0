import Diagnostics
import Foundation
import LinearAlgebra

/// How well networks of one hidden layer and ever more neurons learn a curve or a region: a line takes one neuron, a V two,
/// a circle a dozen, and a smooth one a hundred.
public struct Fitting: Codable, Sendable, Equatable {
  public struct Settings: Codable, Sendable, Equatable {
    public var neurons: [Int]
    /// Steps of a training; nil chooses 4,000 for a curve, whose points are few, and 800 for a region.
    public var steps: Int?
    /// Trainings from different starts, of which the one with the least error counts; a third of them from 10 neurons on.
    public var trials: Int
    public var seed: UInt64

    public init(
      neurons: [Int] = [1, 2, 3, 4, 6, 12, 30, 100], steps: Int? = nil, trials: Int = 4, seed: UInt64 = 0
    ) {
      self.neurons = neurons
      self.steps = steps
      self.trials = trials
      self.seed = seed
    }
  }

  public struct Fit: Codable, Sendable, Equatable {
    public var neurons: Int
    /// Of a curve: the root of the mean squared difference in height. Of a region: the share of the square that lies on
    /// the wrong side. Both measured between the points that were learnt from.
    public var error: Double
    /// What was minimised, over the points learnt from.
    public var loss: Double
    public var network: ShallowNetwork
  }

  public var target: FittingTarget
  public var settings: Settings
  /// The error of the best constant: of a region, the smaller of the two sides' shares.
  public var constantError: Double
  public var fits: [Fit]

  /// Trains a network for each number of neurons, by Adam on every point of a grid at once.
  ///
  /// Points: 201 along a curve; 44 × 44 cells of the square, each with the share of it that lies inside. The result
  /// follows from the seed and the platform's exponential alone, whatever the number of threads.
  ///
  /// - Throws: `fitting.neurons`, `fitting.steps`.
  public static func run(
    _ target: FittingTarget, settings: Settings = Settings(), progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> Fitting {
    guard !settings.neurons.isEmpty, settings.neurons.allSatisfy({ (1...2000).contains($0) }) else {
      throw Fault(
        .usage, "fitting.neurons", "A hidden layer needs neurons", expected: "1 to 2000",
        found: settings.neurons.map(String.init).joined(separator: ", "))
    }
    let steps = settings.steps ?? (target.isCurve ? 4000 : 800)
    guard 1...1_000_000_000 ~= steps, 1...1_000 ~= settings.trials else {
      throw Fault(
        .usage, "fitting.steps", "A training needs a step and a trial or more",
        expected: "1 to 1,000,000,000 steps, 1 to 1,000 trials",
        found: "\(steps) steps, \(settings.trials) trials")
    }
    let learnt = Sample(target, side: target.isCurve ? 201 : 44, parts: 8)
    let judged = Sample(target, side: target.isCurve ? 2000 : 250, parts: 1)
    // Each job by itself is one training; the large ones go first, so that no thread is left with one at the end.
    // A wide layer needs fewer: some of its neurons begin well.
    let jobs = settings.neurons.indices.flatMap { size in
      (0..<(settings.neurons[size] < 10 ? settings.trials : max(1, settings.trials / 3))).map { (size, $0) }
    }
    .sorted { (settings.neurons[$0.0], $1.1) > (settings.neurons[$1.0], $0.1) }
    var found = [Fit?](repeating: nil, count: jobs.count)
    let finished = Counter()
    found.withUnsafeMutableBufferPointer { found in
      // Each call writes its own element alone.
      nonisolated(unsafe) let found = found
      Threads.forEach(jobs.count) { index in
        let (size, trial) = jobs[index]
        found[index] = fit(
          settings.neurons[size], trial: trial, steps: steps, seed: settings.seed, of: target, learnt: learnt,
          judged: judged)
        progress(finished.increment(), jobs.count)
      }
    }
    let fits = settings.neurons.indices.compactMap { size in
      // Of the error over the points learnt from, so that what judges has no say in the choice.
      zip(jobs, found).filter { $0.0.0 == size }.sorted { $0.0.1 < $1.0.1 }.compactMap(\.1)
        .min { (learnt.error(of: $0.network), $0.loss) < (learnt.error(of: $1.network), $1.loss) }
    }
    var used = settings
    used.steps = steps
    return Fitting(target: target, settings: used, constantError: judged.constantError, fits: fits)
  }

  private static func fit(
    _ neurons: Int, trial: Int, steps: Int, seed: UInt64, of target: FittingTarget, learnt: Sample, judged: Sample
  ) -> Fit {
    var generator = SeededGenerator(seed: seed, stream: "fit \(target.name) \(neurons) \(trial)")
    let inputs = target.isCurve ? 1 : 2
    var (weights, upwards, biases, outgoing): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
    let turn = generator.uniform()
    for neuron in 0..<neurons {
      // Kinks and lines begin spread over the plot, and face either way.
      let place = (Double(neuron) + generator.uniform()) / Double(neurons)
      if target.isCurve {
        let direction: Double = generator.uniform() < 0.5 ? -1 : 1
        weights.append(2 * direction)
        biases.append(-2 * direction * (2 * place - 1))
      } else {
        let angle = 2 * .pi * (place + turn)
        weights.append(2 * cos(angle))
        upwards.append(2 * sin(angle))
        biases.append(2 * (generator.uniform() * 1.2 - 0.8))
      }
      outgoing.append(generator.normal() / Double(neurons).squareRoot())
    }
    var parameters = weights + upwards + biases + outgoing + [0]
    var adam = Adam(count: parameters.count)
    var loss = 0.0
    for step in 0...steps {
      let network = ShallowNetwork(inputs: inputs, neurons: neurons, parameters: parameters)
      let (value, gradient) = network.lossAndGradient(
        learnt.points, targets: learnt.targets, loss: target.isCurve ? .squaredError : .logistic)
      loss = value
      guard step < steps else { break }
      adam.update(
        &parameters, gradient: gradient,
        rate: Adam.rate(target.isCurve ? 0.03 : 0.1, step: step, of: steps))
    }
    let network = ShallowNetwork(inputs: inputs, neurons: neurons, parameters: parameters)
    return Fit(neurons: neurons, error: judged.error(of: network), loss: loss, network: network)
  }
}

extension FittingTarget {
  var isCurve: Bool { if case .curve = self { true } else { false } }
}

/// A target at the points of a grid.
private struct Sample: Sendable {
  let isCurve: Bool
  /// A number a point of a curve, two a point of a region.
  let points: [Double]
  /// The height of a curve; 1 inside of a region, 0 outside.
  let targets: [Double]

  /// - Parameter parts: A cell of a region's grid counts by the share of its parts × parts points that lie inside.
  init(_ target: FittingTarget, side: Int, parts: Int) {
    isCurve = target.isCurve
    let places = (0..<side).map { 2 * (Double($0) + 0.5) / Double(side) - 1 }
    switch target {
    case .curve(let curve):
      points = places
      targets = places.map { curve($0) }
    case .region(let region):
      points = places.flatMap { y in places.flatMap { x in [x, y] } }
      let cell = region.tester
      let shifts = (0..<parts).map { 2 * ((Double($0) + 0.5) / Double(parts) - 0.5) / Double(side) }
      targets = places.flatMap { y in
        places.map { x in
          let inside = shifts.reduce(0) { sum, dy in
            sum + shifts.reduce(0) { $0 + (cell(x + $1, y + dy) ? 1 : 0) }
          }
          return Double(inside) / Double(parts * parts)
        }
      }
    }
  }

  func error(of network: ShallowNetwork) -> Double {
    let outputs = network.outputs(points)
    let count = Double(targets.count)
    if isCurve {
      return (zip(outputs, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / count).squareRoot()
    }
    return zip(outputs, targets).reduce(0) { $0 + (($1.0 > 0) == ($1.1 > 0.5) ? 0 : 1) } / count
  }

  var constantError: Double {
    let mean = targets.reduce(0, +) / Double(targets.count)
    if !isCurve { return min(mean, 1 - mean) }
    return (targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(targets.count)).squareRoot()
  }
}
