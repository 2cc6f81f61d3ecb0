import Activations
import Checkpoints
import Foundation
import LinearAlgebra
import TestFiles
import Transformer

/// Models of random weights, small enough to be made in a test.
enum TinyModel {
  /// Two GPT-2 blocks of width 16, 64 neurons, 50 tokens, 32 positions.
  static func gpt2(in folder: TemporaryFolder, seed: UInt64 = 1) throws -> Model {
    var tensors = Weights(seed: seed)
    tensors.add("wte.weight", [50, 16])
    tensors.add("wpe.weight", [32, 16])
    for layer in 0..<2 {
      for norm in ["ln_1", "ln_2"] { tensors.addNorm("h.\(layer).\(norm)", 16) }
      tensors.add("h.\(layer).attn.c_attn.weight", [16, 48])
      tensors.add("h.\(layer).attn.c_attn.bias", [48])
      tensors.add("h.\(layer).attn.c_proj.weight", [16, 16])
      tensors.add("h.\(layer).attn.c_proj.bias", [16])
      tensors.add("h.\(layer).mlp.c_fc.weight", [16, 64])
      tensors.add("h.\(layer).mlp.c_fc.bias", [64])
      tensors.add("h.\(layer).mlp.c_proj.weight", [64, 16])
      tensors.add("h.\(layer).mlp.c_proj.bias", [16])
    }
    tensors.addNorm("ln_f", 16)
    let config = """
      {"model_type": "gpt2", "n_layer": 2, "n_embd": 16, "n_head": 2, "n_positions": 32, "vocab_size": 50}
      """
    return try write(tensors, config, in: folder)
  }

  /// Two Llama blocks of width 16, 24 gated neurons, 50 tokens, a context of 32.
  static func llama(in folder: TemporaryFolder) throws -> Model {
    var tensors = Weights(seed: 2)
    tensors.add("model.embed_tokens.weight", [50, 16])
    for layer in 0..<2 {
      let block = "model.layers.\(layer)"
      tensors.addScale("\(block).input_layernorm.weight", 16)
      tensors.addScale("\(block).post_attention_layernorm.weight", 16)
      tensors.add("\(block).self_attn.q_proj.weight", [16, 16])
      tensors.add("\(block).self_attn.k_proj.weight", [8, 16])
      tensors.add("\(block).self_attn.v_proj.weight", [8, 16])
      tensors.add("\(block).self_attn.o_proj.weight", [16, 16])
      tensors.add("\(block).mlp.gate_proj.weight", [24, 16])
      tensors.add("\(block).mlp.up_proj.weight", [24, 16])
      tensors.add("\(block).mlp.down_proj.weight", [16, 24])
    }
    tensors.addScale("model.norm.weight", 16)
    tensors.add("lm_head.weight", [50, 16])
    let config = """
      {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2, "vocab_size": 50,
       "num_key_value_heads": 1, "intermediate_size": 24, "max_position_embeddings": 32, "rope_theta": 10000.0}
      """
    return try write(tensors, config, in: folder)
  }

  private static func write(_ tensors: Weights, _ config: String, in folder: TemporaryFolder) throws -> Model {
    let url = folder.url.appending(path: "model")
    try folder.write(Array(config.utf8), "model/config.json")
    try SafetensorsWriter.write(tensors.tensors, to: url.appending(path: "model.safetensors"))
    return try Model.load(url)
  }

  /// Changes one element of a float32 tensor of the model in a folder.
  static func enlarge(_ tensor: String, element: Int, to value: Float, in folder: TemporaryFolder) throws {
    let url = folder.url.appending(path: "model/model.safetensors")
    let file = try SafetensorsFile(contentsOf: url)
    try SafetensorsWriter.write(
      file.tensors.map { view in
        var floats = try view.floats()
        if view.name == tensor { floats[element] = value }
        return .init(name: view.name, shape: view.shape, floats: floats)
      }, to: url)
  }

  private struct Weights {
    var tensors: [SafetensorsWriter.Tensor] = []
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func add(_ name: String, _ shape: [Int], around middle: Float = 0) {
      let floats = (0..<shape.reduce(1, *)).map { _ in middle + Float(generator.normal()) * 0.3 }
      tensors.append(.init(name: name, shape: shape, floats: floats))
    }
    mutating func addScale(_ name: String, _ width: Int) { add(name, [width], around: 1) }
    mutating func addNorm(_ name: String, _ width: Int) {
      addScale(name + ".weight", width)
      add(name + ".bias", [width])
    }
  }
}

/// Documents of random tokens.
func randomDocuments(_ count: Int, lengths: ClosedRange<Int>, seed: UInt64 = 9) -> [Document] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { number in
    let length = lengths.lowerBound + generator.integer(below: lengths.count)
    return Document(
      id: "d\(number)", tokens: (0..<length).map { _ in Int32(generator.integer(below: 50)) },
      labels: ["label": .text(number % 3 == 0 ? "three" : "other")], group: "g\(number / 2)",
      spans: number % 4 == 0 ? [.init(start: 0, end: 1, label: .text("first"))] : [])
  }
}
