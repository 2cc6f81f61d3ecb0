import Foundation
import Synchronization
import Unfold

/// A model and its tokenizer, as a command line named them.
struct LoadedModel {
  /// What the user called the model, without folders.
  let name: String
  let model: Model
  /// Nil where the folder has none: enough for corpora of token ids.
  let tokenizer: Tokenizer?

  /// What `--memory` said, for all models of this process; 0: nothing.
  static let memory = Atomic<Int>(0)

  init(_ argument: ModelArgument, compute: ComputeType) throws { try self.init(argument.model, compute: compute) }

  init(_ name: String, compute: ComputeType = .float32) throws {
    let folder = try ModelLocation.resolve(name)
    self.name = name.split(separator: "/").last.map(String.init) ?? name
    let memory = Self.memory.load(ordering: .relaxed)
    model = try Model.load(folder, compute: compute, memory: memory > 0 ? memory : nil)
    for note in model.notes { Console.note(note) }
    tokenizer = try Tokenizer.of(model: folder)
    try tokenizer?.check(embeddingRows: model.architecture.vocabularySize, of: folder.path)
  }

  /// The tokenizer, for commands that need one.
  func requireTokenizer() throws -> Tokenizer {
    guard let tokenizer else {
      throw Fault(
        .noInput, "tool.noTokenizer", "The model has no tokenizer", file: model.folder.path,
        expected: "tokenizer.json beside the weights, or a vocabulary in the GGUF file",
        advice: "give a corpus of token ids, or add the file")
    }
    return tokenizer
  }

  /// A token's text by its id, bytes of a partial character as `<0xEB>`; nil where there is no tokenizer.
  var piece: (@Sendable (Int32) -> String)? {
    guard let tokenizer else { return nil }
    return { id in tokenizer.shownText(of: id) ?? "" }
  }
}
