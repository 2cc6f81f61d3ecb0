import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Testing
import Transformer

/// A logit's parts that a dictionary's features carry: they sum to the site's part, and with the rest of the model to the logit.
@Suite struct LatentAttributionTests {
  static func model(_ name: String) throws -> Model {
    try Model.load(
      URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "TransformerTests/Fixtures/\(name)"))
  }

  static func dictionary(
    _ input: Site, _ output: Site? = nil, width: Int, outputWidth: Int? = nil, seed: UInt64 = 1, skip: Bool = false,
    change: (inout SparseAutoencoder.Configuration) -> Void = { _ in }
  ) -> SparseAutoencoder {
    var generator = SeededGenerator(seed: seed)
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in Float(generator.normal()) * 0.4 })
    }
    let (m, latents) = (outputWidth ?? width, 24)
    var configuration = SparseAutoencoder.Configuration(
      architecture: .standard, inputWidth: width, outputWidth: m, latents: latents, hookIn: input.name,
      hookOut: output?.name)
    change(&configuration)
    return SparseAutoencoder(
      configuration: configuration, encoder: matrix(latents, width),
      encoderBias: (0..<latents).map { _ in Float(generator.normal()) * 0.2 }, decoder: matrix(latents, m),
      decoderBias: (0..<m).map { _ in Float(generator.normal()) * 0.2 }, skip: skip ? matrix(m, width) : nil)
  }

  static let tokens: [Int32] = [3, 9, 1, 14, 7, 20, 2]

  private func close(_ a: Double, _ b: Double, _ size: Double) -> Bool { abs(a - b) <= 1e-5 * max(1, size) }

  @Test(arguments: ["gpt2", "llama", "gemma2", "olmo2", "granite", "cohere", "mixtral", "gpt_neox"])
  func itSumsToTheLogit(_ name: String) throws {
    let model = try Self.model(name)
    let (width, last) = (model.architecture.width, model.architecture.layers - 1)
    let whole = try model.attributeLogit(of: 5, against: 8, in: Self.tokens)
    let size = abs(whole.logit) + whole.layers.reduce(0) { $0 + abs($1.attention) + abs($1.mlp) }
    func parts(_ dictionary: SparseAutoencoder) throws -> LatentAttribution {
      let found = try dictionary.attributeLogit(of: 5, against: 8, in: Self.tokens, model: model, name: "d")
      let part = try #require(found.first)
      #expect(found.count == 1 && !part.latents.isEmpty)
      #expect(close(part.sum, part.part, size), "\(name) \(part.site): \(part.sum) \(part.part)")
      #expect(close(part.logit, whole.logit, size))
      for latent in part.latents { #expect(close(latent.contribution, latent.activation * latent.effect, size)) }
      return part
    }
    // The stream behind the last block is everything but the constant.
    let stream = try parts(Self.dictionary(Site(.residPost, layer: last), width: width))
    #expect(close(stream.sum + whole.constant, whole.logit, size))
    // The stream behind the first is what was written to it, and the later layers add the rest.
    let early = try parts(
      Self.dictionary(Site(.residPost, layer: 0), width: width) { $0.normalization = .layerNorm })
    let rest = whole.layers.dropFirst().reduce(whole.constant) { $0 + $1.attention + $1.mlp }
    #expect(close(early.sum + rest, whole.logit, size))
    let rescaled = try parts(
      Self.dictionary(Site(.residPre, layer: 1), width: width) { $0.rescaleByDecoderNorm = true })
    #expect(close(rescaled.part, early.part, size))
    // What a branch adds.
    let attention = try parts(Self.dictionary(Site(.attentionOut, layer: last), width: width))
    #expect(close(attention.sum, whole.layers[last].attention, size))
    let mlp = try parts(
      Self.dictionary(Site(.mlpOut, layer: 0), width: width) { $0.normalization = .constantNormRescale })
    #expect(close(mlp.sum, whole.layers[0].mlp, size))
    // A transcoder, with a path past its latents.
    let transcoder = try parts(
      Self.dictionary(Site(.mlpIn, layer: 0), Site(.mlpOut, layer: 0), width: width, skip: true))
    #expect(close(transcoder.sum, whole.layers[0].mlp, size) && transcoder.skip != nil)
    // Heads' values and an MLP's neurons, by way of the projection behind them.
    let mixed = model.architecture.blocks[last].attention.mixedWidth
    let heads = try parts(Self.dictionary(Site(.mixed, layer: last), width: mixed))
    #expect(close(heads.sum, whole.layers[last].heads.reduce(0, +), size))
    if let neurons = model.architecture.neurons(layer: last) {
      let found = try parts(Self.dictionary(Site(.mlpPost, layer: last), width: neurons))
      #expect(close(found.sum, whole.layers[last].neurons.reduce(0, +), size))
    }
  }

  @Test func aCrosscoderHasAPartAtEachSite() throws {
    let model = try Self.model("gpt2")
    let (width, sites) = (16, ["blocks.0.hook_resid_post", "blocks.1.hook_resid_post"])
    let crosscoder = Self.dictionary(Site(.residPost, layer: 0), width: 2 * width) { configuration in
      configuration.crosscoder = sites.map { CrosscoderSite(site: $0, width: width, scale: 0.5) }
      configuration.hookIn = sites.joined(separator: "+")
      configuration.hookOut = configuration.hookIn
    }
    let whole = try model.attributeLogit(of: 5, in: Self.tokens)
    let parts = try crosscoder.attributeLogit(of: 5, in: Self.tokens, model: model, name: "c")
    #expect(parts.map(\.site) == sites)
    #expect(parts.allSatisfy { close($0.sum, $0.part, abs(whole.logit)) })
    #expect(close(parts[1].sum + whole.constant, whole.logit, abs(whole.logit)))
    #expect(parts[0].latents.map(\.latent).sorted() == parts[1].latents.map(\.latent).sorted())
  }

  @Test func whatDoesNotCountIsSaid() throws {
    let model = try Self.model("gpt2")
    func fault(_ dictionary: SparseAutoencoder) -> String? {
      do {
        _ = try dictionary.attributeLogit(of: 5, in: Self.tokens, model: model, name: "d")
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(fault(Self.dictionary(Site(.mlpIn, layer: 0), width: 16)) == "transformer.noAttribution")
    #expect(fault(Self.dictionary(Site(.residPost, layer: 0), width: 8)) == "dictionary.width")
    #expect(fault(Self.dictionary(Site(.residPost, layer: 4), width: 16)) == "dictionary.modelSite")
  }
}

@Suite struct DictionaryGridTests {
  @Test func everyCombinationComesOnce() {
    let grid = DictionaryGrid(
      architecture: .standard, latents: [64, 128], ks: [8, 16], sparsities: [1, 2, 3], repeats: 2, seed: 5)
    let settings = grid.settings { $0.decay = 0.5 }
    #expect(settings.count == 24 && settings.allSatisfy { $0.decay == 0.5 })
    #expect(settings.map(\.seed).prefix(4) == [5, 6, 5, 6])
    #expect(Set(settings.map { "\($0.latents) \($0.k) \($0.sparsity) \($0.seed)" }).count == 24)
    // Without weights of its own each architecture has its default.
    #expect(DictionaryGrid(architecture: .gated).settings().map(\.sparsity) == [5])
  }

  @Test func repeatsAreAsAlikeAsTheirDirections() {
    let grid = DictionaryGrid(architecture: .standard, repeats: 2)
    let site = Site(.residPost, layer: 0)
    let one = LatentAttributionTests.dictionary(site, width: 16, seed: 1)
    let other = LatentAttributionTests.dictionary(site, width: 16, seed: 2)
    let found = grid.likeness([one, one, one, other])
    #expect(found.count == 2 && abs(found[0] - 1) < 1e-5 && found[1] < 0.9)
  }

  @Test func theSitesBesideAreThoseOfTheLayer() {
    let dictionary = LatentAttributionTests.dictionary(Site(.residMid, layer: 3), width: 16)
    #expect(dictionary.sitesBeside == ["blocks.3.mlp.hook_post", "blocks.3.hook_resid_post"])
    #expect(LatentAttributionTests.dictionary(Site(.embed), width: 16).sitesBeside.isEmpty)
  }
}
