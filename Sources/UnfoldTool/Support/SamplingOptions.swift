import ArgumentParser
import Foundation
import Unfold

/// How new tokens are chosen, and when a text ends.
struct SamplingOptions: ParsableArguments {
  @Option(name: .long, help: "New tokens at most.") var maxTokens = 40
  @Option(name: .long, help: "What logits are divided by; 0 takes the likeliest token.") var temperature = 0.0
  @Option(name: .long, help: "Choose among so many of the likeliest tokens (default: all).") var topK: Int?
  @Option(name: .long, help: "Choose among the likeliest tokens that together have this probability.") var topP = 1.0
  @Option(name: .long, help: "What the logits of tokens that the text has already are divided by, above 1.")
  var repetitionPenalty = 1.0
  @Option(name: .long, help: "End where this text appears, which is left out; may be given several times.")
  var stop: [String] = []
  @Flag(name: .long, help: "Go on behind tokens that end a text.") var ignoreEnd = false

  func validate() throws {
    if maxTokens < 1 { throw ValidationError("--max-tokens must be at least 1, not \(maxTokens).") }
    if !(temperature >= 0 && temperature.isFinite) {
      throw ValidationError("--temperature must be 0 or above, not \(temperature).")
    }
    if let topK, topK < 1 { throw ValidationError("--top-k must be at least 1, not \(topK).") }
    if !(topP > 0 && topP <= 1) { throw ValidationError("--top-p must be above 0 and at most 1, not \(topP).") }
    if !(repetitionPenalty > 0 && repetitionPenalty.isFinite) {
      throw ValidationError("--repetition-penalty must be above 0, not \(repetitionPenalty).")
    }
    if stop.contains("") { throw ValidationError("--stop takes a text, not an empty one.") }
    if temperature == 0, topK != nil || topP < 1 {
      throw ValidationError("--top-k and --top-p choose among tokens by chance: give a --temperature above 0 too.")
    }
  }

  /// The stop strings, in which \n stands for the end of a line.
  var stops: [String] { stop.map { $0.replacingOccurrences(of: "\\n", with: "\n") } }

  func sampling(seed: UInt64) -> Sampling {
    Sampling(temperature: temperature, topK: topK, topP: topP, repetitionPenalty: repetitionPenalty, seed: seed)
  }
}
