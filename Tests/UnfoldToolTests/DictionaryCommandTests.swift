import Foundation
import TestFiles
import Testing

@Suite("Sparse dictionaries on the command line")
struct DictionaryCommandTests {
  @Test(
    "A flag that does not apply is refused by name",
    arguments: [
      (["--penalty", "tanh"], "--penalty applies to jumprelu"), (["--bandwidth", "0.1"], "--bandwidth applies"),
      (["--architecture", "standard", "--k", "8"], "--k applies to topk"), (["--k", "1.6"], "whole numbers"),
      (["--latents", "2.5"], "whole numbers"), (["--resample-at", "x"], "whole numbers"),
      (["--sparsity", "3"], "--sparsity applies"), (["--sparsity-warm-up", "3"], "--sparsity-warm-up applies"),
      (["--architecture", "gated", "--auxiliary", "0.1"], "--auxiliary applies"),
      (["--architecture", "jumprelu", "--prefixes", "8,16"], "--prefixes applies"), (["--skip"], "--target"),
      (["--decoder-norm", "0"], "above 0"), (["--warm-up=-1"], "not be negative"),
    ])
  func flags(arguments: [String], words: String) throws {
    let outcome = try Tool().run(["sae", "train", "store", "-o", "dictionary"] + arguments)
    #expect(outcome.code == 64 && outcome.errors.contains(words), "\(outcome.errors)")
  }

  /// A short run of the default command: what is printed is what the saved dictionary does.
  @Test("A saved BatchTopK dictionary holds its k")
  func holdsItsK() throws {
    let tool = try Tool()
    let outcome = try tool.run(
      "sae", "train", "unfold-mini", "demo-corpus", "--sites", "resid_post", "--layers", "2", "--architecture",
      "batchtopk", "--latents", "512", "--k", "16", "-o", "d", "--json")
    #expect(outcome.code == 0 && outcome.errors.contains("fewer than a warm-up"), "\(outcome.errors)")
    let document = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let summary = try #require(document["summary"] as? [String: Any])
    let held = try #require((summary["held_out"] as? [[String: Any]])?.first)
    #expect(abs((held["l0"] as? Double ?? 0) - 16) < 0.8)
    let judged = try tool.run(
      "sae", "evaluate", "d", "unfold-mini", "demo-corpus", "--splice-tokens", "500", "--json", "-q")
    let evaluation = try #require(try JSONSerialization.jsonObject(with: Data(judged.output.utf8)) as? [String: Any])
    #expect(abs((evaluation["l0"] as? Double ?? 0) - 16) < 0.5)
    #expect(abs((evaluation["fvu"] as? Double ?? 0) - (held["fvu"] as? Double ?? 9)) < 0.05)
    #expect(evaluation["documents"] as? Int == 544)
    let splice = try #require(evaluation["splice"] as? [String: Any])
    #expect((splice["intervals"] as? [String: Any])?["loss_recovered_from_mean"] != nil)
  }

  @Test("A crosscoder is trained, judged and read")
  func crosscoder() throws {
    let tool = try Tool()
    let trained = try tool.run(
      "sae", "train", "unfold-mini", "demo-corpus", "--sites", "resid_post", "--layers", "1,2", "--crosscoder",
      "--architecture", "batchtopk", "--latents", "256", "--k", "16", "--tokens", "30000", "-o", "c", "-q")
    #expect(trained.code == 0, "\(trained.errors)")
    let judged = try tool.run(
      "sae", "evaluate", "c", "unfold-mini", "demo-corpus", "--rows", "2000", "--splice-tokens", "300", "--json", "-q")
    let evaluation = try #require(try JSONSerialization.jsonObject(with: Data(judged.output.utf8)) as? [String: Any])
    let sites = try #require((evaluation["crosscoder"] as? [String: Any])?["sites"] as? [[String: Any]])
    #expect(sites.map { $0["site"] as? String } == ["blocks.1.hook_resid_post", "blocks.2.hook_resid_post"])
    #expect(sites.allSatisfy { $0["fvu"] as? Double ?? 9 < 1 && $0["splice"] != nil })
    let read = try tool.run("sae", "features", "c", "unfold-mini", "demo-corpus", "--latent", "0")
    #expect(read.code == 0, "\(read.errors)")
    let alone = try tool.run(
      "sae", "train", "unfold-mini", "demo-corpus", "--sites", "resid_post", "--layers", "1", "--crosscoder", "-o", "x")
    #expect(alone.code == 64 && alone.errors.contains("several sites"), "\(alone.errors)")
  }
}
