import ArgumentParser
import Foundation
import Unfold

/// What a dictionary is and learns, as flags.
///
/// A flag that means nothing to the architecture is refused: a run that ignored it would not be the one that was asked for.
struct DictionaryArguments: ParsableArguments {
  @Option(name: .long, help: "topk, batchtopk, matryoshka, standard (ReLU and L1), gated or jumprelu.")
  var architecture: SparseAutoencoder.Architecture = .topK
  @Option(
    name: .long, help: "The number of latents; several, separated by commas, make a grid (default: 4096).",
    transform: NumberList.whole)
  var latents: NumberList<Int>?
  @Option(
    name: .long, help: "topk, batchtopk, matryoshka: active latents of a token; several make a grid (default: 32).",
    transform: NumberList.whole)
  var k: NumberList<Int>?
  @Option(
    name: .long,
    help: "standard, gated, jumprelu: the weight of the sparsity loss; several make a grid (default: 5, 5 and 1).",
    transform: NumberList.numbers)
  var sparsity: NumberList<Double>?
  @Option(name: .long, help: "standard, gated, jumprelu: steps over which the sparsity's weight rises (default: 0).")
  var sparsityWarmUp: Int?
  @Option(name: .long, help: "Dictionaries of each kind, from seeds that follow --seed.") var repeats = 1
  @Option(name: .long, help: "The learning rate (default: 2e-4 / √(latents / 16384)).") var learningRate: Float?
  @Option(name: .long, help: "Steps of rising learning rate (default: 1000 or a twentieth).") var warmUp: Int?
  @Option(name: .long, help: "The share of the end with a falling learning rate.") var decay = 0.2
  @Option(
    name: .long,
    help: """
      The norm that decoder rows, and an autoencoder's encoder rows, start with (default: 0.1, in topk, batchtopk and \
      matryoshka rows kept at norm 1).
      """)
  var decoderNorm: Float?
  @Option(name: .long, help: "none, expected_average_only_in, constant_norm_rescale or layer_norm.")
  var normalize: SparseAutoencoder.Normalization = .expectedAverageOnlyIn
  @Option(name: .long, help: "topk, batchtopk, matryoshka: the weight of the dead latents' loss (default: 1/32).")
  var auxiliary: Float?
  @Option(name: .long, help: "Tokens without firing after which a latent is dead.") var deadAfter: Int?
  @Option(name: .long, help: "Steps at which dead latents get new directions.", transform: NumberList.whole)
  var resampleAt: NumberList<Int>?
  @Option(name: .long, help: "jumprelu: the penalty, step or tanh (default: step).")
  var penalty: DictionarySettings.JumpReLUSettings.Penalty?
  @Option(name: .long, help: "jumprelu: the width of the step's derivative (default: 0.05).") var bandwidth: Float?
  @Option(
    name: .long, help: "matryoshka: the nested widths (default: 1/16, 1/8, 1/4, 1/2 and all).",
    transform: NumberList.whole)
  var prefixes: NumberList<Int>?
  @Option(name: .long, help: "The largest norm of all gradients together (default: no limit).") var gradientLimit:
    Float?
  @Flag(name: .long, help: "Give a transcoder a linear path past its latents.") var skip = false

  func validate() throws {
    if repeats < 1 { throw ValidationError("--repeats must be at least 1, not \(repeats).") }
    for (flag, value) in [
      ("--warm-up", warmUp), ("--sparsity-warm-up", sparsityWarmUp), ("--dead-after", deadAfter),
    ] {
      if let value, value < 0 { throw ValidationError("\(flag) must not be negative, but is \(value).") }
    }
    if let decoderNorm, !(decoderNorm > 0 && decoderNorm.isFinite) {
      throw ValidationError("--decoder-norm must be above 0, but is \(decoderNorm).")
    }
    let family = "topk, batchtopk and matryoshka"
    let penalized = "standard, gated and jumprelu"
    let selects = architecture.selectsByK
    let misplaced: [(flag: String, isGiven: Bool, applies: Bool, to: String)] = [
      ("--k", k != nil, selects, family), ("--auxiliary", auxiliary != nil, selects, family),
      ("--sparsity", sparsity != nil, !selects, penalized),
      ("--sparsity-warm-up", sparsityWarmUp != nil, !selects, penalized),
      ("--penalty", penalty != nil, architecture == .jumpReLU, "jumprelu"),
      ("--bandwidth", bandwidth != nil, architecture == .jumpReLU, "jumprelu"),
      ("--prefixes", prefixes != nil, architecture == .matryoshka, "matryoshka"),
    ]
    for flag in misplaced where flag.isGiven && !flag.applies {
      throw ValidationError("\(flag.flag) applies to \(flag.to), not to \(architecture.rawValue).")
    }
  }

  /// Every combination of sizes and sparsities.
  func grid(seed: UInt64) -> DictionaryGrid {
    DictionaryGrid(
      architecture: architecture, latents: latents?.values ?? [4096], ks: k?.values ?? [32],
      sparsities: sparsity?.values.map { Float($0) }, repeats: repeats, seed: seed)
  }

  /// What all of a grid's dictionaries learn, as the flags say.
  func settings(of grid: DictionaryGrid) -> [DictionarySettings] {
    grid.settings { settings in
      settings.normalization = normalize
      if let decoderNorm {
        settings.initialDecoderNorm = decoderNorm
        settings.unitNormDecoder = false
      }
      settings.sparsityWarmUp = sparsityWarmUp ?? settings.sparsityWarmUp
      settings.jumpReLU.penalty = penalty ?? settings.jumpReLU.penalty
      settings.jumpReLU.bandwidth = bandwidth ?? settings.jumpReLU.bandwidth
      settings.prefixes = prefixes?.values
      settings.auxiliaryWeight = auxiliary ?? settings.auxiliaryWeight
      settings.deadAfterTokens = deadAfter
      settings.resampleSteps = resampleAt?.values ?? []
      settings.learningRate = learningRate
      settings.warmUp = warmUp
      settings.decay = decay
      settings.gradientLimit = gradientLimit
      settings.skip = skip
    }
  }
}

/// How training reads its data, as flags.
struct TrainingArguments: ParsableArguments {
  @Option(name: .long, help: "Tokens in a step.") var batch = 4096
  @Option(name: .long, help: "Tokens to train on, repeating the data as needed (default: the data once).")
  var tokens: Int?
  @Option(name: .long, help: "Tokens held in memory and shuffled together (default: what 256 MiB hold).")
  var shuffle: Int?
  @Option(name: .long, help: "Steps between checkpoints; 0 for one at the end.") var checkpointSteps = 1000
  @Option(name: .long, help: "Leave tokens out whose norm exceeds so many times the median; 0 for none.")
  var outlierNorm: Float = 10
  @Flag(name: .customLong("special-tokens"), help: "Let begin tokens and their like take part.")
  var countSpecialTokens = false

  func validate() throws {
    if checkpointSteps < 0 { throw ValidationError("--checkpoint-steps must not be negative.") }
    if let shuffle, shuffle < 1 { throw ValidationError("--shuffle must be at least 1.") }
    if !(outlierNorm >= 0) { throw ValidationError("--outlier-norm must not be negative.") }
  }

  /// - Parameter sites: one, or those of a crosscoder.
  func settings(_ sites: [String], target: String?, seed: UInt64, crosscoder: Bool) -> TrainingSettings {
    var settings = crosscoder ? TrainingSettings(crosscoder: sites) : TrainingSettings(site: sites[0], target: target)
    settings.batch = batch
    settings.tokens = tokens
    settings.shuffledTokens = shuffle
    settings.seed = seed
    settings.countsSpecialTokens = countSpecialTokens
    settings.outlierNorm = outlierNorm > 0 ? outlierNorm : nil
    settings.checkpointSteps = checkpointSteps > 0 ? checkpointSteps : nil
    return settings
  }
}

/// Numbers separated by commas.
struct NumberList<Value: Sendable>: Sendable {
  let values: [Value]
}

extension NumberList where Value == Int {
  static func whole(_ text: String) throws -> NumberList { try list(text, "whole numbers") { Int($0) } }
}

extension NumberList where Value == Double {
  static func numbers(_ text: String) throws -> NumberList {
    try list(text, "numbers") { Double($0).flatMap { $0.isFinite ? $0 : nil } }
  }
}

extension NumberList {
  private static func list(
    _ text: String, _ kind: String, _ value: (Substring) -> Value?
  ) throws -> NumberList {
    NumberList(
      values: try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
        guard let value = value(part) else {
          throw ValidationError("it takes \(kind), separated by commas, and \"\(part)\" is none")
        }
        return value
      })
  }
}

extension SparseAutoencoder.Architecture: ExpressibleByArgument {
  var selectsByK: Bool { self == .topK || self == .batchTopK || self == .matryoshka }
}
extension SparseAutoencoder.Normalization: ExpressibleByArgument {}
extension DictionarySettings.JumpReLUSettings.Penalty: ExpressibleByArgument {}
