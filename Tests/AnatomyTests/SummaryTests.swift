import Anatomy
import Architectures
import Foundation
import Testing

@Suite("An anatomy as JSON")
struct SummaryTests {
  func document(_ name: String) throws -> [String: Any] {
    let data = try JSONEncoder().encode(ModelAnatomy(#require(Preset.named(name)).architecture()))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test("layers that are alike are told once")
  func compact() throws {
    let llama = try document("llama-3-405b")
    #expect(llama["parameters"] as? Int == 405_853_388_800)
    let architecture = try #require(llama["architecture"] as? [String: Any])
    #expect(architecture["layers"] as? Int == 126 && architecture["width"] as? Int == 16_384)
    #expect((architecture["blocks"] as? [Any])?.count == 1)
    let text = try JSONEncoder().encode(ModelAnatomy(#require(Preset.named("llama-3-405b")).architecture()))
    #expect(text.count < 20_000)
  }

  @Test("what changes no count makes no difference")
  func uncounted() throws {
    var architecture = try #require(Preset.named("gpt2")).architecture()
    for layer in 0..<architecture.layers { architecture.blocks[layer].attention.scale = 1 / Double(layer + 1) }
    #expect(ArchitectureSummary(architecture).blocks.map(\.layers) == [[.init(first: 0, last: 11)]])
  }

  @Test("every layer is told, and what it is")
  func layers() throws {
    for name in ["gemma-3-1b", "deepseek-v3", "smollm3-3b", "gpt2"] {
      let architecture = try #require(Preset.named(name)).architecture()
      let summary = ArchitectureSummary(architecture)
      var seen = Array(repeating: 0, count: architecture.layers)
      for kind in summary.blocks {
        for layer in kind.layers.flatMap({ $0.first...$0.last }) {
          seen[layer] += 1
          let (block, told) = (architecture.blocks[layer], kind.block)
          #expect(told.attention.window == block.attention.window && told.attention.heads == block.attention.heads)
          #expect(told.attention.rotated == block.attention.rotary?.rotated)
          #expect(told.mlp?.neurons == block.mlp?.neurons && told.experts?.count == block.experts?.count)
          #expect(told.experts?.shared?.neurons == block.experts?.shared?.neurons)
        }
      }
      #expect(seen.allSatisfy { $0 == 1 })
      let data = try JSONEncoder().encode(summary)
      #expect(try JSONDecoder().decode(ArchitectureSummary.self, from: data) == summary)
    }
  }
}
