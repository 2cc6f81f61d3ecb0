import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// A transformer that can be run with hooks.
///
/// Loading maps the weights and checks names and shapes; each layer's weights are read when a run first comes to it. A
/// model can be run from several threads; each run computes with all of Unfold's threads.
public final class Model: Sendable {
  public let configuration: Configuration
  /// The folder that the model was loaded from.
  public let folder: URL
  /// The number type of the matrix products; everything else is computed in float32.
  public let compute: ComputeType
  /// The mapped files of the weights.
  public let checkpoint: Checkpoint
  let store: WeightStore

  /// Beside as many bytes as the files have, prepared weights may take this many.
  private static let weightAllowance = 256 << 20

  /// Opens a model in Hugging Face layout: `config.json` and safetensors.
  ///
  /// - Throws: `Fault`: `transformer.missingConfig`, `transformer.unknownModelType`, `transformer.configuration`,
  ///   `transformer.missingTensors`, `transformer.unusedTensors`, `transformer.tensorShape`, `transformer.tensorType`
  ///   and their like, and those of `Checkpoint`. NaN and infinite weights are found when a run first uses them
  ///   (`transformer.nonfiniteWeights`).
  public static func load(_ folder: URL, compute: ComputeType = .float32) throws -> Model {
    try load(folder, compute: compute, randomSeed: nil)
  }

  /// The same architecture with random weights, for a baseline: every tensor's values are replaced by normal numbers of
  /// its own mean and variance, which keeps the scale of the activations. Reads all weights once.
  package func randomized(seed: UInt64) throws -> Model {
    try Model.load(folder, compute: compute, randomSeed: seed)
  }

  private static func load(_ folder: URL, compute: ComputeType, randomSeed: UInt64?) throws -> Model {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw Fault(
        .noInput, "transformer.missingFolder", "There is no such model folder", file: folder.path,
        expected: "a folder with config.json and model.safetensors", advice: "check the path: names are case-sensitive")
    }
    let config = try ConfigFile(folder: folder)
    let family = try Families.family(of: config)
    let checkpoint = try Checkpoint(folder: folder)
    let configuration = try family.configuration(
      config, tensors: TensorNames(names: Set(checkpoint.names)))
    var table = try WeightTable(
      configuration: configuration, map: family.map(configuration), checkpoint: checkpoint)
    if let randomSeed { try table.randomize(seed: randomSeed) }
    return Model(table: table, folder: folder, compute: compute, checkpoint: checkpoint)
  }

  private init(table: WeightTable, folder: URL, compute: ComputeType, checkpoint: Checkpoint) {
    configuration = table.configuration
    self.folder = folder
    self.compute = compute
    self.checkpoint = checkpoint
    store = WeightStore(table: table, type: compute, budget: checkpoint.byteCount + Self.weightAllowance)
  }

  /// Which logits a run returns.
  public enum LogitRows: Sendable {
    case none
    /// Those of each document's last token, in the documents' order.
    case lastOfEachDocument
    case all
  }

  /// Runs the model over a batch, with hooks; ends after the last site that a hook wants, unless logits are wanted.
  ///
  /// Memory: `configuration.workingBytesPerToken` for each token, beside the weights.
  /// - Returns: The logits asked for, [rows, d_vocab]; nil for `.none`.
  /// - Throws: What a hook throws; `Fault`: `transformer.unknownSite`, `transformer.noLogits`,
  ///   `transformer.tokenOutOfRange`, `transformer.documentTooLong`, `transformer.nonfiniteWeights`.
  @discardableResult
  public func run(_ batch: TokenBatch, hooks: [Hook] = [], logits: LogitRows = .none) throws -> Matrix? {
    try check(batch, hooks, logits)
    guard batch.count > 0, !hooks.isEmpty || logits != .none else {
      return logits == .none ? nil : Matrix(zeros: 0, columns: configuration.vocabularySize)
    }
    var pass = ForwardPass(
      batch, store: store,
      hooks: RunHooks(hooks, configuration: configuration, wantsLogits: logits != .none))
    let values = try pass.run(logits: logits)
    return values.map {
      Matrix(rows: $0.count / configuration.vocabularySize, columns: configuration.vocabularySize, elements: $0)
    }
  }

  private func check(_ batch: TokenBatch, _ hooks: [Hook], _ logits: LogitRows) throws {
    for hook in hooks where !configuration.has(hook.site) {
      if hook.site.kind == .unembedOut { throw noLogits }
      throw Fault(
        .usage, "transformer.unknownSite", "This model has no such site", place: hook.site.name,
        expected: "a site of this architecture (\(configuration.modelType), \(configuration.layers) layers)",
        advice: nearestNames(to: hook.site.name, among: configuration.sites.map(\.name)).first.map {
          "did you mean \($0)?"
        })
    }
    if logits != .none && !configuration.hasLogits { throw noLogits }
    let vocabulary = configuration.vocabularySize
    if let token = batch.ids.firstIndex(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw Fault(
        .badData, "transformer.tokenOutOfRange", "A token's number has no embedding", file: folder.path,
        place: "token \(token) of the batch", expected: "a number from 0 to \(vocabulary - 1)",
        found: "\(batch.ids[token])", advice: "check that the tokenizer belongs to this model")
    }
    if let longest = configuration.longestDocument, let length = batch.lengths.max(), length > longest {
      throw Fault(
        .badData, "transformer.documentTooLong", "A document is longer than the model's positions", file: folder.path,
        expected: "at most \(longest) tokens", found: "\(length)", advice: "split or truncate the document")
    }
    let types = configuration.embedding.tokenTypes
    if let type = batch.types?.first(where: { $0 < 0 || Int($0) >= max(types, 1) }) {
      throw Fault(
        .badData, "transformer.tokenOutOfRange", "A token's type has no embedding", file: folder.path,
        expected: types > 0 ? "a type from 0 to \(types - 1)" : "no types", found: "\(type)")
    }
  }

  var noLogits: Fault {
    Fault(
      .usage, "transformer.noLogits", "This checkpoint has no output head, so it has no logits", file: folder.path,
      expected: configuration.norm.place == .after
        ? "the tensors of a masked-language head (cls.predictions.*)" : "an unembedding (lm_head.weight)",
      advice: "ask for sites before the head, or take a checkpoint that was saved with its head")
  }
}
