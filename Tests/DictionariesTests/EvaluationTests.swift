import Activations
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import TestSupport
import Testing
import Transformer

/// What PyTorch computed from the same weights and data, in double precision.
private struct Reference: Decodable {
  struct Evaluation: Decodable {
    var l0, l1, fvu, explainedVariance, meanSquaredError, cosine, normRatio, meanNearestCosine: Double
    var density: [Double]
    var dead: Int
  }
  struct Runs: Decodable {
    var cleanLoss, splicedLoss, splicedDivergence, zeroLoss, zeroDivergence, meanLoss, meanDivergence: Double
  }
  struct Splice: Decodable {
    var ids: [Int32]
    var lengths: [Int]
    var residual, transcoder: Runs
  }
  struct Word: Decodable {
    var acts, cosines: [Float]
    var main: [Int]
    var projection: Float
    var fraction: Double
    var full: Bool
  }
  var evaluation: Evaluation
  var splice: Splice
  var absorption: [Word]

  static func read() throws -> Reference {
    let data = try Data(contentsOf: Fixtures.folder.appending(path: "dictionaries.json"))
    return try JSONDecoder().decode(Reference.self, from: data)
  }
}

/// Rows of a matrix as a source: documents of ten tokens, none of them special.
func source(_ x: Matrix, site: String, further: [String: Matrix] = [:]) -> MemorySource {
  let lengths = [Int](repeating: 10, count: x.rows / 10)
  var source = MemorySource.documents(
    lengths, labels: lengths.map { _ in nil }, sites: [site: x.columns].merging(further.mapValues(\.columns)) { $1 }
  ) { name, document, token, column in (further[name] ?? x)[document * 10 + token, column] }
  source.tokenTable.special = source.tokenTable.special.map { _ in 0 }
  return source
}

@Suite struct EvaluationTests {
  @Test func agreesWithPyTorch() throws {
    let reference = try Reference.read().evaluation
    let dictionary = try Fixtures.dictionary("saelens-topk")
    let x = try Fixtures.expected("saelens-topk").x
    let measures = try dictionary.reconstruction(of: source(x, site: "blocks.1.hook_resid_post"))
    func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-5 * max(1, abs(b)) }
    #expect(close(measures.l0, reference.l0))
    #expect(close(measures.l1, reference.l1))
    #expect(close(measures.fvu, reference.fvu))
    #expect(close(measures.explainedVariance, reference.explainedVariance))
    #expect(close(measures.meanSquaredError, reference.meanSquaredError))
    #expect(close(measures.cosine, reference.cosine))
    #expect(close(measures.normRatio, reference.normRatio))
    #expect(zip(measures.density, reference.density).allSatisfy(close))
    #expect(measures.deadLatents == reference.dead)
    #expect(close(dictionary.directionMeasures().meanNearestCosine, reference.meanNearestCosine))
  }

  /// Far from zero and in many blocks, where sums of squares would cancel. The products of other batches differ in the last
  /// bit of float32.
  @Test func keepsPrecisionFarFromZero() throws {
    let dictionary = try Fixtures.dictionary("saelens-standard-plain-input")
    var x = Matrix(zeros: 4000, columns: 8)
    var generator = SeededGenerator(seed: 1)
    for index in x.elements.indices { x.elements[index] = 1000 + Float(generator.normal()) }
    let measures = try dictionary.reconstruction(of: source(x, site: "blocks.1.hook_resid_post"))
    let out = dictionary.reconstruct(x)
    var error = 0.0
    var scatter = 0.0
    for column in 0..<8 {
      let values = x.column(column).map { Double($0) }
      let mean = values.reduce(0, +) / 4000
      scatter += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      error += zip(values, out.column(column)).reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }
    }
    #expect(abs(measures.fvu - error / scatter) < 1e-6 * (error / scatter))
  }

  @Test func comparesATranscoderWithItsTarget() throws {
    let dictionary = try Fixtures.dictionary("saelens-skip-transcoder")
    let expected = try Fixtures.expected("saelens-skip-transcoder")
    let measures = try dictionary.reconstruction(
      of: source(expected.x, site: "blocks.1.mlp.hook_in", further: ["blocks.1.hook_mlp_out": expected.out]))
    #expect(measures.fvu < 1e-9)
    #expect(abs(measures.normRatio - 1) < 1e-5)
  }

  /// The losses of a small GPT-2 that PyTorch ran in double precision; single precision differs in the sixth digit.
  @Test func splicesAsPyTorch() throws {
    let reference = try Reference.read().splice
    let model = try Model.load(Fixtures.folder.appending(path: "tiny-gpt2"))
    let batch = TokenBatch(ids: reference.ids, lengths: reference.lengths)
    let corpus = Corpus(
      documents: batch.lengths.indices.map { document in
        Document(id: "\(document)", tokens: Array(batch.ids[batch.starts[document]..<batch.starts[document + 1]]))
      })
    for (name, layer, runs) in [
      ("saelens-jumprelu", 0, reference.residual), ("sparsify/layers.1.mlp", 0, reference.transcoder),
    ] {
      var dictionary = try Fixtures.dictionary(name)
      let site = { (hook: String) in hook.replacingOccurrences(of: "blocks.1", with: "blocks.\(layer)") }
      dictionary.configuration.hookIn = site(dictionary.configuration.hookIn)
      dictionary.configuration.hookOut = site(dictionary.configuration.hookOut)
      let live = try LiveActivations(
        model: model, tokenizer: nil, corpus: corpus,
        settings: CaptureSettings(
          sites: "\(dictionary.configuration.hookIn),\(dictionary.configuration.hookOut)", addsSpecialTokens: false))
      let mean = try dictionary.reconstruction(of: live).mean
      let measures = try dictionary.splice(into: model, source: live, mean: mean)
      func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 2e-5 * max(1, abs(b)) }
      #expect(close(measures.cleanLoss, runs.cleanLoss))
      #expect(close(measures.spliced.loss, runs.splicedLoss))
      #expect(close(measures.spliced.divergence, runs.splicedDivergence))
      #expect(close(measures.zero.loss, runs.zeroLoss))
      #expect(close(measures.zero.divergence, runs.zeroDivergence))
      #expect(close(measures.mean.loss, runs.meanLoss))
      #expect(close(measures.mean.divergence, runs.meanDivergence))
      #expect(measures.tokens == batch.count)
    }
  }

  @Test func measuresAbsorptionAsDefined() throws {
    let words = try Reference.read().absorption
    #expect(words.contains { $0.full } && words.contains { $0.fraction > 0 && $0.fraction < 1 })
    for word in words {
      let active = word.acts.indices.filter { word.acts[$0] > 0 }
      let latents = SparseLatents(
        latents: word.acts.count, offsets: [0, active.count], indices: active.map { Int32($0) },
        values: active.map { word.acts[$0] })
      let found = FeatureAbsorption.absorption(
        latents, row: 0, cosines: word.cosines, projection: word.projection, main: Set(word.main))
      #expect(abs(found.fraction - word.fraction) < 1e-5)
      #expect(found.isFull == word.full)
    }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let dictionary = try Fixtures.dictionary("saelens-topk")
    let x = try Fixtures.expected("saelens-topk").x
    func name(_ dictionary: SparseAutoencoder, _ source: MemorySource, site: String? = nil) -> String? {
      do {
        _ = try dictionary.reconstruction(of: source, site: site)
        return nil
      } catch let fault as Fault {
        return fault.name
      } catch {
        return "\(error)"
      }
    }
    #expect(name(dictionary, source(x, site: "blocks.0.hook_resid_post")) == "dictionary.site")
    #expect(name(dictionary, source(x, site: "other"), site: "other") == nil)
    #expect(
      name(dictionary, source(Matrix(zeros: 20, columns: 9), site: "blocks.1.hook_resid_post")) == "dictionary.width")
    #expect(
      name(dictionary, source(Matrix(zeros: 20, columns: 8), site: "blocks.1.hook_resid_post"))
        == "dictionary.constantActivations")
    var bad = x
    bad.elements[13] = .nan
    #expect(name(dictionary, source(bad, site: "blocks.1.hook_resid_post")) == "dictionary.notFiniteActivations")
    var others = dictionary
    others.configuration.origin = .init(model: "another", modelDigest: "ff", version: "0")
    #expect(name(others, source(x, site: "blocks.1.hook_resid_post")) == "dictionary.otherModel")
    var special = source(x, site: "blocks.1.hook_resid_post")
    special.tokenTable.special = special.tokenTable.special.map { _ in 1 }
    #expect(name(dictionary, special) == "dictionary.noRows")
  }
}
