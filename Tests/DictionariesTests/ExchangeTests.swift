import Activations
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import TestFiles
import Testing

func expectFault(_ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
  do {
    try body()
    Issue.record("\(name) was not thrown", sourceLocation: sourceLocation)
  } catch let fault as Fault {
    #expect(fault.name == name, "\(fault)", sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error)", sourceLocation: sourceLocation)
  }
}

enum Fixtures {
  static let folder = Bundle.module.resourceURL?.appending(path: "Fixtures") ?? URL(filePath: "Fixtures")

  static func matrix(_ name: String, of file: SafetensorsFile) throws -> Matrix {
    let view = try #require(file[name])
    return Matrix(rows: view.shape[0], columns: view.shape[1], elements: try view.floats())
  }

  static func expected(_ name: String) throws -> (x: Matrix, acts: Matrix, out: Matrix) {
    let file = try SafetensorsFile(contentsOf: folder.appending(path: "\(name)/expected.safetensors"))
    return (try matrix("x", of: file), try matrix("acts", of: file), try matrix("out", of: file))
  }

  static func dictionary(_ name: String) throws -> SparseAutoencoder {
    try SparseAutoencoder.load(folder: folder.appending(path: name))
  }

  /// The cases of a reference; none where they cannot be read, which a test of their number shows.
  static func cases<Case: Decodable>(_ name: String) -> [Case] {
    guard let data = try? Data(contentsOf: folder.appending(path: "\(name).json")) else { return [] }
    return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
  }

  /// A folder of its own, removed after the body.
  static func temporary<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = try TemporaryFolder()
    return try body(folder.url)
  }
}

/// The largest difference as a share of the largest number expected.
func largestDifference(_ a: Matrix, _ b: Matrix) -> Float {
  guard a.rows == b.rows, a.columns == b.columns else { return .infinity }
  let scale = b.elements.map(abs).max() ?? 1
  return (zip(a.elements, b.elements).map { abs($0 - $1) }.max() ?? 0) / max(scale, 1e-9)
}

@Suite struct ExchangeTests {
  static let saelens = [
    "saelens-standard", "saelens-standard-plain-input", "saelens-topk", "saelens-topk-rescaled", "saelens-jumprelu",
    "saelens-gated", "saelens-constant-norm", "saelens-layer-norm", "saelens-hook-z", "saelens-transcoder",
    "saelens-transcoder-constant-norm", "saelens-skip-transcoder", "saelens-jumprelu-transcoder",
    "saelens-jumprelu-skip-transcoder", "saelens-batchtopk", "saelens-matryoshka", "saelens-flat-standard",
    "saelens-flat-topk", "saelens-flat-jumprelu",
  ]
  static let sparsify = ["sparsify/layers.1", "sparsify/layers.1.mlp", "sparsify/layers.2"]

  /// 1e-5 of the largest: what float32 products in another order may differ by, with room.
  @Test(arguments: saelens + sparsify) func agreesWithItsLibrary(name: String) throws {
    let dictionary = try Fixtures.dictionary(name)
    let expected = try Fixtures.expected(name)
    let latents = dictionary.encode(expected.x)
    #expect(largestDifference(latents.dense, expected.acts) < 1e-5)
    #expect(largestDifference(dictionary.decode(latents, input: expected.x), expected.out) < 1e-5)
    #expect(latents.count == expected.acts.elements.count { $0 != 0 })
  }

  @Test(arguments: saelens + sparsify) func survivesWritingAndReading(name: String) throws {
    let dictionary = try Fixtures.dictionary(name)
    let again = try Fixtures.temporary { folder in
      try dictionary.save(folder: folder)
      return try SparseAutoencoder.load(folder: folder)
    }
    #expect(again == dictionary)
  }

  @Test(arguments: sparsify + ["saelens-topk", "saelens-topk-rescaled"]) func writesSparsify(name: String) throws {
    let dictionary = try Fixtures.dictionary(name)
    let expected = try Fixtures.expected(name)
    try Fixtures.temporary { folder in
      try dictionary.save(folder: folder, format: .sparsify)
      let again = try SparseAutoencoder.load(folder: folder)
      #expect(largestDifference(again.reconstruct(expected.x), expected.out) < 1e-5)
    }
  }

  @Test func writesBFloat16() throws {
    let dictionary = try Fixtures.dictionary("sparsify/layers.2")
    try Fixtures.temporary { folder in
      try dictionary.save(folder: folder, format: .sparsify, type: .bfloat16)
      // The numbers came from bfloat16, so nothing is lost.
      let again = try SparseAutoencoder.load(folder: folder)
      #expect(again.encoder == dictionary.encoder)
      #expect(again.decoder == dictionary.decoder)
    }
  }

  @Test func keepsWhatSAELensHasNoWordsFor() throws {
    var dictionary = try Fixtures.dictionary("saelens-jumprelu")
    dictionary.configuration.architecture = .matryoshka
    dictionary.configuration.k = 5
    dictionary.configuration.origin = .init(
      model: "tiny", modelDigest: "00ff", tokenizerDigest: "11", corpus: ["text"], version: "0")
    dictionary.configuration.modelName = "tiny"
    let again = try Fixtures.temporary { folder in
      try dictionary.save(folder: folder)
      return try SparseAutoencoder.load(folder: folder)
    }
    #expect(again == dictionary)
  }

  @Test func readsTheMetadata() throws {
    let configuration = try Fixtures.dictionary("saelens-skip-transcoder").configuration
    #expect(configuration.hookIn == "blocks.1.mlp.hook_in")
    #expect(configuration.hookOut == "blocks.1.hook_mlp_out")
    #expect(configuration.isTranscoder)
    #expect(configuration.contextSize == 64)
    #expect(configuration.prependsBeginToken == true)
    #expect(try Fixtures.dictionary("saelens-flat-standard").configuration.hookIn == "blocks.1.hook_resid_post")
    #expect(try Fixtures.dictionary("saelens-hook-z").configuration.flattensHeads)
    let sparsify = try Fixtures.dictionary("sparsify/layers.1.mlp").configuration
    #expect(sparsify.hookIn == "blocks.1.mlp.hook_in")
    #expect(sparsify.hookOut == "blocks.1.hook_mlp_out")
  }
}

/// Folders that are not what they should be.
@Suite struct DictionaryFaultTests {
  private func fault(_ body: (URL) throws -> Void) throws -> Fault? {
    try Fixtures.temporary { folder in
      do {
        try body(folder)
        _ = try SparseAutoencoder.load(folder: folder)
        return nil
      } catch let fault as Fault {
        return fault
      }
    }
  }

  /// A fixture's folder with its configuration changed.
  private func changed(
    _ name: String, in folder: URL, _ change: (inout [String: Any]) -> Void
  ) throws {
    let source = Fixtures.folder.appending(path: name)
    for file in try FileManager.default.contentsOfDirectory(atPath: source.path) {
      try FileManager.default.copyItem(at: source.appending(path: file), to: folder.appending(path: file))
    }
    let url = folder.appending(path: "cfg.json")
    var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    change(&object)
    try JSONSerialization.data(withJSONObject: object).write(to: url)
  }

  @Test func namesWhatIsMissing() throws {
    #expect(try fault { _ in }?.name == "dictionary.notADictionary")
    #expect(try fault { try FileManager.default.removeItem(at: $0) }?.name == "dictionary.missing")
    let pickle = try #require(
      try fault { try Data([0x80, 2]).write(to: $0.appending(path: "ae.pt")) })
    #expect(pickle.name == "dictionary.pickle")
    #expect(pickle.advice?.contains("save_file") == true)
    let inner = try #require(
      try fault { folder in
        let below = folder.appending(path: "layers.3")
        try FileManager.default.createDirectory(at: below, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: below.appending(path: "cfg.json"))
      })
    #expect(inner.advice?.contains("layers.3") == true)
  }

  @Test(arguments: [
    "temporal", "matching_pursuit", "abstopk", "crosscoder", "",
  ]) func refusesArchitecturesByName(name: String) throws {
    let fault = try #require(try fault { try changed("saelens-topk", in: $0) { $0["architecture"] = name } })
    #expect(fault.name == "dictionary.architecture")
    #expect(fault.found == "\"\(name)\"")
  }

  @Test func refusesOtherRules() throws {
    #expect(
      try fault { try changed("sparsify/layers.1", in: $0) { $0["activation"] = "groupmax" } }?.name
        == "dictionary.architecture")
    #expect(
      try fault { try changed("saelens-topk", in: $0) { $0["normalize_activations"] = "covariance_whitening" } }?.name
        == "dictionary.architecture")
    #expect(
      try fault { try changed("saelens-flat-standard", in: $0) { $0["activation_fn"] = "tanh-relu" } }?.name
        == "dictionary.architecture")
    #expect(
      try fault { try changed("saelens-transcoder", in: $0) { $0["apply_b_dec_to_input"] = true } }?.name
        == "dictionary.configuration")
  }

  /// What changes the meaning and is not known is named, wherever it stands.
  @Test(
    arguments: [
      ("saelens-topk", nil, "signed", true as any Sendable, "dictionary.architecture"),
      ("saelens-topk", "metadata", "hook_head_index", 3, "dictionary.architecture"),
      ("saelens-topk", "metadata", "model_from_pretrained_kwargs", ["fold_ln": true], "dictionary.architecture"),
      ("saelens-topk", "metadata", "unheard_of", "x", "dictionary.unknownKey"),
      ("saelens-topk", nil, "unheard_of", false, "dictionary.unknownKey"),
      ("saelens-topk", nil, "activation_fn", "relu", "dictionary.architecture"),
      ("saelens-flat-topk", "activation_fn_kwargs", "signed", true, "dictionary.architecture"),
      ("saelens-flat-topk", "activation_fn_kwargs", "postact_fn", "abs", "dictionary.unknownKey"),
      ("saelens-flat-standard", nil, "hook_point_head_index", 0, "dictionary.architecture"),
      ("saelens-transcoder", "metadata", "hook_head_index_out", 0, "dictionary.architecture"),
      ("sparsify/layers.1", nil, "signed", true, "dictionary.architecture"),
      ("sparsify/layers.1", nil, "residual_scale", 2, "dictionary.unknownKey"),
    ] as [(String, String?, String, any Sendable, String)])
  func refusesKeysThatChangeTheMeaning(
    fixture: String, part: String?, key: String, value: any Sendable, name: String
  ) throws {
    let fault = try #require(
      try fault { folder in
        try changed(fixture, in: folder) { config in
          guard let part else {
            config[key] = value
            return
          }
          var inner = config[part] as? [String: Any] ?? [:]
          inner[key] = value
          config[part] = inner
        }
      })
    #expect(fault.name == name)
    #expect(fault.place?.contains(key) == true, "\(fault)")
  }

  /// Records of training say nothing of how the dictionary works; nor does a key that is null.
  @Test func readsPastRecords() throws {
    try Fixtures.temporary { folder in
      try changed("saelens-flat-topk", in: folder) { config in
        config.merge([
          "hook_head_index": NSNull(), "dataset_path": "text", "lr": 0.001, "l1_coefficient": 5, "noise_scale": 0,
          "n_checkpoints": 0, "signed": false, "unheard_of": NSNull(), "seqpos_slice": [NSNull()],
          "model_from_pretrained_kwargs": ["center_writing_weights": false], "wandb_project": "x",
        ]) { $1 }
      }
      #expect(try SparseAutoencoder.load(folder: folder) == Fixtures.dictionary("saelens-flat-topk"))
    }
    try Fixtures.temporary { folder in
      try changed("sparsify/layers.2", in: folder) { $0["signed"] = false }
      _ = try SparseAutoencoder.load(folder: folder)
    }
  }

  @Test(arguments: [
    ("d_in", 9, "dictionary.tensors"), ("d_sae", 25, "dictionary.tensors"), ("d_in", 0, "json.unexpected"),
    ("d_sae", -3, "json.unexpected"), ("d_sae", 1 << 40, "json.unexpected"), ("k", 0, "dictionary.configuration"),
    ("k", 25, "dictionary.configuration"),
  ]) func holdsSizesAgainstTensors(key: String, value: Int, name: String) throws {
    let fault = try #require(try fault { try changed("saelens-topk", in: $0) { $0[key] = value } })
    #expect(fault.name == name)
  }

  @Test func namesMissingAndUnusedTensors() throws {
    let missing = try #require(
      try fault { try changed("saelens-topk", in: $0) { $0["architecture"] = "jumprelu" } })
    #expect(missing.name == "dictionary.tensors")
    #expect(missing.place == "threshold")
    let unused = try #require(
      try fault { try changed("saelens-jumprelu", in: $0) { $0["architecture"] = "standard" } })
    #expect(unused.name == "dictionary.tensors")
    #expect(unused.found == "threshold")
  }

  @Test func refusesNaN() throws {
    var dictionary = try Fixtures.dictionary("saelens-topk")
    dictionary.decoder.elements[3] = .nan
    let fault = try #require(try fault { try dictionary.save(folder: $0) })
    #expect(fault.name == "dictionary.notFinite")
    #expect(fault.place == "decoder")
  }

  @Test func refusesTruncatedWeights() throws {
    let fault = try #require(
      try fault { folder in
        try changed("saelens-topk", in: folder) { _ in }
        let url = folder.appending(path: "sae_weights.safetensors")
        try Data(contentsOf: url).dropLast(5).write(to: url)
      })
    #expect(fault.name == "checkpoints.truncated")
  }

  @Test func refusesWhatAFormatLacks() throws {
    let gated = try Fixtures.dictionary("saelens-gated")
    let layerNorm = try Fixtures.dictionary("saelens-layer-norm")
    let topKTranscoder = try Fixtures.dictionary("sparsify/layers.1.mlp")
    try Fixtures.temporary { folder in
      for (dictionary, format) in [
        (gated, DictionaryFormat.sparsify), (layerNorm, .sparsify), (topKTranscoder, .saelens),
      ] {
        #expect(throws: Fault.self) { try dictionary.save(folder: folder, format: format) }
      }
    }
  }
}
