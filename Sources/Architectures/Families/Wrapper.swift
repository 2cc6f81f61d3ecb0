import Diagnostics
import StrictJSON

/// Models of text and pictures whose text part is a model of a known family: that part is run, the rest is left out.
enum Wrapper: Family {
  static let modelTypes = ["gemma3", "mistral3", "llava"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let text = try config.part("text_config")
    let family = try Families.family(of: text)
    guard family.modelTypes != modelTypes else {
      throw try text.reader.required("model_type").unexpected("a text model")
    }
    var architecture = try family.architecture(text)
    if let member = try config.reader.optional("tie_word_embeddings") { architecture.head.isTied = try member.bool() }
    architecture.isTextPart = true
    architecture.notes.append("This is the text part: the vision tower and its projector are left out.")
    return architecture
  }

  /// An architecture that was read is the text part's, and has that family's names.
  static func tensors(_ architecture: Architecture) -> TensorNames { architecture.tensorNames }
}
