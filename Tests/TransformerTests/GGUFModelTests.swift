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
    "phi3-windows", "qwen2-tied", "qwen3", "qwen2_moe", "qwen3_moe", "gemma", "gemma2", "gemma3", "gemma3-types",
    "olmo",
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
      print(
        "GGUF \(name): \(String(format: "%.1e", errors.values.max() ?? 0)) at \(errors.max { $0.value < $1.value }!.key)"
      )
    }
  }
}

extension GGUFModelTests {
  /// Every way to name a model's place.
  @Test func architecturesOfAnyPlace() throws {
    let folder = Reference.folder("mixtral")
    let plain = try Architecture(folder: folder)
    #expect(try Architecture(at: folder) == plain)
    #expect(try Architecture(at: folder.appending(path: "config.json")) == plain)
    #expect(try Architecture(at: folder.appending(path: "model.safetensors")) == plain)
    #expect(try Architecture(at: folder, name: "Tiny").name == "Tiny")
    let stored = try Architecture(at: Self.file("mixtral"))
    #expect(stored.name == "mixtral")
    #expect(stored.blocks.map(\.feedForward) == plain.blocks.map(\.feedForward))
    let alone = try TemporaryFolder()
    try FileManager.default.copyItem(at: Self.file("mixtral"), to: alone.file("tiny.gguf"))
    #expect(try Architecture(at: alone.url) == stored)
    #expect(try Model.load(alone.url).architecture == stored)
    let fault = #expect(throws: Fault.self) { try Architecture(at: Reference.folder("gguf")) }
    #expect(fault?.name == "checkpoints.severalModels")
  }

  @Test func splitFilesAreOneModel() throws {
    let parts = Reference.folder("gguf").appending(path: "parts")
    for place in [parts, parts.appending(path: "llama-00002-of-00002.gguf")] {
      let reference = try Reference("llama", model: place)
      for (site, error) in try reference.errors() { #expect(error < AgreementTests.tolerance, "\(site)") }
    }
  }

  @Test func expertsOneByOne() throws {
    let reference = try Reference("mixtral", model: Self.file("mixtral-unstacked"))
    for (site, error) in try reference.errors() { #expect(error < AgreementTests.tolerance, "\(site)") }
  }

  /// 8 bits a weight keep two digits, and rows that are reordered lie in blocks.
  @Test func quantisedRowsAreReordered() throws {
    let reference = try Reference("llama-yarn", model: Self.file("llama-yarn-q8"))
    for (site, error) in try reference.errors() { #expect(error < 0.05, "\(site)") }
  }

  /// llama.cpp knows SmolLM 3 in the form that was published alone: every fourth layer does not rotate, none slides.
  @Test func smolLM3() throws {
    let folder = try TemporaryFolder()
    let source = Reference.folder("smollm3")
    let data = try Data(contentsOf: source.appending(path: "config.json"))
    var config = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for key in ["no_rope_layers", "no_rope_layer_interval", "use_sliding_window", "sliding_window"] {
      config[key] = nil
    }
    try JSONSerialization.data(withJSONObject: config).write(to: folder.file("config.json"))
    try FileManager.default.copyItem(
      at: source.appending(path: "model.safetensors"), to: folder.file("model.safetensors"))
    let batch = TokenBatch(documents: [[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5]])
    let expected = try #require(try Model.load(folder.url).run(batch, logits: .all)).elements
    let logits = try #require(try Model.load(Self.file("smollm3")).run(batch, logits: .all)).elements
    #expect(relativeError(logits, expected) < 1e-6)
  }

  @Test func randomWeightsKeepTheirScale() throws {
    let model = try Model.load(Self.file("deepseek_v3"))
    let logits = try #require(try model.randomized(seed: 7).run(TokenBatch(documents: [[1, 2, 3]]), logits: .all))
    #expect(logits.elements.allSatisfy { $0.isFinite })
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
    #expect(try model.generate(after: [expected.ids], count: expected.greedy.count)[0].tokens == expected.greedy)
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
    try model.run(
      TokenBatch(documents: [ids]), hooks: [Hook(Site(.residPost, layer: 0)) { count = $0.rows.count * $0.width }])
    let end = ContinuousClock.now
    print("Gemma: loaded after \(loaded - start), first activation after \(end - start)")
    #expect(count == ids.count * 640)
    #if !DEBUG
      #expect(end - start < .seconds(3))
    #endif
  }
}
