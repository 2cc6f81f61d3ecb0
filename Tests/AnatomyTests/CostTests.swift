import Anatomy
import Architectures
import Foundation
import StrictJSON
import Testing

@Suite("Costs")
struct CostTests {
  func preset(_ name: String) throws -> Architecture { try #require(Preset.named(name)).architecture() }

  @Test("names are found whatever their case and separators")
  func names() {
    #expect(Preset.named("GPT2")?.name == "gpt2")
    #expect(Preset.named("gpt-2")?.name == "gpt2")
    #expect(Preset.named("Llama3-8B")?.name == "llama-3-8b")
    #expect(Preset.named("Mixtral-8x7B")?.name == "mixtral-8x7b")
    #expect(Preset.named("deepseek-r1")?.title.contains("R1") == true)
    #expect(Preset.named("nothing") == nil)
    #expect(WidthOnly.named("Claude 3 Opus")?.width == 12_288)
    #expect(Set(Preset.all.map(\.name)).count == Preset.all.count)
  }

  @Test("neurons, heads and those awake")
  func neurons() throws {
    let gpt2 = try preset("gpt2").neurons
    #expect(gpt2.embeddingDimensions == 768)
    #expect(gpt2.total == 36_864)
    #expect(gpt2.awake == gpt2.total)
    #expect(gpt2.heads == 144)
    let mixtral = try preset("mixtral-8x7b").neurons
    #expect(mixtral.perExpertLayer == 8 * 14_336)
    #expect(mixtral.awakePerExpertLayer == 2 * 14_336)
    let deepSeek = try preset("deepseek-v3").neurons
    #expect(deepSeek.total == 3 * 18_432 + 58 * 257 * 2048)
    #expect(deepSeek.awake == 3 * 18_432 + 58 * 9 * 2048)
  }

  @Test("parameters that a token uses")
  func active() throws {
    // Published as 12.9 B (arXiv 2401.04088) and 37 B (arXiv 2412.19437).
    let mixtral = try ModelAnatomy(preset("mixtral-8x7b"))
    #expect(mixtral.activeParameters == 12_879_925_248)
    let deepSeek = try ModelAnatomy(preset("deepseek-v3"))
    #expect((37_000_000_000..<38_000_000_000).contains(deepSeek.activeParameters))
    let dense = try ModelAnatomy(preset("gpt2"))
    #expect(dense.activeParameters == dense.parameters)
  }

  @Test("a mean over visible keys equals the sum over tokens", arguments: [1, 5, 6, 7, 40])
  func meanKeys(length: Int) throws {
    var architecture = try preset("gemma-2-2b")
    for layer in 0..<architecture.layers { architecture.blocks[layer].attention.window = 6 }
    let sum = (1...length).reduce(0) { $0 + min($1, 6) }
    let mean = architecture.meanKeys(sequence: length, layer: 0)
    #expect(abs(mean - Double(sum) / Double(length)) < 1e-12)
    architecture.blocks[1].attention.window = nil
    #expect(architecture.meanKeys(sequence: length, layer: 1) == Double(length + 1) / 2)
  }

  @Test("the cache of keys and values")
  func cache() throws {
    // GPT-2 small: 2 · 12 heads · 64 · 12 layers numbers a token.
    #expect(try preset("gpt2").cachedNumbers(sequence: 1024) == 1024 * 12 * 2 * 768)
    // Llama 2 70B shares each key among eight queries.
    #expect(try preset("llama-2-70b").blocks[0].attention.cachedNumbers == 2 * 8 * 128)
    // DeepSeek-V3 keeps 512 + 64 numbers a layer.
    let deepSeek = try preset("deepseek-v3")
    #expect(deepSeek.cachedNumbers(sequence: 10) == 10 * 61 * 576)
    #expect(deepSeek.expandedCacheNumbers(sequence: 1) == 61 * 128 * (192 + 128))
    // Mistral's window holds 4096 tokens.
    #expect(try preset("mistral-7b").cachedNumbers(sequence: 32_768) == 4096 * 32 * 2048)
  }

  @Test("what doubling does")
  func doubling() throws {
    let anatomy = try ModelAnatomy(preset("gpt2"))
    let changes = Dictionary(uniqueKeysWithValues: anatomy.doublings.map { ($0.dimension, $0) })
    let vocabulary = try #require(changes[.vocabulary])
    #expect(abs(vocabulary.parameters - Double(124_439_808 + 50_257 * 768) / 124_439_808) < 1e-12)
    #expect(vocabulary.cache == 1 && vocabulary.neurons == 1)
    let width = try #require(changes[.width])
    #expect(width.parameters > 3 && width.parameters < 4)
    #expect(width.cache == 2 && width.neurons == 2 && width.residualStore == 2)
    let depth = try #require(changes[.depth])
    #expect(depth.cache == 2 && depth.neurons == 2 && depth.parameters < 2)
    let sequence = try #require(changes[.sequence])
    #expect(sequence.cache == 2 && sequence.neurons == 1 && sequence.textFlops > 2)
    // The doubled model is a model: twice the width, twice the heads, the heads as wide as before.
    let wider = try preset("deepseek-v3").doubled(.width, sequence: 10)
    #expect(wider.blocks[60].attention.headWidth == 192)
    #expect(wider.blocks[60].attention.latent?.keyValueRank == 1024)
    let deeper = try preset("deepseek-v3").doubled(.depth, sequence: 10)
    #expect(deeper.blocks.count { $0.experts != nil } == 116 && deeper.blocks.count { $0.mlp != nil } == 6)
  }

  @Test("positions that begin behind padding grow by as many rows as the text needs")
  func positions() throws {
    let opt = try preset("opt-125m").doubled(.sequence, sequence: 2048)
    #expect(opt.embedding.positions?.rows == 4098 && opt.longestDocument == 4096)
    let narrow = try preset("opt-350m").doubled(.width, sequence: 10)
    #expect(narrow.embedding.tokenWidth == 1024 && narrow.width == 2048)
  }

  @Test("layers, operations and components add up", arguments: Preset.all.map(\.name))
  func sums(name: String) throws {
    let anatomy = try ModelAnatomy(preset(name))
    #expect(anatomy.layers.reduce(0) { $0 + $1.count * $1.parameters } == anatomy.blockParameters)
    #expect(anatomy.layers.reduce(0) { $0 + $1.count } == anatomy.architecture.layers)
    let operations = anatomy.operations.reduce(0) { $0 + $1.flops * Double($1.layers) }
    #expect(abs(operations / anatomy.flopsPerToken - 1) < 1e-12)
    #expect(anatomy.weights + anatomy.biases == anatomy.parameters)
    #expect(anatomy.operations.contains { $0.dependsOnWidth } && anatomy.operations.contains { !$0.dependsOnWidth })
    #expect(!anatomy.architecture.derivation(sequence: anatomy.sequence).isEmpty)
  }

  @Test("the rule of thumb is the blocks of GPT-2 but for biases and norms")
  func rule() throws {
    let gpt2 = try ModelAnatomy(preset("gpt2"))
    let small = gpt2.components.filter { $0.part == .norm && $0.layers != nil }.reduce(0) { $0 + $1.parameters }
    let biases = gpt2.components.filter { $0.part != .norm && $0.layers != nil }.reduce(0) { $0 + $1.biases }
    #expect(gpt2.ruleOfThumb == gpt2.blockParameters - small - biases)
  }

  @Test("bytes by type")
  func bytes() {
    #expect(WeightType.int4.bytes(3) == 2)
    #expect(WeightType.float32.bytes(3) == 12)
    #expect(WeightType.bfloat16.bytes(3) == 6)
  }
}
