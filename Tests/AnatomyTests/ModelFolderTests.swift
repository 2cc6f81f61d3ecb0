import Anatomy
import Architectures
import Checkpoints
import Foundation
import Testing

/// The tiny models of the tests of Transformer, each with the number of parameters of the class that made it
/// (Scripts/references/transformer.py).
struct TinyModel: Sendable, CustomTestStringConvertible {
  let folder: URL
  let parameters: Int
  var testDescription: String { folder.lastPathComponent }

  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "TransformerTests/Fixtures")

  static let all: [TinyModel] =
    ((try? FileManager.default.contentsOfDirectory(at: fixtures, includingPropertiesForKeys: nil)) ?? [])
    .sorted { $0.path < $1.path }.compactMap { folder in
      guard FileManager.default.fileExists(atPath: folder.appending(path: "config.json").path),
        let expected = try? SafetensorsFile(contentsOf: folder.appending(path: "expected.safetensors")),
        let tensor = expected["parameters"], tensor.count == 1, tensor.type == .int64
      else { return nil }
      return TinyModel(folder: folder, parameters: tensor.withUnsafeBytes { Int($0.loadUnaligned(as: Int64.self)) })
    }
}

@Suite("Tiny models of every family")
struct ModelFolderTests {
  @Test("there are some of every family")
  func families() throws {
    #expect(TinyModel.all.count >= 55)
    let types = try TinyModel.all.map { try Architecture(folder: $0.folder).modelType }
    // These have tiny models from before, without a count.
    let older: Set = ["gpt2", "llama", "mistral", "qwen2", "bert"]
    // Compiled programs are tested with the circuits that are known of them.
    let known = Set(types).union(older).union(["gemma3", "mistral3", "llava", "tracr"])
    #expect(known == Set(Architecture.knownModelTypes))
  }

  @Test("counted exactly", arguments: TinyModel.all)
  func exact(model: TinyModel) throws {
    #expect(try Architecture(folder: model.folder).parameters == model.parameters)
  }
}
