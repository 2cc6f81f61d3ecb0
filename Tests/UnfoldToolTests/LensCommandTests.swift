import Foundation
import TestFiles
import Testing

@Suite("unfold lens and unfold heads", .serialized)
struct LensCommandTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  private func object(_ outcome: Tool.Outcome) throws -> [String: Any] {
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test("The lens goes from the embeddings to the model's own output") func lens() throws {
    let text = "The king and the queen"
    let lens = try object(tool.run("lens", "unfold-mini", text, "--target", "of", "-n", "3", "--json"))
    let layers = try #require(lens["layers"] as? [[String: Any]])
    #expect(
      layers.map { $0["site"] as? String } == ["blocks.0.hook_resid_pre"]
        + (0..<4).map { "blocks.\($0).hook_resid_post" })
    let top = try #require(layers.last?["top"] as? [[[String: Any]]])
    let tokens = try #require(lens["tokens"] as? [Int])
    #expect(top.count == tokens.count && top.allSatisfy { $0.count == 3 })
    let run = try object(tool.run("run", "unfold-mini", text, "--top", "3", "--json"))
    let next = try #require(run["next"] as? [[String: Any]])
    let last = try #require(top.last)
    #expect(last.map { $0["token"] as? Int } == next.map { $0["token"] as? Int })
    #expect(last.map { $0["piece"] as? String } == next.map { $0["text"] as? String })
    for (a, b) in zip(last, next) {
      #expect(abs((a["probability"] as? Double ?? 0) - (b["probability"] as? Double ?? 1)) < 1e-5)
    }
    #expect((layers.last?["divergence"] as? [Double])?.allSatisfy { $0 == 0 } == true)
    #expect((layers.first?["target"] as? [[String: Any]])?.first?["rank"] is Int)
  }

  @Test("Grid, table and figure are drawn") func figure() throws {
    let outcome = try tool.run("lens", "unfold-mini", "The king and the queen", "--figure", "lens.svg")
    #expect(outcome.code == 0 && outcome.output.contains("embeddings") && outcome.output.contains("KL to the output"))
    let svg = try String(contentsOf: tool.folder.file("lens.svg"), encoding: .utf8)
    #expect(svg.hasPrefix("<svg") && svg.contains("queen"))
  }

  @Test("A tuned lens is trained, used, and refused where it does not belong") func tuned() throws {
    try tool.write(
      (0..<12).map { "{\"text\": \"Number \($0) is followed by number \($0 + 1), and so on without an end.\"}" }
        .joined(separator: "\n"), to: "corpus.jsonl")
    let trained = try object(
      tool.run(
        "lens", "train", "unfold-mini", "corpus.jsonl", "-o", "lens.safetensors", "--steps", "3", "--batch-tokens",
        "64",
        "--quiet", "--json"))
    let record = try #require(trained["lens"] as? [String: Any])
    let heldOut = try #require(record["held_out"] as? [[String: Any]])
    #expect(heldOut.count == 4 && heldOut.allSatisfy { $0["plain"] is Double && $0["tuned"] is Double })
    let lens = try object(
      tool.run("lens", "unfold-mini", "Number 3", "--tuned", "lens.safetensors", "--json"))
    #expect(lens["is_tuned"] as? Bool == true)
    let again = try tool.run("lens", "train", "unfold-mini", "corpus.jsonl", "-o", "lens.safetensors", "--json")
    #expect(again.code == 73)
    let other = try tool.run(
      "lens", "unfold-mini", "Number 3", "--sites", "resid_mid", "--tuned", "lens.safetensors", "--json")
    #expect(other.code == 64 && other.faultName == "lens.tunedSites")
  }

  @Test(
    "Bad input",
    arguments: [
      (["lens", "unfold-mini", "a", "--sites", "attn_out"], "lens.site"),
      (["lens", "unfold-mini", "a", "-n", "0"], "lens.count"),
      (["lens", "unfold-mini", "a", "--target", "not one token at all"], "session.notOneToken"),
      (["lens", "unfold-mini", "a", "--tuned", "absent.safetensors"], "checkpoints.missingFile"),
      (["lens", "train", "unfold-mini", "demo-corpus", "-o", "absent/lens.safetensors"], "tool.outputFolder"),
      (["heads", "unfold-mini", "--period", "300"], "heads.settings"),
    ]) func badInput(arguments: [String], fault: String) throws
  {
    let outcome = try tool.run(arguments + ["--json"])
    #expect(outcome.code != 0 && outcome.faultName == fault, "\(outcome.errors)")
  }

  @Test("Heads are scored on repeated tokens and on text") func heads() throws {
    try tool.write("A text about a cat and a dog. The cat sat, and the dog ran after the cat.", to: "corpus.txt")
    let found = try object(
      tool.run(
        "heads", "unfold-mini", "corpus.txt", "--sequences", "2", "--period", "10", "--figure", "heads.svg", "--json"))
    let heads = try #require(found["heads"] as? [[String: Any]])
    #expect(heads.count == 32 && heads.allSatisfy { $0["text"] is [String: Any] && $0["copying"] is Double })
    let composition = try #require(found["composition"] as? [String: Any])
    // Three kinds, each pair of a head and one of a later layer.
    #expect((composition["pairs"] as? [[String: Any]])?.count == 3 * 6 * 64)
    #expect(composition["baseline"] as? Double == 0.0625)
    #expect(FileManager.default.fileExists(atPath: tool.folder.file("heads.svg").path))
    let table = try tool.run(
      "heads", "unfold-mini", "--sequences", "2", "--period", "10", "--by", "previous", "-n", "3")
    #expect(table.code == 0 && table.output.contains("all alike") && table.output.contains("composition by key"))
  }
}
