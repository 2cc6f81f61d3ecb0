import Foundation

/// How the learning rate and λ change over a run of so many steps.
struct Schedule: Sendable {
  let steps: Int
  let learningRate: Float
  let warmUp: Int
  let decayStart: Int
  let sparsity: Float
  let sparsityWarmUp: Int
  /// Steps that a rising learning rate takes where the run is long enough.
  static let usualWarmUp = 1000

  init(_ settings: DictionarySettings, steps: Int) {
    self.steps = steps
    learningRate = settings.resolvedLearningRate
    warmUp = settings.warmUp ?? min(Self.usualWarmUp, steps / 20)
    decayStart = steps - Int(Double(steps) * settings.decay)
    sparsity = settings.sparsity
    sparsityWarmUp = settings.sparsityWarmUp
  }

  /// The learning rate of a step, counted from 0: up from 1/warm-up, and down to 1/decay at the last step.
  func learningRate(at step: Int) -> Float {
    let rising = step < warmUp ? Float(step + 1) / Float(warmUp) : 1
    let falling = step >= decayStart && steps > decayStart ? Float(steps - step) / Float(steps - decayStart) : 1
    return learningRate * min(rising, max(falling, 0))
  }

  func sparsity(at step: Int) -> Float {
    step < sparsityWarmUp ? sparsity * Float(step) / Float(sparsityWarmUp) : sparsity
  }
}
