import Anatomy
import Architectures
import Foundation
import Testing

/// Components against the list of weights that a checkpoint must hold: two descriptions, written apart.
@Suite("Components are the weights")
struct WeightTests {
  func check(_ architecture: Architecture, sourceLocation: SourceLocation = #_sourceLocation) {
    var weights = 0
    var biases = 0
    for (key, shape) in architecture.weights where key.role != .routerCorrection {
      if key.role != .unembedding || !architecture.head.isTied { weights += shape.sizes.reduce(1, *) }
      if shape.hasBias { biases += shape.sizes[0] }
    }
    if architecture.head.hasPooler {
      weights += architecture.width * architecture.width
      biases += architecture.width
    }
    let components = architecture.components
    #expect(components.reduce(0) { $0 + $1.weights } == weights, sourceLocation: sourceLocation)
    #expect(components.reduce(0) { $0 + $1.biases } == biases, sourceLocation: sourceLocation)
  }

  @Test("of presets", arguments: Preset.all.map(\.name))
  func presets(name: String) throws { check(try #require(Preset.named(name)).architecture()) }

  @Test("of every configuration with a reference", arguments: Reference.all)
  func references(reference: Reference.Case) throws { check(try reference.architecture()) }

  @Test("of the tiny models of every family", arguments: TinyModel.all)
  func tiny(model: TinyModel) throws { check(try Architecture(folder: model.folder)) }

  @Test("of models whose layers have nothing in common")
  func mixed() throws {
    let all = try [
      "deepseek-v3", "gpt2", "gpt-oss-20b", "stablelm-2-12b", "olmo-7b", "qwen1.5-moe-a2.7b", "gemma-3-1b",
    ]
    .map { try #require(Preset.named($0)).architecture() }
    var mixed = all[0]
    mixed.blocks = all.flatMap { $0.blocks[..<3] + [$0.blocks[$0.layers - 1]] }
    check(mixed)
    let anatomy = try ModelAnatomy(mixed, sequence: 10)
    #expect(anatomy.layers.reduce(0) { $0 + $1.count * $1.parameters } == anatomy.blockParameters)
    #expect(anatomy.components.filter { $0.name == "W_Q" }.count > 1)
    let operations = anatomy.operations.reduce(0) { $0 + $1.flops * Double($1.layers) }
    #expect(abs(operations / anatomy.flopsPerToken - 1) < 1e-12)
    #expect(mixed.doubled(.depth, sequence: 10).parameters > mixed.parameters)
    #expect(!mixed.derivation(sequence: 10).isEmpty)
  }
}
