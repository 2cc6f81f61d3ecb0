import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

@testable import Interventions

@Suite struct LensTests {
  /// Float32 here against float32 there: sums in another order.
  static let tolerance = 1e-5

  @Test(arguments: LensReference.names) func theLensIsPyTorchs(_ name: String) throws {
    let reference = try LensReference.read(name)
    let session = try LensReference.session(name)
    let vocabulary = session.model.architecture.vocabularySize
    let lens = try LogitLens(
      of: reference.ids, in: session, .init(sites: "resid_mid,resid_post", count: vocabulary, target: 3))
    #expect(lens.layers.count == 2 * session.model.architecture.layers + 1)
    #expect(lens.layers.first?.title == "embeddings" && lens.layers.last?.title == "output")
    #expect(lens.layers.count == reference.lens.logProbabilities.count)
    for (number, layer) in lens.layers.enumerated() {
      for position in reference.ids.indices {
        let row = reference.lens.logProbabilities[number][position * vocabulary..<(position + 1) * vocabulary]
        let expected = row.map { exp($0) }
        #expect(layer.top[position].count == vocabulary)
        for candidate in layer.top[position] {
          #expect(
            abs(candidate.probability - expected[Int(candidate.token)]) < Self.tolerance, "\(name) \(layer.title)")
        }
        #expect(abs(layer.entropy[position] - reference.lens.entropy[number][position]) < Self.tolerance)
        #expect(abs(layer.divergence[position] - reference.lens.divergence[number][position]) < Self.tolerance)
        let target = try #require(layer.target?[position])
        #expect(abs(target.probability - expected[3]) < Self.tolerance)
        #expect(target.rank == 1 + expected.count { $0 > expected[3] })
      }
    }
  }

  /// Every family's head, read behind the last layer, is the model's own output; without logits it is a clear fault.
  @Test func theLastStreamIsTheOutputInEveryFamily() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: LensReference.models.path).sorted()
    var tried = 0
    for name in names
    where FileManager.default.fileExists(
      atPath: LensReference.models.appending(path: "\(name)/model.safetensors").path)
    {
      let session = try LensReference.session(name)
      let tokens: [Int32] = [5, 9, 2, 7, 5, 3]
      guard session.model.architecture.hasLogits else {
        let fault = #expect(throws: Fault.self) { try LogitLens(of: tokens, in: session) }
        #expect(fault?.name == "transformer.noLogits")
        continue
      }
      let lens = try LogitLens(of: tokens, in: session, .init(count: 1))
      let logits = try #require(try session.model.run(TokenBatch(documents: [tokens]), logits: .all))
      for position in tokens.indices {
        let expected = TokenPrediction.top(1, of: logits.row(position))[0]
        let found = lens.layers[lens.layers.count - 1].top[position][0]
        #expect(abs(found.probability - expected.probability) < 1e-5, "\(name)")
      }
      #expect(lens.layers.count == session.model.architecture.layers + 1)
      tried += 1
    }
    #expect(tried > 50)
  }

  @Test(arguments: LensReference.names) func theGradientIsAutograds(_ name: String) throws {
    let reference = try LensReference.read(name)
    let model = try LensReference.session(name).model
    let width = model.architecture.width
    let sites = try LensSites(model.architecture)
    let streams = try sites.streams(of: TokenBatch(documents: [reference.ids]), in: model)
    let translators = zip(sites.read, reference.tuned).map { site, tuned in
      TunedLens.Translator(
        site: site.name, weights: Matrix(rows: width, columns: width, elements: tuned.weights), bias: tuned.bias)
    }
    #expect(translators.count == model.architecture.layers)
    let (losses, gradients) = try TunedLensTraining.gradients(
      of: translators, read: streams.read, output: streams.output, in: model, unembedding: model.unembedding())
    for (number, tuned) in reference.tuned.enumerated() {
      #expect(abs(losses[number] - tuned.loss) < 1e-5, "\(name)")
      // Float32 through softmax, unembedding and norm on both sides.
      #expect(relativeError(gradients[number].weights, tuned.weightsGradient) < 1e-4, "\(name) \(number)")
      #expect(relativeError(gradients[number].bias, tuned.biasGradient) < 1e-4, "\(name) \(number)")
    }
  }

  private func corpus(_ seed: UInt64 = 3) -> Corpus {
    var generator = SeededGenerator(seed: seed)
    return Corpus(
      documents: (0..<60).map { number in
        Document(id: "\(number)", tokens: (0..<20).map { _ in Int32(generator.integer(below: 24)) })
      })
  }

  @Test func trainingReadsBetterAndIsDecidedByItsSeed() throws {
    let session = try LensReference.session("llama")
    let settings = TunedLensTraining.Settings(steps: 60, batchTokens: 200, learningRate: 0.02, seed: 4)
    func train(_ settings: TunedLensTraining.Settings) throws -> TunedLens {
      try TunedLensTraining(of: session, on: corpus(), settings).run()
    }
    let lens = try train(settings)
    for site in lens.record.heldOut {
      #expect(site.tuned < 0.5 * site.plain, "\(site)")
      #expect(site.standardError > 0)
    }
    #expect(lens.record.heldOutDocuments == 6 && lens.record.trainingDocuments == 54)
    #expect(try train(settings).translators == lens.translators)
    var other = settings
    other.seed = 5
    #expect(try train(other).translators != lens.translators)
    // What the file gives back reads the same.
    let folder = try TemporaryFolder()
    let file = folder.file("lens.safetensors")
    try lens.write(to: file)
    let read = try TunedLens(contentsOf: file)
    #expect(read.translators == lens.translators && read.record == lens.record)
    let tokens: [Int32] = [3, 9, 12, 3, 9]
    let plain = try LogitLens(of: tokens, in: session)
    let tuned = try LogitLens(of: tokens, in: session, tuned: read)
    #expect(tuned.isTuned && tuned.layers[0].divergence != plain.layers[0].divergence)
    #expect(tuned.layers.last?.top == plain.layers.last?.top)
    let fault = #expect(throws: Fault.self) {
      try LogitLens(of: tokens, in: try LensReference.session("gpt2"), tuned: read)
    }
    #expect(fault?.name == "lens.otherModel")
    let missing = #expect(throws: Fault.self) {
      try LogitLens(of: tokens, in: session, .init(sites: "resid_mid"), tuned: read)
    }
    #expect(missing?.name == "lens.tunedSites")
    let foreign = #expect(throws: Fault.self) {
      try TunedLens(contentsOf: LensReference.models.appending(path: "llama/model.safetensors"))
    }
    #expect(foreign?.name == "lens.notALens")
  }

  /// What was not asked for is neither trained nor, with that lens, read.
  @Test func theEmbeddingsAreTrainedWhereTheyAreAskedFor() throws {
    let session = try LensReference.session("llama")
    func train(_ sites: String?) throws -> TunedLens {
      try TunedLensTraining(of: session, on: corpus(), .init(sites: sites, steps: 1, batchTokens: 200)).run()
    }
    let embeddings = "blocks.0.hook_resid_pre"
    let lens = try train("resid_post")
    #expect(!lens.translators.contains { $0.site == embeddings } && !lens.translators.isEmpty)
    let read = try LogitLens(of: [3, 9, 12], in: session, tuned: lens)
    #expect(read.layers.dropLast().map(\.site) == lens.translators.map(\.site))
    #expect(try train("resid_pre").translators[0].site == embeddings)
    #expect(try train(nil).translators[0].site == embeddings)
  }

  @Test func translatorsOfZerosChangeNothing() throws {
    let translator = TunedLens.Translator(site: "x", width: 3)
    let stream: [Float] = [1, 2, 3, 4, 5, 6]
    #expect(translator.translate(stream) == stream)
    let turned = TunedLens.Translator(
      site: "x", weights: Matrix(rows: 2, columns: 2, elements: [0, 1, 2, 0]), bias: [10, 20])
    // h + A·h + b.
    let expected: [Float] = [14, 25]
    #expect(turned.translate([1, 3]) == expected)
  }

  @Test(arguments: [
    ("gpt2", "attn_out", 5, "lens.site"), ("bert", "resid_mid", 5, "lens.site"),
    ("gpt2", "resid_post", 0, "lens.count"),
    ("gpt2", "resid_post", 25, "lens.count"), ("gpt2", "nowhere", 5, "transformer.unknownSite"),
  ]) func badInput(model: String, sites: String, count: Int, fault: String) throws {
    let session = try LensReference.session(model)
    let found = #expect(throws: Fault.self) {
      try LogitLens(of: [1, 2, 3], in: session, .init(sites: sites, count: count))
    }
    #expect(found?.name == fault)
  }

  @Test func badTraining() throws {
    let session = try LensReference.session("gpt2")
    for (settings, name) in [
      (TunedLensTraining.Settings(steps: 0), "lens.settings"), (.init(learningRate: -1), "lens.settings"),
      (.init(context: 100_000), "lens.settings"), (.init(sites: "mlp_out"), "lens.site"),
    ] {
      let fault = #expect(throws: Fault.self) { try TunedLensTraining(of: session, on: corpus(), settings) }
      #expect(fault?.name == name)
    }
    let alike = Corpus(documents: (0..<3).map { Document(id: "\($0)", tokens: [1, 2, 3]) })
    let fault = #expect(throws: Fault.self) { try TunedLensTraining(of: session, on: alike) }
    #expect(fault?.name == "lens.oneDocument")
    let masked = #expect(throws: Fault.self) {
      try TunedLensTraining(of: try LensReference.session("bert"), on: corpus())
    }
    #expect(masked?.name == "transformer.noHeadGradient")
  }
}
