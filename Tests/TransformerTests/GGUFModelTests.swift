import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

/// Models in GGUF: one file holds the architecture and the weights, and every site has the same values as when the model
/// lies in Hugging Face layout.
@Suite struct GGUFModelTests {
  /// Made by `Scripts/references/gguf_models.py` of the references of the same names.
  static let names = [
    "llama", "llama3", "llama-yarn", "mistral", "mixtral", "gpt2", "gpt_neox", "phi", "phi3", "phi3-partial",
    "phi3-windows", "qwen2-tied", "qwen3", "qwen2_moe", "qwen3_moe", "gemma", "gemma2", "gemma3", "gemma3-types", "olmo",
    "olmo2", "olmo3", "olmoe", "deepseek_v2", "deepseek_v2-groups", "deepseek_v3", "gpt_oss", "bert", "starcoder2",
    "falcon", "falcon-new", "falcon-one-norm", "bloom", "stablelm", "stablelm-qk-norm", "cohere", "cohere2", "granite",
    "granite-bias", "glm4",
  ]

  static func file(_ name: String) -> URL { Reference.folder("gguf").appending(path: "\(name).gguf") }

  @Test(arguments: names) func everySiteAgrees(_ name: String) throws {
    let reference = try Reference(name, model: Self.file(name))
    let sites = Set(reference.model.architecture.sites.map(\.name))
    // The converter leaves BERT's head out.
    if name == "bert" {
      #expect(sites.isStrictSubset(of: reference.siteNames) && sites.contains("blocks.1.hook_normalized_resid_post"))
    } else {
      #expect(sites == reference.siteNames)
    }
    let errors = try reference.errors()
    for (site, error) in errors { #expect(error < AgreementTests.tolerance, "\(name) \(site)") }
    if ProcessInfo.processInfo.environment["UNFOLD_AGREEMENT"] != nil {
      print("GGUF \(name): \(String(format: "%.1e", errors.values.max() ?? 0)) at \(errors.max { $0.value < $1.value }!.key)")
    }
  }
}

/// Gemma 3 270M in Q4_K_M, as published, where UNFOLD_GEMMA names the file.
let gemma = ProcessInfo.processInfo.environment["UNFOLD_GEMMA"].map { URL(filePath: $0) }

@Suite(.serialized, .enabled(if: gemma != nil, "UNFOLD_GEMMA does not name Gemma 3 270M's .gguf file"))
struct GemmaTests {
  /// Numbers that transformers finds in the same file: `Scripts/references/gguf_models.py --gemma`.
  struct Expected: Decodable {
    var ids: [Int32]
    var greedy: [Int32]
    var text: [Int32]
    var rows: [Int]
    var columns: [Int]
    var last: [Float]
    var logits: [[Float]]
    var largest: Double
    var top: [Int]

    init() throws {
      let file = Reference.folder("gguf").appending(path: "gemma.json")
      self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
    }
  }

  @Test func logitsAndGreedyTextAgree() throws {
    let expected = try Expected()
    let model = try Model.load(#require(gemma))
    #expect(try model.continueGreedily(expected.ids, count: expected.greedy.count) == expected.greedy)
    let logits = try #require(try model.run(TokenBatch(documents: [expected.text]), logits: .all))
    let width = logits.columns
    var largest = 0.0
    for (row, values) in zip(expected.rows, expected.logits) {
      for (column, value) in zip(expected.columns, values) {
        largest = max(largest, Double(abs(logits.elements[row * width + column] - value)) / expected.largest)
      }
    }
    print("Gemma's largest error of a logit: \(largest) of the largest")
    #expect(largest < 1e-3)
    for (row, token) in expected.top.enumerated() {
      let values = logits.elements[row * width..<(row + 1) * width]
      #expect(values.indices.max { values[$0] < values[$1] }! - row * width == token, "row \(row)")
    }
  }

  @Test func firstActivationComesSoon() throws {
    let ids = try Expected().ids
    let start = ContinuousClock.now
    let model = try Model.load(#require(gemma))
    let loaded = ContinuousClock.now
    var count = 0
    try model.run(TokenBatch(documents: [ids]), hooks: [Hook(Site(.residPost, layer: 0)) { count = $0.rows.count * $0.width }])
    let end = ContinuousClock.now
    print("Gemma: loaded after \(loaded - start), first activation after \(end - start)")
    #expect(count == ids.count * 640)
    #if !DEBUG
      #expect(end - start < .seconds(3))
    #endif
  }
}
