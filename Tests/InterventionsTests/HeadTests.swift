import Activations
import Architectures
import Diagnostics
import Foundation
import Testing
import Transformer

@testable import Interventions

@Suite struct HeadTests {
  @Test(arguments: LensReference.names) func scoresAreTransformerLenss(_ name: String) throws {
    let reference = try LensReference.read(name)
    let model = try LensReference.session(name).model
    let found = try HeadPatternReader(model: model).scores(of: [reference.ids], targets: PatternTargets.init(of:))
    #expect(found.heads.map(\.count) == reference.heads.map(\.count))
    for (own, expected) in zip(found.heads.joined(), reference.heads.joined()) {
      let pairs = [
        (own.previous, expected.previous), (own.duplicate, expected.duplicate), (own.induction, expected.induction),
        (own.first, expected.first), (own.entropy, expected.entropy), (own.detected.previous, expected.detected[0]),
        (own.detected.duplicate, expected.detected[1]), (own.detected.induction, expected.detected[2]),
      ]
      // Sums of a few float32 shares.
      for (a, b) in pairs { #expect(abs(a - b) < 1e-5, "\(name)") }
    }
  }

  @Test(arguments: LensReference.names) func weightsAreNumPys(_ name: String) throws {
    let reference = try LensReference.read(name).weights
    let found = try HeadWeightMeasures(of: LensReference.session(name).model, composes: true)
    for (own, expected) in zip(found.circuits.joined(), reference.copying.joined()) {
      // Float32 products whose eigenvalues partly cancel.
      #expect(abs((own.copying ?? .nan) - expected) < 1e-4, "\(name)")
    }
    let matching = found.circuits.joined().compactMap(\.matching)
    #expect(matching.count == reference.matching?.joined().count ?? 0)
    for (own, expected) in zip(matching, (reference.matching ?? []).joined()) { #expect(abs(own - expected) < 1e-4) }
    #expect(found.notes.contains { $0.contains("rotary") } == (name != "gpt2"))
    let composition = try #require(found.composition)
    #expect(composition.pairs.count == reference.composition.count * (name == "gpt2" ? 3 : 1))
    for pair in composition.pairs {
      let expected = try #require(reference.composition.first { $0.from == pair.from && $0.to == pair.to })
      let value =
        switch pair.kind {
        case .query: expected.query
        case .key: expected.key
        case .value: expected.value
        }
      #expect(abs(pair.score - (value ?? .nan)) < 1e-5, "\(name) \(pair)")
    }
  }

  @Test func targetsOfARepeatedStretch() {
    let targets = PatternTargets(repeating: 3, from: 1)
    #expect(targets.induction == [[], [], [], [], [2], [3], [4]])
    #expect(targets.duplicate == [[], [], [], [], [1], [2], [3]])
    // Of tokens that differ, what the text's own copies say.
    let found = PatternTargets(of: [0, 7, 8, 9, 7, 8, 9])
    #expect(found.induction == targets.induction && found.duplicate == targets.duplicate)
    #expect(found.previous == targets.previous)
  }

  /// Random weights look at nothing in particular, copy nothing and compose by chance.
  @Test func randomWeightsAreNearChance() throws {
    let trained = try Model.load(LensReference.mini)
    let random = try trained.randomized(seed: 7)
    let session = Session(model: random, tokenizer: nil, name: "random")
    let found = try HeadAnalysis(of: session, on: nil, .init(sequences: 4, period: 20))
    let chance = found.repeated.chance
    let n = Double(found.heads.count)
    func mean(_ value: (HeadAnalysis.Head) -> Double) -> Double { found.heads.reduce(0) { $0 + value($1) } / n }
    #expect(abs(mean { $0.repeated.previous } - chance.previous) < 0.25 * chance.previous)
    #expect(abs(mean { $0.repeated.induction } - chance.induction) < 0.25 * chance.induction)
    #expect(abs(mean { $0.copying ?? 1 }) < 0.2)
    let composition = try #require(found.composition)
    for kind in HeadComposition.Kind.allCases {
      let mean = composition.means[kind.rawValue] ?? 0
      #expect(abs(mean - composition.baseline) < 0.1 * composition.baseline, "\(kind) \(mean)")
    }
    // The trained model has an induction head, which no chance has.
    let real = try HeadAnalysis(
      of: Session(model: trained, tokenizer: nil, name: "mini"), on: nil, .init(sequences: 4, period: 20))
    #expect((real.heads.map(\.repeated.induction).max() ?? 0) > 4 * chance.induction)
  }

  @Test(arguments: ["bert", "opt-350m", "bloom", "deepseek_v3", "qwen3", "gpt_oss", "olmo2", "mixtral"])
  func everyFamilySaysWhatItCannot(_ name: String) throws {
    let session = try LensReference.session(name)
    let found = try HeadAnalysis(of: session, on: nil, .init(sequences: 2, period: 6))
    #expect(found.heads.allSatisfy { $0.repeated.entropy.isFinite && $0.repeated.previous >= 0 })
    switch name {
    case "bert", "opt-350m": #expect(found.composition == nil && found.notes.contains { $0.contains("stream itself") })
    case "bloom":
      #expect(found.heads.allSatisfy { $0.copying == nil } && found.notes.contains { $0.contains("copying") })
      // Slopes by distance leave queries and keys alone.
      #expect(found.composition?.pairs.contains { $0.kind == .key } == true)
    default:
      #expect(found.heads.allSatisfy { $0.copying != nil && $0.matching == nil })
      #expect(found.composition?.pairs.allSatisfy { $0.kind == .value } == true)
      #expect(found.notes.contains { $0.contains("query and key") })
    }
  }

  /// A program compiled into weights, in which one head writes each token's predecessor and another looks for it: by key
  /// these two compose, and no others.
  @Test func compositionNamesACompiledCircuit() throws {
    let folder = Bundle.module.resourceURL!.appending(path: "Fixtures/tracr/induction")
    let found = try HeadWeightMeasures(of: Model.load(folder), composes: true)
    let composition = try #require(found.composition)
    let keys = composition.pairs.filter { $0.kind == .key }
    #expect(keys.first.map { "\($0.from) \($0.to)" } == "L1H0 L2H0" && keys[0].score > 2 * composition.baseline)
    #expect(keys.dropFirst().allSatisfy { $0.score < 1e-4 })
    #expect(composition.pairs.filter { $0.kind == .query }.allSatisfy { $0.score < 1e-4 })
  }

  @Test func badSettings() throws {
    let session = try LensReference.session("gpt2")
    for settings in [
      HeadAnalysis.Settings(sequences: 0), .init(period: 1), .init(period: 100_000), .init(corpusTokens: 0),
    ] {
      let fault = #expect(throws: Fault.self) { try HeadAnalysis(of: session, on: nil, settings) }
      #expect(fault?.name == "heads.settings")
    }
  }
}
