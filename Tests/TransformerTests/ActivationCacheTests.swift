import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

/// The arithmetic of a cache against TransformerLens's (Scripts/references/cache.py), and what must hold in every family.
@Suite struct ActivationCacheTests {
  struct Expected: Decodable {
    struct Stack: Decodable {
      let labels: [String]
      /// At the last token. Shape: [components, d_model].
      let values: [Double]
    }
    let tokens: [Int32]
    let right: Int32
    let wrong: Int32
    let accumulated: Stack
    let decomposed: Stack
    /// Shape: [components, tokens].
    let logits: [Double]
    /// Shape: [layers, heads, d_model].
    let heads: [Double]
  }

  private func last(_ stack: ResidualStack) -> [Float] { stack.components.flatMap { $0.row($0.rows - 1) } }

  @Test func arithmeticIsTransformerLenss() throws {
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: Reference.folder("cache.json")))
    let model = try Model.load(Reference.folder("gpt2"))
    let sites = try model.architecture.select(sites: ActivationCache.residualSites + ",result")
    let cache = try model.cache(expected.tokens, sites: sites)
    let accumulated = try cache.accumulatedResidual(includesMiddle: true)
    #expect(accumulated.labels == expected.accumulated.labels)
    #expect(relativeError(last(accumulated), expected.accumulated.values.map { Float($0) }) < 1e-5)
    let decomposed = try cache.decomposeResidual()
    #expect(decomposed.labels == expected.decomposed.labels)
    #expect(relativeError(last(decomposed), expected.decomposed.values.map { Float($0) }) < 1e-5)
    let logits = try cache.logitAttributions(of: decomposed, token: expected.right, against: expected.wrong)
    #expect(relativeError(logits.flatMap { $0.map { Float($0) } }, expected.logits.map { Float($0) }) < 1e-5)
    let heads = try cache.headResults()
    #expect(heads.labels.prefix(2) == ["L0H0", "L0H1"])
    #expect(relativeError(last(heads), expected.heads.map { Float($0) }) < 1e-5)
  }

  @Test(arguments: RunStartTests.causal) func partsSumToTheStream(_ name: String) throws {
    let model = try Model.load(Reference.folder(name))
    let architecture = model.architecture
    let known = Set(architecture.sites.compactMap(\.shorthand))
    let names = ActivationCache.residualSites.split(separator: ",").map(String.init).filter(known.contains)
    let cache = try model.cache([3, 7, 1, 9], sites: architecture.select(sites: names.joined(separator: ",")))
    guard architecture.blocks.allSatisfy({ $0.normPlace != .onStream }) else {
      let fault = #expect(throws: Fault.self) { try cache.decomposeResidual() }
      #expect(fault?.name == "transformer.noAttribution")
      return
    }
    let layers = architecture.layers
    let whole = try cache.value("resid_post", layer: layers - 1)
    #expect(relativeError(try cache.decomposeResidual().sum.elements, whole.elements) < 1e-5, "\(name)")
    let before = try cache.value("resid_pre", layer: layers - 1)
    #expect(relativeError(try cache.decomposeResidual(upTo: layers - 1).sum.elements, before.elements) < 1e-5)
    let accumulated = try cache.accumulatedResidual()
    #expect(accumulated.components.last == whole.matrix)
    #expect(accumulated.components.count == layers + 1)
  }

  @Test func valuesHaveNamesAndShapes() throws {
    let model = try Model.load(Reference.folder("gpt2"))
    let tokens: [Int32] = [3, 7, 1, 9, 4]
    let cache = try model.cache(tokens, sites: model.architecture.select(sites: "z,pattern,resid_post,result"))
    let heads = model.architecture.blocks[0].attention.heads
    let pattern = try cache.value("pattern", layer: 1)
    #expect(pattern.axes == ["tokens", "heads", "keys"] && pattern.shape == [5, heads, 5])
    for token in 0..<5 {
      for head in 0..<heads {
        let row = pattern[token].dropFirst(head * 5).prefix(5)
        #expect(abs(row.reduce(0, +) - 1) < 1e-5)
      }
    }
    #expect(try cache.value("blocks.0.attn.hook_z") == cache.value("z", layer: 0))
    #expect(cache.stack(.residPost).count == 2)
    let fault = #expect(throws: Fault.self) { try cache.value("mlp_post", layer: 0) }
    #expect(fault?.name == "transformer.notCached")
    let mixture = try Model.load(Reference.folder("mixtral"))
    let inside = #expect(throws: Fault.self) {
      try mixture.cache(tokens, sites: mixture.architecture.select(sites: "expert_post"))
    }
    #expect(inside?.name == "transformer.inExpert")
  }

  @Test func filesHoldTheValues() throws {
    let folder = try TemporaryFolder()
    let model = try Model.load(Reference.folder("gpt2"))
    let cache = try model.cache([3, 7, 1], sites: model.architecture.select(sites: "z,resid_post"))
    try cache.write(to: folder.file("cache.safetensors"))
    let file = try SafetensorsFile(contentsOf: folder.file("cache.safetensors"))
    let z = try cache.value("z", layer: 1)
    #expect(try file[z.site.name]?.floats() == z.elements)
    #expect(file[z.site.name]?.shape == z.shape)

    try cache.write(to: folder.file("cache.npz"))
    #expect(try Data(contentsOf: folder.file("cache.npz")).prefix(2) == Data("PK".utf8))
  }
}
