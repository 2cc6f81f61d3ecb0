import Diagnostics
import Foundation
import LinearAlgebra

/// How a toy model is trained.
public struct ToyTraining: Codable, Sendable, Equatable {
  public var features: Int
  public var hidden: Int
  /// S: the probability that a feature is 0.
  public var sparsity: Double
  /// I_i = decay^i: 1 makes all features equally important.
  public var importanceDecay: Double
  public var steps: Int
  /// Examples of a step, fresh ones each time.
  public var batch: Int
  /// Of Adam, falling to 0 along half a cosine.
  public var learningRate: Double
  /// Trainings from different starts, of which the one with the least loss counts.
  public var trials: Int
  public var seed: UInt64

  public init(
    features: Int, hidden: Int, sparsity: Double, importanceDecay: Double = 1, steps: Int = 2000, batch: Int = 512,
    learningRate: Double = 0.02, trials: Int = 1, seed: UInt64 = 0
  ) {
    self.features = features
    self.hidden = hidden
    self.sparsity = sparsity
    self.importanceDecay = importanceDecay
    self.steps = steps
    self.batch = batch
    self.learningRate = learningRate
    self.trials = trials
    self.seed = seed
  }

  public var importance: [Float] { (0..<features).map { Float(pow(importanceDecay, Double($0))) } }

  /// - Throws: `superposition.features`, `superposition.hidden`, `superposition.sparsity`, `superposition.importance`,
  ///   `superposition.steps`.
  public func check() throws {
    guard features >= 2, features <= 4096 else {
      throw Fault(
        .usage, "superposition.features", "A toy model needs several features", expected: "2 to 4096",
        found: "\(features)")
    }
    guard hidden >= 1, hidden < features else {
      throw Fault(
        .usage, "superposition.hidden", "Superposition needs fewer hidden dimensions than features",
        expected: "1 to \(features - 1)", found: "\(hidden)",
        advice: "with as many dimensions as features each feature simply gets its own")
    }
    guard sparsity >= 0, sparsity < 1 else {
      throw Fault(
        .usage, "superposition.sparsity", "A sparsity is the probability that a feature is 0",
        expected: "at least 0 and below 1", found: "\(sparsity)")
    }
    guard importanceDecay > 0, importanceDecay <= 1 else {
      throw Fault(
        .usage, "superposition.importance", "Feature i has the importance decay^i",
        expected: "a decay above 0 and at most 1", found: "\(importanceDecay)")
    }
    guard steps >= 1, batch >= 1, trials >= 1, learningRate > 0, learningRate.isFinite else {
      throw Fault(
        .usage, "superposition.steps", "A training needs steps, examples, trials and a rate", expected: "all above 0",
        found: "\(steps) steps of \(batch), \(trials) trials, rate \(learningRate)")
    }
  }

  /// Trains, on the calling thread where that is one of a parallel region.
  ///
  /// - Returns: The model of the best trial, and its mean loss over fresh examples.
  public func run() throws -> (model: ToyModel, loss: Double) {
    try check()
    var best: (model: ToyModel, loss: Double)?
    for trial in 0..<trials {
      let found = run(trial: trial)
      if found.loss < best?.loss ?? .infinity { best = found }
    }
    guard let best else {
      throw Fault(
        .usage, "superposition.diverged", "The toy model's loss is no number", found: "rate \(learningRate)",
        advice: "take a smaller learning rate")
    }
    return best
  }

  private func run(trial: Int) -> (model: ToyModel, loss: Double) {
    var generator = SeededGenerator(seed: seed, stream: "toy \(features) \(hidden) \(sparsity) \(trial)")
    let count = features * hidden
    // Glorot's start, biases at 0.
    let spread = (2 / Double(features + hidden)).squareRoot()
    var parameters = (0..<count).map { _ in generator.normal() * spread } + [Double](repeating: 0, count: features)
    var adam = Adam(count: parameters.count)
    let importance = self.importance
    func model() -> ToyModel {
      ToyModel(
        weights: Matrix(rows: features, columns: hidden, elements: parameters[..<count].map { Float($0) }),
        bias: parameters[count...].map { Float($0) })
    }
    for step in 0..<steps {
      let (_, weights, bias) = model().lossAndGradient(examples(batch, &generator), importance: importance)
      adam.update(
        &parameters, gradient: weights.elements.map { Double($0) } + bias.map { Double($0) },
        rate: Adam.rate(learningRate, step: step, of: steps))
    }
    let trained = model()
    // The same examples judge every trial.
    var judge = SeededGenerator(seed: seed, stream: "toy examples \(sparsity)")
    let loss = (0..<16).reduce(0.0) { sum, _ in
      sum + trained.lossAndGradient(examples(512, &judge), importance: importance).loss / 16
    }
    return (trained, loss)
  }

  /// Rows of features: 0 with probability S, else uniform in 0 … 1.
  func examples(_ count: Int, _ generator: inout SeededGenerator) -> Matrix {
    let density = 1 - sparsity
    return Matrix(rows: count, columns: features) { values in
      for index in 0..<count * features {
        // Below the density the number itself is uniform once more.
        let chance = generator.uniform()
        values[index] = chance < density ? Float(chance / density) : 0
      }
    }
  }
}
