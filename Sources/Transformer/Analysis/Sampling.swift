import Foundation
import LinearAlgebra

/// How the next token is chosen from logits.
///
/// In this order, as Hugging Face's `generate`: the penalty of what was said before, the temperature, the likeliest `topK`,
/// the fewest likeliest that together have `topP`.
public struct Sampling: Sendable, Equatable, Codable {
  /// What logits are divided by; 0: the likeliest token is taken.
  public var temperature: Double
  /// How many of the likeliest tokens are chosen among; nil: all.
  public var topK: Int?
  /// The share of probability that the tokens chosen among have together; 1: all.
  public var topP: Double
  /// What the logit of a token is divided by that the text has already (multiplied with where it is negative); 1: nothing.
  public var repetitionPenalty: Double
  public var seed: UInt64

  /// - Precondition: The temperature is at least 0, `topK` and the penalty above 0, `topP` above 0 and at most 1.
  public init(
    temperature: Double = 0, topK: Int? = nil, topP: Double = 1, repetitionPenalty: Double = 1, seed: UInt64 = 0
  ) {
    precondition(temperature >= 0 && temperature.isFinite, "temperature \(temperature)")
    precondition(
      topK ?? 1 > 0 && topP > 0 && topP <= 1 && repetitionPenalty > 0, "\(topK ?? 0), \(topP), \(repetitionPenalty)")
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.repetitionPenalty = repetitionPenalty
    self.seed = seed
  }

  /// The next token.
  ///
  /// - Parameters:
  ///   - logits: Shape: [d_vocab].
  ///   - text: All tokens so far.
  func choose(_ logits: [Float], after text: [Int32], _ generator: inout SeededGenerator) -> Int32 {
    var logits = logits
    if repetitionPenalty != 1 {
      for token in Set(text) where logits.indices.contains(Int(token)) {
        let logit = logits[Int(token)]
        logits[Int(token)] = logit > 0 ? logit / Float(repetitionPenalty) : logit * Float(repetitionPenalty)
      }
    }
    guard temperature > 0 else {
      return Int32(logits.withUnsafeBufferPointer { LinearAlgebra.topK(1, of: $0) }[0].index)
    }
    let (candidates, chances) = nucleus(of: logits)
    var rest = generator.uniform() * chances.reduce(0, +)
    for (token, chance) in zip(candidates, chances) {
      rest -= chance
      if rest < 0 { return token }
    }
    return candidates[candidates.count - 1]
  }

  /// The tokens chosen among, likeliest first, and their chances before they are made to sum to 1.
  func nucleus(of logits: [Float]) -> (tokens: [Int32], chances: [Double]) {
    let most = min(topK ?? logits.count, logits.count)
    let largest = Double(logits.max() ?? 0)
    let isWhole = most == logits.count
    let sum = isWhole ? logits.reduce(0.0) { $0 + exp((Double($1) - largest) / temperature) } : 0
    // Most of a large vocabulary has no chance worth sorting for.
    var count = topP < 1 ? min(most, 1024) : most
    while true {
      let top = logits.withUnsafeBufferPointer { LinearAlgebra.topK(count, of: $0) }
      let weights = top.map { exp((Double($0.value) - largest) / temperature) }
      let all = isWhole ? sum : count == most ? weights.reduce(0, +) : Double.infinity
      var (kept, total) = (0, 0.0)
      while kept < count && total < topP * all {
        total += weights[kept]
        kept += 1
      }
      if count == most || total >= topP * all {
        return (top.prefix(kept).map { Int32($0.index) }, Array(weights.prefix(kept)))
      }
      count = min(most, count * 8)
    }
  }
}
