import Activations
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import Interventions
import LinearAlgebra
import Probes
import TestFiles
import Testing
import Tokenization
import Transformer

/// Directions by what a user calls them: where they come from, where they may go, and what is refused.
@Suite struct DirectionTests {
  static let mini = Result { try Session("unfold-mini") }
  static let width = 256

  static func fixture(_ name: String) -> URL { Bundle.module.resourceURL!.appending(path: "Fixtures/\(name)") }

  private func wave(_ seed: UInt64, _ count: Int = width) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float(generator.normal()) }
  }

  @Test func aProbesDirectionIsItsWeights() throws {
    let session = try Self.mini.get()
    let url = Self.fixture("citations.safetensors")
    let probe = try Probe(contentsOf: url)
    let direction = try #require(try Direction.load(url.path, for: session).first)
    #expect(direction.kind == .probe)
    #expect(direction.site == Site(.residPost, layer: 2))
    #expect(direction.values == probe.classifier.weights.row(0))
    #expect(try Direction.load(url.path + ":citation", for: session)[0].values == direction.values)
    #expect(try Direction.load(url.path + ":prose", for: session)[0].values == direction.values.map { -$0 })
    // In the residual stream a direction may go anywhere; elsewhere it may not.
    let sites = [Site(.residPre, layer: 0), Site(.mlpOut, layer: 3)]
    #expect(try Direction.load(url.path, for: session, at: sites).map(\.site) == sites)
    #expect(
      fault { _ = try Direction.load(url.path, for: session, at: [Site(.mlpPost, layer: 2)]) }?.name
        == "direction.otherSite")
    #expect(fault { _ = try Direction.load(url.path + ":nothing", for: session) }?.name == "direction.class")
  }

  @Test func vectorsAndControlVectorsComeBackEqual() throws {
    let session = try Self.mini.get()
    let folder = try TemporaryFolder()
    let directions = try [1, 3].map {
      try Direction(wave($0), name: "v", kind: .vector, at: Site(.residPost, layer: Int($0)), in: session.model)
    }
    for name in ["v.safetensors", "v.gguf"] {
      let url = folder.file(name)
      try Direction.write(directions, of: session, to: url)
      let read = try Direction.load(url.path, for: session)
      #expect(read.map(\.site) == directions.map(\.site))
      #expect(read.map(\.values) == directions.map(\.values))
      // One of them, by the sites or by its name.
      let one = try Direction.load(url.path, for: session, at: [Site(.residPost, layer: 3), Site(.residMid, layer: 1)])
      #expect(one.map(\.values) == [directions[1].values])
      let part = name == "v.gguf" ? "3" : "blocks.3.hook_resid_post"
      #expect(try Direction.load("\(url.path):\(part)", for: session).map(\.values) == [directions[1].values])
      #expect(fault { _ = try Direction.load("\(url.path):7", for: session) }?.name == "direction.tensor")
      #expect(
        fault { _ = try Direction.load(url.path, for: session, at: [Site(.residPost, layer: 0)]) }?.name
          == "direction.otherSite")
    }
    let mixed =
      directions + [try Direction(wave(5), name: "v", kind: .vector, at: Site(.mlpOut, layer: 0), in: session.model)]
    #expect(
      fault { try Direction.write(mixed, of: session, to: folder.file("w.gguf")) }?.name == "direction.notInGGUF")
    #expect(
      fault { try Direction.write(directions + directions, of: session, to: folder.file("w.safetensors")) }?.name
        == "direction.twice")
  }

  /// Files that repeng's `ControlVector.export_gguf` and safetensors' own writer have made; see
  /// `Scripts/references/steering.py`.
  @Test func filesOfOthersAreRead() throws {
    let session = try Self.mini.get()
    let foreign = try ControlVector(contentsOf: Self.fixture("repeng.gguf"))
    #expect(foreign.modelHint == "gpt2")
    #expect(foreign.layers.keys.sorted() == [1, 2, 3])
    // Element j of layer n is n + j / 256.
    for (layer, values) in foreign.layers {
      #expect(values == (0..<Self.width).map { Float(layer) + Float($0) / 256 })
    }
    let directions = try Direction.load(Self.fixture("repeng.gguf").path, for: session)
    #expect(directions.map(\.site) == (1...3).map { Site(.residPost, layer: $0) })
    #expect(directions.allSatisfy { $0.kind == .controlVector })
    // A bare vector says nothing of its site.
    let bare = Self.fixture("bare.safetensors").path
    #expect(fault { _ = try Direction.load(bare, for: session) }?.name == "direction.tensor")
    #expect(fault { _ = try Direction.load(bare + ":half", for: session) }?.name == "direction.noSite")
    let placed = try Direction.load(bare + ":half", for: session, at: [Site(.residPre, layer: 1)])
    #expect(placed.map(\.values) == [(0..<Self.width).map { Float($0) / 256 }])
    #expect(
      fault { _ = try Direction.load(bare + ":matrix", for: session, at: [Site(.residPre, layer: 1)]) }?.name
        == "direction.tensor")
    #expect(
      fault { _ = try Direction.load(bare + ":short", for: session, at: [Site(.residPre, layer: 1)]) }?.name
        == "direction.width")
  }

  @Test func aFeaturesDirectionIsWhatItAdds() throws {
    let session = try Self.mini.get()
    let folder = try TemporaryFolder()
    var dictionary = SparseAutoencoder(
      configuration: .init(
        architecture: .topK, inputWidth: Self.width, latents: 6, k: 2, hookIn: "blocks.1.hook_resid_post",
        rescaleByDecoderNorm: true),
      encoder: Matrix(rows: 6, columns: Self.width, elements: wave(1, 6 * Self.width)),
      encoderBias: [Float](repeating: 0.1, count: 6),
      decoder: Matrix(rows: 6, columns: Self.width, elements: wave(2, 6 * Self.width)),
      decoderBias: [Float](repeating: 0, count: Self.width))
    let url = folder.file("sae")
    try dictionary.save(folder: url)
    let direction = try #require(try Direction.load(url.path + ":3", for: session).first)
    #expect(direction.site == Site(.residPost, layer: 1))
    let feature = try #require(direction.feature)
    // What decoding adds for a unit of activation.
    let one = SparseLatents(latents: 6, offsets: [0, 1], indices: [3], values: [1])
    let rebuilt = dictionary.decode(one).row(0)
    for (a, b) in zip(direction.values, rebuilt) { #expect(abs(a - b) < 1e-6) }
    let rows = Matrix(rows: 3, columns: Self.width, elements: wave(4, 3 * Self.width))
    let latents = dictionary.encode(rows)
    #expect(feature.activations(in: rows) == (0..<3).map { latents[$0, 3] })
    for part in ["6", "-1", "x", ""] {
      #expect(fault { _ = try Direction.load(url.path + ":" + part, for: session) }?.name == "direction.feature")
    }
    #expect(fault { _ = try Direction.load(url.path, for: session) }?.name == "direction.feature")
    dictionary.configuration.origin = Origin(model: "other", modelDigest: "0123", version: "1")
    #expect(
      fault { _ = try Direction.feature(0, of: dictionary, name: "sae", in: session.model) }?.name
        == "direction.otherModel")
    dictionary.configuration.origin = nil
    dictionary.configuration.hookIn = "blocks.9.hook_resid_post"
    #expect(
      fault { _ = try Direction.feature(0, of: dictionary, name: "sae", in: session.model) }?.name
        == "dictionary.modelSite")
  }

  @Test(arguments: ContrastPrompts.Pooling.allCases)
  func aContrastIsTheDifferenceOfMeans(_ pooling: ContrastPrompts.Pooling) throws {
    let session = try Self.mini.get()
    let site = Site(.residPost, layer: 1)
    let prompts = ContrastPrompts(
      positive: ["The king and the", "One"], negative: ["def main():", "import os", "x = 1"], pooling: pooling)
    let direction = try Direction.contrast(prompts, at: [Site(.mlpPost, layer: 0), site], in: session)[1]
    // One prompt at a time, by the cache.
    func mean(_ texts: [String]) throws -> [Double] {
      var sum = [Double](repeating: 0, count: Self.width)
      for text in texts {
        let tokens = try session.tokens(of: text)
        let value = try session.model.cache(tokens, sites: [site]).values[0].elements
        let special = try session.requireTokenizer().encode(text).special
        let rows = pooling == .last ? [tokens.count - 1] : tokens.indices.filter { !special[$0] }
        for row in rows {
          for column in sum.indices {
            sum[column] += Double(value[row * Self.width + column]) / Double(rows.count * texts.count)
          }
        }
      }
      return sum
    }
    let (positive, negative) = (try mean(prompts.positive), try mean(prompts.negative))
    let largest = direction.values.map(abs).max() ?? 0
    for column in 0..<Self.width {
      #expect(abs(Double(direction.values[column]) - (positive[column] - negative[column])) < 1e-5 * Double(largest))
    }
    #expect(
      fault { _ = try Direction.contrast(ContrastPrompts(positive: ["a"], negative: []), at: [site], in: session) }?
        .name == "direction.noPrompts")
    #expect(
      fault { _ = try Direction.contrast(ContrastPrompts(positive: ["a"], negative: ["a"]), at: [site], in: session) }?
        .name == "direction.zero")
  }

  @Test func whatIsNoDirectionIsRefused() throws {
    let session = try Self.mini.get()
    let model = session.model
    let site = Site(.residPost, layer: 0)
    func refused(_ values: [Float], _ site: Site) -> String? {
      fault { _ = try Direction(values, name: "v", kind: .vector, at: site, in: model) }?.name
    }
    #expect(refused(wave(1, 255), site) == "direction.width")
    #expect(refused(wave(1), Site(.pattern, layer: 0)) == "direction.width")
    #expect(refused([Float](repeating: 0, count: Self.width), site) == "direction.zero")
    #expect(refused(wave(1, 255) + [.nan], site) == "direction.notFinite")
    #expect(refused(wave(1, 255) + [.infinity], site) == "direction.notFinite")
    #expect(refused(wave(1), Site(.residPost, layer: 4)) == "transformer.unknownSite")
    #expect(fault { _ = try Direction.load("nowhere:1", for: session) }?.name == "direction.notFound")
    let folder = try TemporaryFolder()
    let text = try folder.write("not a file of tensors", "x.safetensors")
    #expect(fault { _ = try Direction.load(text.path, for: session) }?.name.hasPrefix("checkpoints.") == true)
    let empty = folder.file("empty.gguf")
    try GGUFWriter.write([], metadata: [("general.architecture", .string("llama"))], to: empty)
    #expect(fault { _ = try Direction.load(empty.path, for: session) }?.name == "direction.notAControlVector")
    try GGUFWriter.write([], metadata: [("general.architecture", .string("controlvector"))], to: empty)
    #expect(fault { _ = try Direction.load(empty.path, for: session) }?.name == "direction.tensor")
    try GGUFWriter.write(
      [.init(name: "direction.9", shape: [Self.width], floats: wave(1))],
      metadata: [("general.architecture", .string("controlvector"))], to: empty)
    #expect(fault { _ = try Direction.load(empty.path, for: session) }?.name == "direction.otherSite")
    // Another model's.
    try SafetensorsWriter.write(
      [.init(name: site.name, shape: [Self.width], floats: wave(1))], metadata: ["model_digest": "00"],
      to: folder.file("other.safetensors"))
    #expect(
      fault { _ = try Direction.load(folder.file("other.safetensors").path, for: session) }?.name
        == "direction.otherModel")
  }
}

/// The fault that a body throws.
func fault(_ body: () throws -> Void) -> Fault? {
  do {
    try body()
    return nil
  } catch { return error as? Fault }
}
