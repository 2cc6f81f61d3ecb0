import Foundation
import TestFiles
import Testing

/// What the tool says of a mixture of experts: a tiny one of random weights, given a tokenizer of 24 letters.
@Suite("The command line on a mixture of experts", .serialized)
struct ExpertCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "TransformerTests/Fixtures/olmoe")
    try FileManager.default.createDirectory(at: tool.folder.file("m"), withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(at: fixture.appending(path: name), to: tool.folder.file("m/\(name)"))
    }
    let letters = "abcdefghijklmnopqrstuvw".enumerated().map { "\"\($0.element)\": \($0.offset)" }
    try tool.write(
      """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
       "post_processor": null,
       "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
       "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                 "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                 "vocab": {\(letters.joined(separator: ", ")), "Ġ": 23}, "merges": []}}
      """, to: "m/tokenizer.json")
    let words = ["a": "badcab", "b": "jilkom", "c": "rutsqv"]
    let lines = (0..<36).map { number -> String in
      let label = ["a", "b", "c"][number % 3]
      let letters = Array(words[label] ?? "")
      let text = String((0..<12 + number % 5).map { letters[($0 * (number / 3 + 2) + number) % 6] })
      return "{\"text\": \"\(text)\", \"label\": \"\(label)\"}"
    }
    try tool.write(lines.joined(separator: "\n"), to: "corpus.jsonl")
  }

  private func document(_ outcome: Tool.Outcome) throws -> [String: Any] {
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  private func capture() throws {
    let outcome = try tool.run(
      "capture", "m", "corpus.jsonl", "-o", "s", "--sites", "resid_post,router_logits,expert_indices,expert_post",
      "--shard-tokens", "200", "--batch-tokens", "64", "-q")
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  @Test("run --route lists each token's experts in each layer")
  func route() throws {
    let result = try document(tool.run("run", "m", "a fat cat", "--route", "--json"))
    let routes = try #require(result["routes"] as? [[String: Any]])
    #expect(routes.compactMap { $0["layer"] as? Int } == [0, 1] && routes.allSatisfy { $0["experts"] as? Int == 6 })
    let tokens = try #require(routes[1]["tokens"] as? [[[String: Any]]])
    #expect(tokens.count == 9)
    for choices in tokens {
      #expect(choices.count == 3 && Set(choices.compactMap { $0["expert"] as? Int }).count == 3)
      let weights = choices.compactMap { $0["weight"] as? Double }
      #expect(weights == weights.sorted(by: >) && weights.allSatisfy { $0 > 0 })
    }
    let text = try tool.run("run", "m", "a fat cat", "--route", "--layers", "last")
    #expect(text.code == 0 && text.output.contains("layer 1") && !text.output.contains("layer 0"))
    #expect(text.output.contains("experts that each token wakes (3 of 6)"))
  }

  @Test(
    "A model without experts is named",
    arguments: [
      ["run", "unfold-mini", "a text", "--route"], ["run", "unfold-mini", "a text", "--route", "--layers", "1"],
      ["neurons", "experts", "unfold-mini", "demo-corpus"],
    ])
  func withoutExperts(arguments: [String]) throws {
    let outcome = try tool.run(arguments + ["--json"])
    #expect(outcome.code == 64 && outcome.faultName == "transformer.noExperts")
  }

  @Test("neurons experts says the same of a store and of a running model")
  func experts() throws {
    try capture()
    let stored = try document(tool.run("neurons", "experts", "s", "--json"))
    let running = try document(tool.run("neurons", "experts", "m", "corpus.jsonl", "--json"))
    #expect(stored["concepts"] as? [String] == ["a", "b", "c"] && stored["groups"] as? Int == 36)
    func counts(_ profile: [String: Any]) -> [String: Int] {
      let experts = profile["experts"] as? [[String: Any]] ?? []
      return Dictionary(
        uniqueKeysWithValues: experts.map { ("\($0["layer"] ?? "").\($0["expert"] ?? "")", $0["tokens"] as? Int ?? -1) }
      )
    }
    #expect(counts(stored) == counts(running) && counts(stored).count == 12)
    let layers = try #require(stored["layers"] as? [[String: Any]])
    #expect(layers.allSatisfy { ($0["router_entropy"] as? Double ?? -1) > 0 && $0["experts"] as? Int == 6 })
    let text = try tool.run("neurons", "experts", "s", "--layers", "1", "-n", "3")
    #expect(text.code == 0 && text.output.contains("L1.E") && text.output.contains("leave the base rate out"))
    let unknown = try tool.run("neurons", "experts", "s", "--label", "kind", "--json")
    #expect(unknown.code == 65 && unknown.faultName == "neurons.noLabels")
  }

  @Test("An expert's neurons are named, listed, ranked and shown")
  func neurons() throws {
    try capture()
    let card = try document(tool.run("neurons", "show", "s", "L1.E3.5", "--model", "m", "--ablate", "--json"))
    let neuron = try #require(card["neuron"] as? [String: Any])
    #expect(neuron["site"] as? String == "blocks.1.mlp.experts.3.hook_post" && neuron["index"] as? Int == 5)
    let top = try tool.run("neurons", "top", "m", "--text", "a fat cat", "-n", "2")
    #expect(top.code == 0 && top.output.contains(".E"))
    let ranked = try tool.run("neurons", "rank", "s", "--sites", "expert_post", "--layer", "1", "-n", "3")
    #expect(ranked.code == 0 && ranked.output.contains("L1.E") && !ranked.output.contains("L0.E"))
    let concept = try tool.run("neurons", "top", "s", "--concept", "a", "-n", "3")
    // Of random experts, what is listed holds on held-out documents, and what does not is counted.
    #expect(concept.code == 0 && (concept.output.contains(".E") || concept.output.contains("left out")))
    for (name, fault) in [("L1.E9.5", "activations.unknownSite"), ("L1.E3.99", "neurons.noSuchNeuron")] {
      let outcome = try tool.run("neurons", "top", "s", "--neuron", name, "--json")
      #expect(outcome.code != 0 && [fault, "neurons.noExamples"].contains(outcome.faultName))
    }
    #expect(try tool.run("neurons", "show", "s", "L1.F3.5").code == 64)
  }

  @Test("A store of experts is described, verified, packed and merged")
  func store() throws {
    try capture()
    let info = try document(tool.run("store", "info", "s", "--json"))
    #expect((info["routed_rows"] as? [String: Int])?.count == 12)
    #expect(try tool.run("store", "info", "s").output.contains("12 sites inside experts"))
    #expect(try tool.run("store", "verify", "s").code == 0)
    #expect(try tool.run("store", "pack", "s", "-o", "p", "--storage", "uint8").code == 0)
    #expect(try tool.run("store", "verify", "p").code == 0)
    let pooled = try tool.run(
      "capture", "m", "corpus.jsonl", "-o", "q", "--sites", "expert_post", "--pool", "mean", "--json")
    #expect(pooled.code == 64 && pooled.faultName == "capture.pool")
    let several = try tool.run("probe", "sweep", "s", "--sites", "expert_post", "--positive", "a", "--json")
    #expect(several.code == 64 && several.faultName == "activations.severalExperts")
  }
}
