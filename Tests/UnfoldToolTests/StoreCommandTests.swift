import Foundation
import TestFiles
import Testing

/// What commands say of stores that do not hold everything, and of models that are no longer the same.
@Suite("Stores and models that are not what they were", .serialized)
struct StoreCommandTests {
  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func corpus(_ tool: Tool) throws {
    let rows = (0..<40).map { number in
      "{\"id\": \"d\(number)\", \"text\": \"The \(number % 2 == 0 ? "river" : "number") of day \(number) is the "
        + "\(number % 2 == 0 ? "river" : "number").\", \"label\": \"\(number % 2 == 0 ? "water" : "dry")\"}"
    }
    try tool.write(rows.joined(separator: "\n") + "\n", to: "set.jsonl")
  }

  @Test("An unfinished store is used with a word of how much it holds, and is not packed") func unfinished() throws {
    let tool = try Tool()
    try corpus(tool)
    let captured = try tool.run(
      "capture", "unfold-mini", "set.jsonl", "-o", "store", "--sites", "resid_post", "--layers", "1", "--shard-tokens",
      "60", "--batch-tokens", "60", "-q")
    #expect(captured.code == 0, "\(captured.errors)")
    // As if the run had been killed before its last shards.
    let manifest = tool.folder.file("store/manifest.jsonl")
    let lines = try String(contentsOf: manifest, encoding: .utf8).split(separator: "\n")
    try (lines.prefix(lines.count / 2).joined(separator: "\n") + "\n").write(
      to: manifest, atomically: true, encoding: .utf8)
    let train = [
      "probe", "train", "store", "--sites", "resid_post", "--layers", "1", "--controls", "none", "--bootstrap", "0",
    ]
    let probe = try tool.run(train + ["-o", "p.safetensors", "--json"])
    #expect(probe.code == 0, "\(probe.errors)")
    #expect(probe.errors.contains("of 40 documents"), "\(probe.errors)")
    let stores = try #require(try object(probe.output)["unfinished_stores"] as? [[String: Any]])
    #expect(stores.count == 1 && stores[0]["expected_documents"] as? Int == 40)
    let held = try #require(stores[0]["documents"] as? Int)
    #expect(held > 0 && held < 40 && probe.errors.contains("\(held) of 40 documents"))
    let sae = try tool.run(
      "sae", "train", "store", "--sites", "resid_post", "--layers", "1", "-o", "d", "--latents", "64", "--k", "4",
      "--batch", "64", "--tokens", "500")
    #expect(sae.errors.contains("\(held) of 40 documents"), "\(sae.errors)")
    for arguments in [["store", "pack", "store", "-o", "small"], ["store", "merge", "store", "store", "-o", "small"]] {
      let outcome = try tool.run(arguments + ["--json"])
      #expect(outcome.code == 65 && outcome.faultName == "store.incomplete", "\(outcome.output)")
    }
    #expect(!FileManager.default.fileExists(atPath: tool.folder.file("small").path))
  }

  @Test("An altered weight is another model, and what was hashed is remembered") func alteredWeights() throws {
    let tool = try Tool()
    try corpus(tool)
    let model = tool.folder.file("mini")
    try FileManager.default.copyItem(at: RecipesTests.root.appending(path: "models/unfold-mini"), to: model)
    let caches = ["XDG_CACHE_HOME": tool.folder.file("caches").path]
    Thread.sleep(forTimeInterval: 4)  // A file that was just written is not remembered.
    for arguments in [
      [
        "probe", "train", "./mini", "set.jsonl", "--sites", "resid_post", "--layers", "1", "--controls", "none", "-o",
        "p.safetensors", "--bootstrap", "0", "-q",
      ],
      [
        "sae", "train", "./mini", "set.jsonl", "--sites", "resid_post", "--layers", "1", "-o", "d", "--latents", "64",
        "--k", "4", "--batch", "64", "--tokens", "500", "-q",
      ],
    ] {
      let outcome = try tool.run(arguments, environment: caches)
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    let apply = ["probe", "apply", "p.safetensors", "./mini", "The river.", "--json"]
    let evaluate = ["sae", "evaluate", "d", "./mini", "set.jsonl", "--rows", "100", "--splice-tokens", "50", "--json"]
    for arguments in [apply, evaluate] {
      let outcome = try tool.run(arguments, environment: caches)
      #expect(outcome.code == 0, "\(outcome.errors)\(outcome.output)")
    }
    let memory = try object(String(contentsOf: tool.folder.file("caches/unfold/weights.json"), encoding: .utf8))
    let files = try #require(memory["files"] as? [String: [String: String]])
    #expect(files.keys.contains { $0.hasSuffix("mini/model.safetensors") })

    let weights = model.appending(path: "model.safetensors")
    let handle = try FileHandle(forUpdating: weights)
    let end = try handle.seekToEnd()
    try handle.seek(toOffset: end - 400)
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: end - 400)
    try handle.write(contentsOf: [byte ^ 1])
    try handle.close()
    let applied = try tool.run(apply, environment: caches)
    #expect(applied.code == 65 && applied.faultName == "probe.otherModel", "\(applied.output)")
    let evaluated = try tool.run(evaluate, environment: caches)
    #expect(evaluated.code == 65 && evaluated.faultName == "dictionary.otherModel", "\(evaluated.output)")
  }

  @Test("A dictionary whose weights were altered is refused") func alteredDictionary() throws {
    let tool = try Tool()
    try corpus(tool)
    let trained = try tool.run(
      "sae", "train", "unfold-mini", "set.jsonl", "--sites", "resid_post", "--layers", "1", "-o", "d", "--latents",
      "64", "--k", "4", "--batch", "64", "--tokens", "500", "-q")
    #expect(trained.code == 0, "\(trained.errors)")
    let weights = tool.folder.file("d/sae_weights.safetensors")
    var bytes = try Data(contentsOf: weights)
    bytes[bytes.count - 40] ^= 1
    try bytes.write(to: weights)
    let evaluate = [
      "sae", "evaluate", "d", "unfold-mini", "set.jsonl", "--rows", "100", "--splice-tokens", "50", "--json",
    ]
    let refused = try tool.run(evaluate)
    #expect(refused.code == 65 && refused.faultName == "dictionary.altered", "\(refused.output)")
    // One that was made before has no digest, and is read.
    let configuration = tool.folder.file("d/cfg.json")
    let text = try String(contentsOf: configuration, encoding: .utf8)
    let older = text.replacing(/,\s*"weights_digest" : "[0-9a-f]*"/, with: "")
    #expect(older != text)
    try older.write(to: configuration, atomically: true, encoding: .utf8)
    #expect(try tool.run(evaluate).code == 0)
  }
}
