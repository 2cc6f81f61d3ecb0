import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

/// GGUF files whose metadata and tensors contradict each other: a refusal that names the file and the key.
@Suite struct GGUFFaultTests {
  /// A copy of a model in which some runs of bytes, each as long as what it replaces, are others.
  private func fault(_ name: String, _ changes: (old: [UInt8], new: [UInt8])...) throws -> Fault {
    let folder = try TemporaryFolder()
    var bytes = [UInt8](try Data(contentsOf: GGUFModelTests.file(name)))
    for (old, new) in changes {
      try #require(old.count == new.count)
      var found = 0
      for place in 0...bytes.count - old.count where bytes[place] == old[0] && bytes[place...].starts(with: old) {
        bytes.replaceSubrange(place..<place + old.count, with: new)
        found += 1
      }
      try #require(found > 0)
    }
    let file = folder.file("model.gguf")
    try Data(bytes).write(to: file)
    let found = #expect(throws: Fault.self) { try Model.load(file) }
    let fault = try #require(found)
    #expect(fault.file == file.path)
    #expect(fault.kind == .badData)
    #expect(!"\(fault)".contains("config.json"))
    return fault
  }

  private func number(_ key: String, _ value: UInt32) -> [UInt8] {
    Array(key.utf8) + withUnsafeBytes(of: UInt32(4).littleEndian, Array.init)
      + withUnsafeBytes(of: value.littleEndian, Array.init)
  }

  /// A change of an integer in the metadata.
  private func change(_ key: String, _ old: UInt32, to new: UInt32) -> (old: [UInt8], new: [UInt8]) {
    (number(key, old), number(key, new))
  }

  /// A change of any text.
  private func rename(_ old: String, _ new: String) -> (old: [UInt8], new: [UInt8]) {
    (Array(old.utf8), Array(new.utf8))
  }

  @Test(
    arguments: [
      ("attention.head_count", 4, 0), ("attention.head_count", 4, 1 << 30), ("block_count", 2, 1_000_000_000),
      ("attention.head_count_kv", 2, 0), ("context_length", 64, 0), ("feed_forward_length", 24, 0),
      ("feed_forward_length", 24, .max),
    ] as [(String, UInt32, UInt32)])
  func impossibleSizes(_ key: String, _ old: UInt32, _ new: UInt32) throws {
    let fault = try fault("llama", change("llama." + key, old, to: new))
    #expect(fault.name == "architectures.dimension")
    #expect(fault.place == "key llama.\(key)")
    #expect(fault.found == "\(new)")
  }

  @Test func sizesThatDisagree() throws {
    var fault = try fault("llama", change("llama.attention.head_count_kv", 2, to: 3))
    #expect(fault.name == "architectures.contradiction")
    #expect(fault.place == "key llama.attention.head_count_kv")
    fault = try self.fault("llama", change("llama.rope.dimension_count", 4, to: 3))
    #expect(fault.name == "architectures.contradiction")
    #expect(fault.place == "key llama.rope.dimension_count")
    fault = try self.fault("llama", change("llama.rope.dimension_count", 4, to: 8))
    #expect(fault.place == "key llama.rope.dimension_count")
    fault = try self.fault("llama", change("llama.attention.value_length", 4, to: 5))
    #expect(fault.place == "key llama.attention.value_length")
    fault = try self.fault("llama", change("llama.embedding_length", 16, to: 17))
    #expect(fault.place == "key llama.embedding_length")
    fault = try self.fault("mixtral", change("llama.expert_used_count", 2, to: 9))
    #expect(fault.place == "key llama.expert_used_count")
    fault = try self.fault("deepseek_v3", change("deepseek2.attention.key_length_mla", 10, to: 4))
    #expect(fault.place == "key deepseek2.attention.key_length_mla")
    fault = try self.fault("gemma3-types", change("gemma3.block_count", 2, to: 3))
    #expect(fault.place == "key gemma3.attention.sliding_window_pattern")
  }

  @Test func sizesThatTheTensorsContradict() throws {
    var fault = try fault("llama", change("llama.attention.head_count", 4, to: 8))
    #expect(fault.name == "transformer.tensorShape")
    #expect(fault.place?.hasPrefix("tensor blk.0.attn_q") == true)
    fault = try self.fault("llama", change("llama.block_count", 2, to: 3))
    #expect(fault.name == "transformer.missingTensors")
    #expect(fault.place?.hasPrefix("blk.2.attn_norm.weight") == true)
    fault = try self.fault("llama", change("llama.block_count", 2, to: 1))
    #expect(fault.place == "key llama.block_count")
    fault = try self.fault("llama", change("llama.block_count", 2, to: 16_000))
    #expect(fault.name == "checkpoints.metadata")
    #expect(fault.place == "key llama.block_count")
    fault = try self.fault("mixtral", change("llama.expert_count", 4, to: 5))
    #expect(fault.name == "architectures.contradiction")
    #expect(fault.place == "key llama.expert_count")
    fault = try self.fault("mixtral", change("llama.expert_count", 4, to: 0))
    #expect(fault.name == "transformer.missingTensors")
    #expect(fault.found?.contains("ffn_down_exps") == true)
    fault = try self.fault("llama3", change("llama.rope.dimension_count", 4, to: 2))
    #expect(fault.place == "tensor rope_freqs.weight or rope_factors_short.weight")
  }

  @Test func missingKeys() throws {
    for key in [
      "embedding_length", "block_count", "context_length", "attention.head_count", "attention.layer_norm_epsilon",
    ] {
      let fault = try fault("gpt2", rename("gpt2." + key, "gpt2." + key.dropLast() + "x"))
      #expect(fault.name == "checkpoints.metadataMissing")
      #expect(fault.expected == "the key \"gpt2.\(key)\"")
    }
    var fault = try fault("llama", rename("llama.feed_forward_length", "llama.feed_forward_lengtx"))
    #expect(fault.name == "json.missing")
    #expect(fault.expected == "the key \"llama.feed_forward_length\"")
    for key in ["gpt-oss.expert_count", "gpt-oss.expert_used_count", "gpt-oss.attention.layer_norm_rms_epsilon"] {
      fault = try self.fault("gpt_oss", rename(key, key.dropLast() + "x"))
      #expect(fault.name == "checkpoints.metadataMissing")
      #expect(fault.expected == "the key \"\(key)\"")
    }
    fault = try self.fault("llama", rename("general.architecture", "general.architecturx"))
    #expect(fault.name == "checkpoints.metadataMissing")
  }

  @Test func missingTensors() throws {
    var fault = try fault("llama", rename("token_embd.weight", "token_embx.weight"))
    #expect(fault.name == "architectures.contradiction")
    #expect(fault.place == "tensor token_embd.weight")
    fault = try self.fault("mixtral", rename("ffn_gate_inp.weight", "ffn_gate_inx.weight"))
    #expect(fault.name == "architectures.contradiction")
    #expect(fault.place == "key llama.expert_count")
    fault = try self.fault("deepseek_v3", rename("blk.1.attn_v_b.weight", "blk.1.attn_x_b.weight"))
    #expect(fault.name == "transformer.missingTensors")
    #expect(fault.place == "blk.1.attn_v_b.weight")
    // A bias that one layer lacks is no bias that all do without.
    fault = try self.fault("llama3", rename("blk.1.attn_q.bias", "blk.1.attn_x.bias"))
    #expect(fault.name == "transformer.missingTensors")
    #expect(fault.place == "blk.1.attn_q.bias")
  }

  @Test func unknownArchitectures() throws {
    let text = { (name: String) in
      Array("general.architecture".utf8) + [8, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0] + Array(name.utf8)
    }
    let fault = try fault("llama", (text("llama"), text("lamma")))
    #expect(fault.name == "architectures.unknownModelType")
    #expect(fault.place == "key general.architecture")
    #expect(fault.expected?.contains("gemma3") == true)
    #expect(fault.advice?.contains("llama") == true)
  }

  /// Random changes of the header: each loads or is refused, and none traps.
  @Test(arguments: ["llama3", "phi3", "gemma3", "gpt_oss", "deepseek_v3", "qwen2_moe", "bert", "falcon-new", "olmo3"])
  func randomChanges(_ name: String) throws {
    let folder = try TemporaryFolder()
    let file = folder.file("model.gguf")
    let original = [UInt8](try Data(contentsOf: GGUFModelTests.file(name)))
    // Metadata alone, behind the architecture's name: the table of tensors has tests of its own.
    let end = try #require(original.firstRange(of: Array("token_".utf8))?.lowerBound)
    var generator = SeededGenerator(seed: 11, stream: name)
    let extremes: [[UInt8]] = [
      [0, 0, 0, 0], [255, 255, 255, 255], [255, 255, 255, 127], [0, 0, 0, 128], [1, 0, 0, 0], [0, 0, 192, 127],
      [3, 0, 0, 0],
    ]
    var refused = 0
    for round in 0..<200 {
      var bytes = original
      let place = 80 + Int(generator.next() % UInt64(end - 84))
      if round % 2 == 0 {
        bytes.replaceSubrange(place..<place + 4, with: extremes[Int(generator.next() % UInt64(extremes.count))])
      } else {
        bytes[place] ^= 1 << UInt8(generator.next() % 8)
      }
      try Data(bytes).write(to: file)
      do { _ = try Model.load(file) } catch is Fault { refused += 1 }
    }
    #expect(refused > 20)
  }
}
