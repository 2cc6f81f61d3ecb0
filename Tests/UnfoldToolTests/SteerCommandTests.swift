import Foundation
import TestFiles
import Testing

/// `generate` and `steer` on the model that ships.
@Suite("The command line: writing and steering", .serialized)
struct SteerCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "InterventionsTests/Fixtures")
    try FileManager.default.copyItem(
      at: fixtures.appending(path: "citations.safetensors"), to: tool.folder.file("citations.safetensors"))
    try tool.write("Peace now.\nA quiet day.\n", to: "calm.txt")
  }

  private func document(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try tool.run(arguments + ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test("Generation tells its tokens, text, end and rate") func generate() throws {
    let prompt = "Once upon a time"
    let whole = try document(["generate", "unfold-mini", prompt, "--max-tokens", "12", "--temperature", "0"])
    #expect((whole["tokens"] as? [Int])?.count == 12)
    #expect(whole["stopped"] as? String == "length")
    #expect((whole["tokens_per_second"] as? Double ?? 0) > 0)
    let text = try #require(whole["text"] as? String)
    // The same as the greedy continuation of `run`, and as what is written to a terminal.
    let run = try document(["run", "unfold-mini", prompt, "--greedy", "12"])
    #expect(run["continuation_tokens"] as? [Int] == whole["tokens"] as? [Int])
    #expect(run["continuation"] as? String == text)
    let plain = try tool.run("generate", "unfold-mini", prompt, "--max-tokens", "12", "-q")
    #expect(plain.output == prompt + text + "\n")
    #expect(plain.errors.isEmpty)
    // A stop string.
    let stop = String(text.dropFirst(4).prefix(5))
    let stopped = try document(["generate", "unfold-mini", prompt, "--max-tokens", "12", "--stop", stop])
    #expect(stopped["stopped"] as? String == "stop_string")
    #expect(
      stopped["text"] as? String
        == String(text.prefix(text.distance(from: text.startIndex, to: text.range(of: stop)!.lowerBound))))
    // The seed decides.
    let chance = ["generate", "unfold-mini", prompt, "--max-tokens", "12", "--temperature", "1", "--top-k", "50"]
    let first = try document(chance + ["--seed", "1"])["tokens"] as? [Int]
    #expect(try document(chance + ["--seed", "1"])["tokens"] as? [Int] == first)
    #expect(try document(chance + ["--seed", "2"])["tokens"] as? [Int] != first)
  }

  @Test("Steering tells each strength, its target, its probe and its cost") func steer() throws {
    let result = try document([
      "steer", "unfold-mini", "The study", "--direction", "citations.safetensors", "--strength", "-1,0,1", "--unit",
      "stream", "--target", " of", "--probe", "citations.safetensors", "--reference-documents", "4", "--max-tokens",
      "5",
    ])
    let runs = try #require(result["runs"] as? [[String: Any]])
    #expect(runs.map { $0["amount"] as? Double } == [-1, 0, 1])
    for run in runs {
      #expect((run["continuation"] as? [Int])?.count == 5)
      #expect(run["text"] is String && run["stopped"] as? String == "length")
      #expect((0...1).contains(run["target_probability"] as? Double ?? -1))
      #expect(run["probe_score"] is Double)
      let cost = try #require(run["cost"] as? [String: Any])
      #expect((cost["loss"] as? Double ?? 0) > 0)
    }
    #expect((runs[1]["cost"] as? [String: Any])?["added"] as? Double == 0)
    #expect(abs((runs[2]["share"] as? Double ?? 0) - 1) < 1e-6)
    #expect((result["reference"] as? [String: Any])?["documents"] as? Int == 4)
    let table = try tool.run(
      "steer", "unfold-mini", "The study", "--direction", "citations.safetensors", "--strength", "4", "--max-tokens",
      "3",
      "--reference-text", "A text of some words.", "--figure", "f.svg", "-q")
    #expect(table.code == 0, "\(table.errors)")
    #expect(table.output.contains("untouched") && table.output.contains("strength 4"))
    #expect(FileManager.default.fileExists(atPath: tool.folder.file("f.svg").path))
  }

  @Test("Vectors are written, and read back as they were") func save() throws {
    for name in ["calm.gguf", "calm.safetensors"] {
      let made = try tool.run(
        "steer", "unfold-mini", "--positive", "@calm.txt", "--negative", "WAR!", "--sites", "resid_post", "--layers",
        "1,2", "--save", name, "-q")
      #expect(made.code == 0, "\(made.errors)")
      let again = try tool.run("steer", "unfold-mini", "--direction", name, "--save", "again-" + name, "-q")
      #expect(again.code == 0, "\(again.errors)")
      #expect(
        try Data(contentsOf: tool.folder.file(name)) == Data(contentsOf: tool.folder.file("again-" + name)))
    }
  }

  @Test(
    "What cannot be written or steered is refused by name",
    arguments: [
      (["generate", "unfold-mini", "x", "--max-tokens", "0"], 64, nil),
      (["generate", "unfold-mini", "x", "--temperature", "-1"], 64, nil),
      (["generate", "unfold-mini", "x", "--temperature", "1", "--top-p", "2"], 64, nil),
      (["generate", "unfold-mini", "x", "--top-k", "5"], 64, nil),
      (["generate", "unfold-mini", String(repeating: "word ", count: 600)], 65, "transformer.documentTooLong"),
      (["steer", "unfold-mini", "x", "--direction", "absent", "--strength", "1"], 66, "direction.notFound"),
      (["steer", "unfold-mini", "x", "--direction", "citations.safetensors"], 64, nil),
      (["steer", "unfold-mini", "x", "--strength", "1"], 64, nil),
      (["steer", "unfold-mini", "--direction", "citations.safetensors", "--strength", "1"], 64, nil),
      (
        ["steer", "unfold-mini", "x", "--direction", "citations.safetensors", "--strength", "1e38"], 64,
        "steer.overflow"
      ),
      (
        ["steer", "unfold-mini", "x", "--direction", "citations.safetensors", "--clamp", "1"], 64, "steer.notAFeature"
      ),
      (
        [
          "steer", "unfold-mini", "x", "--direction", "citations.safetensors", "--strength", "1", "--sites", "mlp_post",
          "--layers", "2",
        ], 64, "direction.otherSite"
      ),
      (
        [
          "steer", "unfold-mini", "x", "--direction", "citations.safetensors", "--strength", "1", "--target",
          "not one token",
        ], 64, "session.notOneToken"
      ),
      (
        ["steer", "unfold-mini", "x", "--positive", "@calm.txt:joy", "--negative", "no", "--strength", "1"], 64,
        "direction.noPrompts"
      ),
    ] as [([String], Int32, String?)])
  func badInput(arguments: [String], code: Int32, name: String?) throws {
    let outcome = try tool.run(arguments + ["--json"])
    #expect(outcome.code == code, "\(outcome.errors)")
    if let name { #expect(outcome.faultName == name) }
  }
}
