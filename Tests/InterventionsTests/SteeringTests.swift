import Activations
import Architectures
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Probes
import TestFiles
import Testing
import Transformer

@testable import Interventions

/// Steered runs against plain PyTorch hooks, and what steering says of itself.
@Suite struct SteeringTests {
  /// What `Scripts/references/steering.py` has made of a tiny model.
  struct Reference {
    let model: Model
    let ids: [Int32]
    private let file: SafetensorsFile
    private let name: String

    init(_ name: String) throws {
      self.name = name
      file = try SafetensorsFile(contentsOf: DirectionTests.fixture("steering.safetensors"))
      let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      model = try Model.load(tests.appending(path: "TransformerTests/Fixtures/\(name)"))
      let view = try #require(file["\(name)/ids"])
      ids = view.withUnsafeBytes { bytes in
        (0..<view.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
      }
    }

    func floats(_ key: String) throws -> [Float] { try #require(file["\(name)/\(key)"]).floats() }
  }

  static let site = Site(.residPost, layer: 1)

  private func largestError(_ a: [Float], _ b: [Float]) -> Double {
    let scale = b.map { abs(Double($0)) }.max() ?? 1
    return zip(a, b).map { abs(Double($0) - Double($1)) }.max().map { $0 / scale } ?? .infinity
  }

  /// Float32 against PyTorch's float64.
  static let tolerance = 1e-5

  @Test(arguments: ["gpt2", "llama", "gemma2"]) func addingEqualsAPlainHook(_ name: String) throws {
    let reference = try Reference(name)
    let direction = try Direction(
      reference.floats("vector"), name: "v", kind: .vector, at: Self.site, in: reference.model)
    let edit = try SteeringEdit([direction])
    let batch = TokenBatch(documents: [reference.ids])
    let all = try #require(try reference.model.run(batch, hooks: edit.hooks([.add([3])]), logits: .all))
    #expect(largestError(all.elements, try reference.floats("all")) < Self.tolerance)
    let some = edit.hooks([.add([3])]) { 4..<$1 }
    let from4 = try #require(try reference.model.run(batch, hooks: some, logits: .all))
    #expect(largestError(from4.elements, try reference.floats("from4")) < Self.tolerance)
    // Beside an untouched document, which stays as it is.
    let clean = try #require(try reference.model.run(batch, logits: .all))
    let both = try #require(
      try reference.model.run(
        TokenBatch(documents: [reference.ids, reference.ids]), hooks: edit.hooks([.untouched, .add([3])]), logits: .all)
    )
    let half = both.elements.count / 2
    #expect(largestError(Array(both.elements[..<half]), clean.elements) < Self.tolerance)
    #expect(largestError(Array(both.elements[half...]), try reference.floats("all")) < Self.tolerance)
  }

  @Test(arguments: ["gpt2", "llama", "gemma2"]) func clampingEqualsAPlainHook(_ name: String) throws {
    let reference = try Reference(name)
    let width = reference.model.architecture.width
    func matrix(_ key: String) throws -> Matrix {
      try Matrix(rows: 6, columns: width, elements: reference.floats(key))
    }
    let dictionary = SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: width, latents: 6, hookIn: Self.site.name, applyDecoderBiasToInput: true),
      encoder: try matrix("encoder"), encoderBias: try reference.floats("encoder_bias"), decoder: try matrix("decoder"),
      decoderBias: try reference.floats("decoder_bias"))
    let direction = try Direction.feature(2, of: dictionary, name: "sae:2", in: reference.model)
    let edit = try SteeringEdit(direction)
    let batch = TokenBatch(documents: [reference.ids])
    var stream: [Float] = []
    let read = Hook(Self.site) { stream = $0.copy() }
    let logits = try #require(
      try reference.model.run(batch, hooks: [read] + edit.hooks([.clamp(4)]), logits: .all))
    #expect(largestError(logits.elements, try reference.floats("clamp")) < Self.tolerance)
    let feature = try #require(direction[0].feature)
    let activations = feature.activations(
      in: Matrix(rows: reference.ids.count, columns: width, elements: stream))
    #expect(largestError(activations, try reference.floats("activations")) < Self.tolerance)
  }

  /// A transcoder reads one site and writes another; rescaled rows give their scale back.
  @Test func aTranscodersFeatureIsClampedWhereItWrites() throws {
    let reference = try Reference("llama")
    let width = reference.model.architecture.width
    let (input, output) = (Site(.norm2Normalized, layer: 1), Site(.mlpOut, layer: 1))
    let dictionary = SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: width, latents: 6, hookIn: input.name, hookOut: output.name),
      encoder: Matrix(rows: 6, columns: width, elements: try reference.floats("encoder")),
      encoderBias: try reference.floats("encoder_bias"),
      decoder: Matrix(rows: 6, columns: width, elements: try reference.floats("decoder")),
      decoderBias: try reference.floats("decoder_bias"))
    let directions = try Direction.feature(2, of: dictionary, name: "t:2", in: reference.model)
    let edit = try SteeringEdit(directions)
    var (rows, before, after) = ([Float](), [Float](), [Float]())
    let batch = TokenBatch(documents: [reference.ids])
    let hooks =
      [Hook(input) { rows = $0.copy() }, Hook(output) { before = $0.copy() }]
      + edit.hooks([.clamp(4)]) { 0..<($1 - 1) } + [Hook(output) { after = $0.copy() }]
    try reference.model.run(batch, hooks: hooks)
    let latents = dictionary.encode(Matrix(rows: reference.ids.count, columns: width, elements: rows))
    for token in reference.ids.indices {
      let change = token == reference.ids.count - 1 ? 0 : 4 - latents[token, 2]
      for column in 0..<width {
        let expected = before[token * width + column] + change * directions[0].values[column]
        #expect(abs(after[token * width + column] - expected) < 1e-4)
      }
    }
  }

  /// Each strength alone, token by token without a cache, by a hook that is written here.
  @Test(arguments: SteeringSettings.Tokens.allCases) func continuationsAreThoseOfEachStrengthAlone(
    _ tokens: SteeringSettings.Tokens
  ) throws {
    let session = try DirectionTests.mini.get()
    let probe = try Probe(contentsOf: DirectionTests.fixture("citations.safetensors"))
    let direction = try Direction.probe(probe, name: "citations", in: session.model)
    let settings = SteeringSettings(
      change: .add(strengths: [-40, 0, 40], unit: .vector), tokens: tokens, count: 6, target: 5)
    let reference = try ReferenceText([try session.tokens(of: "The king and the queen.")], name: "text")
    let result = try session.steer(
      "The old man", by: [direction], settings, reference: reference, probe: probe, named: "citations")
    #expect(result.runs.map(\.amount) == [-40, 0, 40])
    let prompt = try session.tokens(of: "The old man")
    for (strength, run) in zip([-40, 0, 40], result.runs) {
      var text = prompt
      for step in 0..<run.continuation.count {
        let first =
          switch tokens {
          case .all: 0
          case .last: prompt.count - 1
          case .new: prompt.count
          }
        let hook = Hook(direction.site) { value in
          for token in value.rows where token >= first {
            value.setRow(token, to: zip(value.row(token), direction.values).map { $0 + Float(strength) * $1 })
          }
        }
        let logits = try #require(
          try session.model.run(TokenBatch(documents: [text]), hooks: [hook], logits: .lastOfEachDocument)
        ).row(0)
        let best = try #require(logits.indices.max { logits[$0] < logits[$1] })
        #expect(run.continuation[step] == Int32(best), "strength \(strength), token \(step)")
        if step == 0 {
          let sum = logits.reduce(0.0) { $0 + exp(Double($1)) }
          let chance = exp(Double(logits[5])) / sum
          #expect(abs((run.targetProbability ?? 0) - chance) < 1e-5 * chance + 1e-12)
        }
        text.append(Int32(best))
      }
      // The reference is steered at every token, whatever the prompt's are.
      let all = Hook(direction.site) { value in
        for token in value.rows {
          value.setRow(token, to: zip(value.row(token), direction.values).map { $0 + Float(strength) * $1 })
        }
      }
      let loss = try session.model.loss(TokenBatch(documents: reference.documents), hooks: [all])
      #expect(abs((run.cost?.loss ?? 0) - loss.mean) < 1e-5)
      // The probe's mean score of the new tokens, without steering.
      let rows = try session.model.cache(text, sites: [direction.site]).values[0].matrix
      let scores = probe.classifier.scores(of: rows.selectingRows(prompt.count..<text.count))
      let mean = scores.elements.reduce(0.0) { $0 + Double($1) } / Double(scores.rows)
      #expect(abs((run.probeScore ?? 0) - mean) < 1e-4 * max(1, abs(mean)))
    }
    #expect(result.runs[1].cost?.added == 0)
  }

  @Test func unitsAreTheVectorsAndTheStreams() throws {
    let session = try DirectionTests.mini.get()
    let probe = try Probe(contentsOf: DirectionTests.fixture("citations.safetensors"))
    let direction = try Direction.probe(probe, name: "citations", in: session.model)
    let texts = try ["The king and the queen.", "A dog"].map { try session.tokens(of: $0) }
    let reference = try ReferenceText(texts, name: "text")
    // The mean norm of all tokens but each first.
    var norms: [Double] = []
    for tokens in texts {
      let value = try session.model.cache(tokens, sites: [direction.site]).values[0]
      for token in 1..<tokens.count {
        norms.append(value[token].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
      }
    }
    let mean = norms.reduce(0, +) / Double(norms.count)
    func run(_ strength: Double, _ unit: SteeringSettings.Unit) throws -> SteeringResult {
      try session.steer(
        "The", by: [direction], SteeringSettings(change: .add(strengths: [strength], unit: unit), count: 1, target: 9),
        reference: reference)
    }
    let stream = try run(0.5, .stream)
    #expect(abs(stream.directions[0].streamNorm - mean) < 1e-5 * mean)
    #expect(stream.runs.map(\.amount) == [nil, 0.5])
    #expect(abs((stream.runs[1].share ?? 0) - 0.5) < 1e-9)
    let vector = try run(0.5 * mean / direction.norm, .vector)
    #expect(abs((vector.runs[1].share ?? 0) - 0.5) < 1e-6)
    let (a, b) = (stream.runs[1].targetProbability ?? 0, vector.runs[1].targetProbability ?? 1)
    #expect(abs(a - b) < 1e-4 * b)
  }

  /// The interval of what is added covers the truth about as often as it says, where documents differ.
  @Test func theCostsIntervalCovers() {
    var covered = 0
    let (trials, truth) = (400, 0.25)
    for seed in 0..<trials {
      var generator = SeededGenerator(seed: UInt64(seed))
      let untouched = (0..<16).map { _ in Loss(total: 30 + 10 * generator.uniform(), predictions: 10) }
      let own = untouched.map { Loss(total: $0.total + 10 * (truth + 0.1 * generator.normal()), predictions: 10) }
      let cost = SteeringResult.Cost(own, untouched: untouched)
      if cost.interval?.covers(truth) == true { covered += 1 }
    }
    // 95 % of 400 with three standard errors of a share.
    #expect(abs(Double(covered) / Double(trials) - 0.95) < 3 * (0.95 * 0.05 / Double(trials)).squareRoot())
  }

  @Test func aRandomDirectionIsAsLong() throws {
    let session = try DirectionTests.mini.get()
    let probe = try Probe(contentsOf: DirectionTests.fixture("citations.safetensors"))
    let direction = try Direction.probe(probe, name: "citations", in: session.model)
    let random = try direction.random(seed: 1, in: session.model)
    #expect(random.site == direction.site && random.kind == .random)
    #expect(abs(random.norm - direction.norm) < 1e-5 * direction.norm)
    #expect(try direction.random(seed: 1, in: session.model).values == random.values)
    #expect(try direction.random(seed: 2, in: session.model).values != random.values)
    // Of 256 dimensions, a cosine has a standard deviation of 1/16.
    let cosine = zip(random.unit, direction.unit).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(cosine) < 5.0 / 16)
  }

  @Test func whatCannotBeSteeredIsRefused() throws {
    let session = try DirectionTests.mini.get()
    let model = session.model
    let ones = try Direction(
      [Float](repeating: 1, count: 256), name: "ones", kind: .vector, at: Site(.residPost, layer: 1), in: model)
    func refused(_ change: SteeringSettings.Change, _ directions: [Direction]? = nil, prompt: String = "A") -> String? {
      fault {
        _ = try session.steer(
          prompt, by: directions ?? [ones], SteeringSettings(change: change, count: 2), reference: nil)
      }?.name
    }
    #expect(refused(.add(strengths: [1e39], unit: .vector)) == "steer.overflow")
    #expect(refused(.add(strengths: [.infinity], unit: .stream)) == "steer.overflow")
    #expect(refused(.add(strengths: [.nan], unit: .vector)) == "steer.overflow")
    // Finite where it is added, infinite when it is squared.
    #expect(refused(.add(strengths: [1e38], unit: .vector)) == "steer.overflow")
    #expect(refused(.add(strengths: [], unit: .vector)) == "steer.strengths")
    #expect(refused(.add(strengths: [Double](repeating: 1, count: 65), unit: .vector)) == "steer.strengths")
    #expect(refused(.clamp(values: [1])) == "steer.notAFeature")
    #expect(refused(.clamp(values: [1e39])) == "steer.overflow")
    #expect(refused(.add(strengths: [1], unit: .vector), []) == "steer.noDirection")
    #expect(fault { _ = try ReferenceText([[1], []], name: "x") }?.name == "steer.noReference")
    let dictionary = SparseAutoencoder(
      configuration: .init(architecture: .standard, inputWidth: 256, latents: 2, hookIn: "blocks.1.hook_resid_post"),
      encoder: Matrix(rows: 2, columns: 256, elements: [Float](repeating: 1, count: 512)), encoderBias: [0, 0],
      decoder: Matrix(rows: 2, columns: 256, elements: [Float](repeating: 1, count: 512)),
      decoderBias: [Float](repeating: 0, count: 256))
    let feature = try Direction.feature(0, of: dictionary, name: "sae:0", in: model)[0]
    #expect(
      refused(.clamp(values: [1]), [try feature.moved(to: Site(.residPost, layer: 2), in: model)])
        == "direction.otherSite")
    #expect(refused(.clamp(values: [.nan]), [feature]) == "steer.overflow")
    // A prompt longer than the model's positions, and one that leaves room for one token.
    func words(_ count: Int) -> String { String(repeating: " the", count: count) }
    let fixed = try session.tokens(of: words(10)).count - 10
    let (full, fitting) = (words(513), words(512 - fixed))
    #expect(refused(.add(strengths: [1], unit: .vector), prompt: full) == "transformer.documentTooLong")
    let last = try session.steer(
      fitting, by: [ones], SteeringSettings(change: .add(strengths: [1], unit: .vector), count: 5), reference: nil,
      probe: try Probe(contentsOf: DirectionTests.fixture("citations.safetensors")))
    #expect(last.runs.allSatisfy { $0.stopped == .context && $0.continuation.count == 1 && $0.probeScore == nil })
  }
}
