import Diagnostics
import StrictJSON

/// Models of text and pictures whose text part is a model of a known family: that part is run, the rest is left out.
enum Wrapper: Family {
  static let modelTypes = ["gemma3", "mistral3", "llava"]

  static func architecture(_ config: ConfigReader) throws -> Architecture {
    let text = try filled(config.part("text_config"))
    let family = try Families.family(of: text)
    guard family.modelTypes != modelTypes else {
      throw try text.reader.required("model_type").unexpected("a text model")
    }
    var architecture = try family.architecture(text)
    let kind = try config.modelType()
    // Where the outer file is silent, these classes tie.
    let silent = kind == "llava" ? architecture.head.isTied : true
    architecture.head.isTied = try config.bool("tie_word_embeddings", default: silent)
    if kind == "gemma3" { architecture.head.logitCap = nil }
    architecture.isTextPart = true
    architecture.notes.append("This is the text part: the vision tower and its projector are left out.")
    return architecture
  }

  /// What nested files of older transformers leave out: all that equals the text class's own defaults.
  private static let defaults: [String: [String: JSONValue]] = [
    "llama": [
      "vocab_size": .integer(32_000), "hidden_size": .integer(4096), "intermediate_size": .integer(11_008),
      "num_hidden_layers": .integer(32), "num_attention_heads": .integer(32),
    ],
    "mistral": [
      "vocab_size": .integer(32_000), "hidden_size": .integer(4096), "intermediate_size": .integer(14_336),
      "num_hidden_layers": .integer(32), "num_attention_heads": .integer(32), "num_key_value_heads": .integer(8),
      "max_position_embeddings": .integer(131_072),
    ],
  ]

  private static func filled(_ text: ConfigReader) throws -> ConfigReader {
    guard case .object(let object) = text.reader.value, let usual = defaults[try text.modelType()] else { return text }
    // Key-value heads follow the heads: a file that gives those is read by itself.
    let isWhole = text.mentions("num_attention_heads")
    let absent = usual.filter { !text.mentions($0.key) && !(isWhole && $0.key == "num_key_value_heads") }
      .sorted { $0.key < $1.key }
    let members = object.members.map { ($0.key, $0.value) } + absent.map { ($0.key, $0.value) }
    return ConfigReader(JSONReader(.object(JSONObject(members)), file: text.reader.file, path: text.reader.path))
  }

  /// An architecture that was read is the text part's, and has that family's names.
  static func tensors(_ architecture: Architecture) -> TensorNames { architecture.tensorNames }
}
