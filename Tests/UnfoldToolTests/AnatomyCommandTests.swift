import Foundation
import TestFiles
import Testing

@Suite("Anatomy and geometry on the command line")
struct AnatomyCommandTests {
  func document(_ outcome: Tool.Outcome) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test("A preset, the shipped model, and a width alone")
  func counts() throws {
    let tool = try Tool()
    let gpt2 = try tool.run("anatomy", "gpt2", "--json")
    #expect(gpt2.code == 0)
    #expect(try document(gpt2)["parameters"] as? Int == 124_439_808)
    let mini = try document(try tool.run("anatomy", "unfold-mini", "--json"))
    #expect((mini["stored"] as? [String: Any])?["numbers"] as? Int == mini["parameters"] as? Int)
    let opus = try tool.run("anatomy", "claude-3-opus")
    #expect(opus.code == 0 && opus.output.contains("unofficial"))
    let explained = try tool.run("anatomy", "llama-3-8b", "--explain")
    #expect(explained.output.contains("8,030,261,248"))
    let large = try document(try tool.run("anatomy", "llama-3-405b", "--json"))
    let architecture = try #require(large["architecture"] as? [String: Any])
    #expect(architecture["layers"] as? Int == 126 && (architecture["blocks"] as? [Any])?.count == 1)
    let list = try tool.run("anatomy", "--list")
    #expect(list.output.contains("gemma-3-4b") && list.output.contains("pythia-70m"))
  }

  @Test("Diagrams go to files")
  func diagrams() throws {
    let tool = try Tool()
    #expect(try tool.run("anatomy", "mixtral-8x7b", "--diagram", "svg", "-o", "pass.svg").code == 0)
    let svg = try String(contentsOf: tool.folder.file("pass.svg"), encoding: .utf8)
    #expect(svg.hasPrefix("<svg "))
    #expect(try tool.run("anatomy", "gpt2", "--diagram", "mermaid").output.hasPrefix("flowchart TD"))
    #expect(try tool.run("anatomy", "gpt2", "--diagram", "svg", "-o", "none/pass.svg").code == 73)
  }

  @Test("Configurations and names that cannot be")
  func faults() throws {
    let tool = try Tool()
    try tool.write(
      #"{"model_type": "gpt2", "vocab_size": 9, "n_positions": 8, "n_embd": 10, "n_layer": 1, "n_head": 3}"#,
      to: "config.json")
    let contradiction = try tool.run("anatomy", "config.json", "--json")
    #expect(contradiction.code == 65 && contradiction.faultName == "architectures.contradiction")
    let unknown = try tool.run("anatomy", "gpt-17", "--json")
    #expect(unknown.code == 66 && unknown.faultName == "anatomy.unknownModel")
    #expect(try tool.run("anatomy").code == 64)
    #expect(try tool.run("anatomy", "gpt2", "--sequence", "0", "--json").faultName == "anatomy.sequence")
    #expect(try tool.run("anatomy", "gpt2", "--sites", "mlp", "--json").faultName == "anatomy.unknownSite")
    #expect(try tool.run("anatomy", "claude-3-opus", "--explain", "--json").faultName == "anatomy.widthOnly")
  }

  @Test("Words are added and subtracted")
  func arithmetic() throws {
    let tool = try Tool()
    let sum = try document(try tool.run("geometry", "analogy", "unfold-mini", "king - man + woman", "--json"))
    let nearest = try #require(sum["nearest"] as? [[String: Any]])
    #expect(nearest.contains { $0["text"] as? String == " queen" })
    let several = try tool.run("geometry", "nearest", "unfold-mini", "antidisestablishment", "--json")
    #expect(several.code == 64 && several.faultName == "geometry.notOneToken")
    #expect(
      try tool.run("geometry", "nearest", "unfold-mini", "three", "--contexts", "korean", "--layer", "9", "--json")
        .faultName == "transformer.layers")
    #expect(
      try tool.run("geometry", "analogy", "unfold-mini", "king queen", "--json").faultName == "geometry.expression")
  }

  @Test("Dimensions are ranked on labelled texts alone")
  func dimensions() throws {
    let tool = try Tool()
    let korean = try tool.run("geometry", "dimensions", "unfold-mini", "korean", "--sites", "embed", "--json")
    let results = try #require(try JSONSerialization.jsonObject(with: Data(korean.output.utf8)) as? [[String: Any]])
    #expect(results.count == 1 && (results[0]["together"] as? Double ?? 0) > 0.9)
    try tool.write("{\"text\": \"one\"}\n{\"text\": \"two\"}\n", to: "plain.jsonl")
    #expect(
      try tool.run("geometry", "dimensions", "unfold-mini", "plain.jsonl", "--json").faultName == "probe.noLabels")
  }
}
