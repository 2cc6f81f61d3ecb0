import Foundation
import TestFiles
import Testing

@Suite("Ablation and attribution on the command line", .serialized)
struct AblateCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    let texts = [
      ("tale", "Once upon a time a fox lived in the forest."), ("tale", "The old woman walked home in the snow."),
      ("Http", "GET /index.html HTTP/1.1"), ("Http", "POST /login HTTP/1.1"),
    ]
    try tool.write(
      texts.map { "{\"text\": \"\($0.1)\", \"label\": \"\($0.0)\"}" }.joined(separator: "\n"), to: "corpus.jsonl")
    try tool.write("{\"text\": \"One text alone.\"}\n{\"text\": \"And another one.\"}", to: "bare.jsonl")
  }

  private func document(_ outcome: Tool.Outcome) throws -> [String: Any] {
    #expect(outcome.code == 0, "\(outcome.errors)\(outcome.output)")
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test("ablate gives the loss of each part, over all documents and by label")
  func items() throws {
    let result = try document(
      tool.run("ablate", "unfold-mini", "corpus.jsonl", "--neurons", "L2.10,L1.3", "--by", "zero", "--json", "-q"))
    let items = try #require(result["items"] as? [[String: Any]])
    #expect(items.compactMap { $0["what"] as? String } == ["L2.10", "L1.3"])
    for item in items {
      let (loss, clean) = (try #require(item["loss"] as? Double), try #require(item["clean_loss"] as? Double))
      #expect(clean > 1 && clean < 8 && abs(loss - clean - (item["change"] as? Double ?? 9)) < 1e-9)
      #expect((item["kl"] as? Double ?? -1) >= 0 && (item["interval"] as? [String: Double])?.count == 2)
      let labels = try #require(item["labels"] as? [String: [String: Any]])
      // Labels are written as they are.
      #expect(labels.keys.sorted() == ["Http", "tale"])
      let weighted = labels.values.reduce(0.0) {
        $0 + ($1["loss"] as? Double ?? 0) * Double($1["predictions"] as? Int ?? 0)
      }
      #expect(abs(weighted / Double(item["predictions"] as? Int ?? 1) - loss) < 1e-6)
    }
    #expect(result["by"] as? String == "zero")
  }

  @Test("ablate shows a table, draws a figure and takes parts out together")
  func table() throws {
    let outcome = try tool.run(
      "ablate", "unfold-mini", "corpus.jsonl", "--heads", "L0.H1,1.2", "--layers", "last", "--together", "--figure",
      "f.svg", "-q")
    #expect(outcome.code == 0, "\(outcome.errors)")
    for name in ["L0.H1", "L1.H2", "L3", "together", "Holm"] { #expect(outcome.output.contains(name)) }
    let figure = try String(contentsOf: tool.folder.file("f.svg"), encoding: .utf8)
    #expect(figure.contains("<svg") && figure.contains("Http") && figure.contains("L1.H2"))
    let bare = try tool.run(
      "ablate", "unfold-mini", "bare.jsonl", "--mlp", "0", "--by", "resample", "--figure", "g.svg", "-q")
    #expect(bare.code == 0 && bare.output.contains("L0.mlp") && !bare.output.contains("by label"), "\(bare.errors)")
  }

  @Test(
    "What cannot be ablated is named",
    arguments: [
      (["unfold-mini", "corpus.jsonl", "--neurons", "L9.1"], "neurons.noSuchNeuron"),
      (["unfold-mini", "corpus.jsonl", "--heads", "L1.H8"], "ablation.noSuchPart"),
      (["unfold-mini", "corpus.jsonl", "--heads", "first"], "ablation.name"),
      (["unfold-mini", "corpus.jsonl", "--experts", "L1.E0"], "ablation.noSuchPart"),
      (["unfold-mini", "corpus.jsonl", "--layers", "9"], "transformer.layers"),
      (["unfold-mini", "corpus.jsonl", "--features", "corpus.jsonl"], "ablation.name"),
      (["unfold-mini", "corpus.jsonl", "--directions", "absent.safetensors"], "direction.notFound"),
      (["unfold-mini", "bare.jsonl", "--layers", "0", "--label", "kind"], "neurons.noLabels"),
    ])
  func faults(arguments: [String], name: String) throws {
    let outcome = try tool.run(["ablate"] + arguments + ["--json"])
    #expect(outcome.code != 0 && outcome.faultName == name, "\(outcome.output)\(outcome.errors)")
  }

  @Test("Nothing to take out is a mistake of the command line")
  func nothing() throws {
    let outcome = try tool.run("ablate", "unfold-mini", "corpus.jsonl")
    #expect(outcome.code == 64 && outcome.errors.contains("--heads"))
  }

  @Test("run --attribute goes on to the features of a dictionary")
  func features() throws {
    let trained = try tool.run(
      "sae", "train", "unfold-mini", "corpus.jsonl", "--sites", "resid_post", "--layers", "3", "--latents", "64", "--k",
      "4", "--tokens", "2000", "--batch", "32", "-o", "d", "-q")
    #expect(trained.code == 0, "\(trained.errors)")
    let result = try document(
      tool.run("run", "unfold-mini", "GET /index.html HTTP/1", "--attribute", ".", "--dictionary", "d", "--json", "-q"))
    let attribution = try #require(result["attribution"] as? [String: Any])
    let features = try #require((result["features"] as? [[String: Any]])?.first)
    let latents = try #require(features["latents"] as? [[String: Any]])
    let sum = latents.reduce((features["decoder_bias"] as? Double ?? 0) + (features["error"] as? Double ?? 0)) {
      $0 + ($1["contribution"] as? Double ?? 0)
    }
    let logit = try #require(attribution["logit"] as? Double)
    #expect(abs(sum + (attribution["constant"] as? Double ?? 0) - logit) < 1e-5 * max(1, abs(logit)) * 10)
    let text = try tool.run("run", "unfold-mini", "GET /index.html HTTP/1", "--attribute", ".", "--dictionary", "d")
    #expect(text.code == 0 && text.output.contains("error") && text.output.contains("blocks.3.hook_resid_post"))
    #expect(try tool.run("run", "unfold-mini", "a", "--dictionary", "d").code == 64)
  }
}
