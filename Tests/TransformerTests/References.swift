import Architectures
import Checkpoints
import Foundation
import LinearAlgebra
import Transformer

/// A tiny random model and what it must hold, made by `Scripts/references/transformer.py`.
struct Reference {
  static let names = [
    "gpt2", "gpt2-options", "gpt2-bare", "llama", "llama-linear", "llama3", "mistral", "qwen2", "qwen2-tied", "bert",
    "bert-bare", "bloom", "cohere", "cohere-plain", "cohere2", "deepseek_v2", "deepseek_v2-groups", "deepseek_v3",
    "deepseek_v3-halves", "distilbert", "falcon", "falcon-alibi", "falcon-new", "falcon-one-norm", "gemma", "gemma2",
    "gemma2-uncapped", "gemma3", "gemma3-seeing", "gemma3-types", "glm4", "gpt_neo", "gpt_neox",
    "gpt_neox-sequential", "gpt_oss", "gptj", "granite", "granite-bias", "llama-dynamic", "llama-longrope",
    "llama-yarn", "mistral3-seeing", "mixtral", "mixtral-window", "olmo", "olmo-bias", "olmo2", "olmo3", "olmoe",
    "opt", "opt-350m", "phi", "phi-qk-norm", "phi3", "phi3-partial", "phi3-windows", "qwen2_moe", "qwen2_moe-norm",
    "qwen3", "qwen3-windows", "qwen3_moe", "qwen3_moe-sparse", "roberta", "smollm3", "stablelm", "stablelm-qk-norm",
    "starcoder2", "starcoder2-bare", "xlm-roberta", "deepseek_v3-f8", "qwen3-f8", "gpt_oss-mxfp4",
  ]

  let name: String
  let model: Model
  let batch: TokenBatch
  let expected: SafetensorsFile
  /// The tokens whose values are kept.
  let rows: [Int]
  /// The token at which the reference edits.
  let edited: Int

  static func folder(_ name: String) -> URL {
    Bundle.module.resourceURL!.appending(path: "Fixtures").appending(path: name)
  }

  /// - Parameter folder: Where the model lies, if not beside what it must hold.
  init(_ name: String, model folder: URL? = nil, compute: ComputeType = .float32) throws {
    self.name = name
    model = try Model.load(folder ?? Self.folder(name), compute: compute)
    expected = try SafetensorsFile(contentsOf: Self.folder(name).appending(path: "expected.safetensors"))
    batch = TokenBatch(
      ids: try Self.integers(expected, "ids"), lengths: try Self.integers(expected, "lengths").map(Int.init),
      types: model.architecture.embedding.tokenTypes > 0 && expected["types"] != nil
        ? try Self.integers(expected, "types") : nil)
    rows = try Self.integers(expected, "rows").map(Int.init)
    edited = expected["edited"] == nil ? 0 : Int(try Self.integers(expected, "edited")[0])
  }

  static func integers(_ file: SafetensorsFile, _ name: String) throws -> [Int32] {
    guard let tensor = file[name] else { throw MissingTensor(name: name) }
    return tensor.withUnsafeBytes { bytes in
      (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
    }
  }

  /// The values of a site in `rows`.
  func site(_ name: String) throws -> [Float] { try floats("site/\(name)") }

  /// The last values of the edited token and of its document's last, with an edit at a site; nil where the reference edits nothing there.
  func edit(_ name: String) throws -> [Float]? {
    expected["edit/\(name)"] == nil ? nil : try floats("edit/\(name)")
  }

  private func floats(_ name: String) throws -> [Float] {
    guard let tensor = expected[name] else { throw MissingTensor(name: name) }
    return try tensor.floats()
  }

  struct MissingTensor: Error { var name: String }

  /// The names of the sites that the reference knows.
  var siteNames: Set<String> {
    Set(expected.tensors.map(\.name).filter { $0.hasPrefix("site/") }.map { String($0.dropFirst(5)) })
  }

  /// The error of each site that the reference knows, relative to its largest value.
  func errors() throws -> [Site: Double] {
    var found: [Site: [Int: [Float]]] = [:]
    let sites = model.architecture.sites.filter { siteNames.contains($0.name) }
    let hooks = sites.map { site in
      Hook(site) { found[site, default: [:]].merge(kept($0)) { $1 } }
    }
    try model.run(batch, hooks: hooks)
    var errors: [Site: Double] = [:]
    for site in sites {
      let reference = try self.site(site.name)
      // Of some sites fewer rows are kept.
      let values = rows.flatMap { found[site]?[$0] ?? [] }.prefix(reference.count)
      errors[site] = relativeError(Array(values), reference)
    }
    return errors
  }

  /// What the reference kept of a value: scores and pattern padded to the longest document.
  func kept(_ value: borrowing HookedValue) -> [Int: [Float]] {
    let longest = batch.lengths.max()!
    var result: [Int: [Float]] = [:]
    for row in rows {
      guard value.row(of: row) != nil else {
        // A token that was routed to other experts.
        if value.tokens != nil { result[row] = Array(repeating: 0, count: value.width) }
        continue
      }
      var values = value.row(row).map { $0 == -.infinity ? -1e30 : $0 }
      if value.document != nil {
        let keys = value.axes[1]
        values = stride(from: 0, to: values.count, by: keys).flatMap {
          values[$0..<$0 + keys] + Array(repeating: 0, count: longest - keys)
        }
      }
      result[row] = values
    }
    return result
  }
}

/// The largest difference relative to the reference's largest value; masked scores left out.
func relativeError(_ values: [Float], _ reference: [Float]) -> Double {
  guard values.count == reference.count else { return .infinity }
  var (largest, difference) = (0.0, 0.0)
  for (a, b) in zip(values, reference) {
    if b <= -1e29 {
      if a != b { return .infinity }
      continue
    }
    largest = max(largest, Double(abs(b)))
    difference = max(difference, Double(abs(a - b)))
    if a.isNaN { return .infinity }
  }
  return largest == 0 ? difference : difference / largest
}
