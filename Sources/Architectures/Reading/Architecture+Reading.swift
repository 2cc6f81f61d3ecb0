import Diagnostics
import Foundation
import StrictJSON

extension Architecture {
  /// The architecture that a config.json describes.
  ///
  /// - Parameters:
  ///   - configuration: The file's content.
  ///   - file: What messages call it.
  ///   - name: What reports call the model.
  /// - Throws: `Fault`: `architectures.unknownModelType`, `architectures.contradiction` where two keys cannot both be
  ///   true, `architectures.dimension`, `architectures.unknownRotaryScaling`, `architectures.tooLarge`, and those of
  ///   StrictJSON.
  public init(configuration: JSONValue, file: String, name: String = "") throws {
    let config = ConfigReader(JSONReader(configuration, file: file))
    self = try Families.family(of: config).architecture(config)
    self.name = name
    try checkSize(file: file)
  }

  /// The families whose config.json can be read: values of `model_type`.
  public static var knownModelTypes: [String] { Families.all.flatMap { $0.modelTypes } }

  /// Refuses what no machine could hold, so that no sum overflows.
  private func checkSize(file: String) throws {
    func size(_ shape: WeightShape?) -> Double { shape.map { $0.sizes.map(Double.init).reduce(1, *) } ?? 0 }
    // Expert by expert only once it is known that there are not too many.
    let parameters = blocks.reduce(2 * size(shape(of: .tokenEmbedding))) { sum, block in
      sum + WeightRole.inBlock.reduce(0) { $0 + size(block.shape(of: $1, width: width)) }
        + Double(block.experts?.count ?? 0)
        * WeightRole.inExpert.reduce(0) { $0 + size(block.shape(of: $1, width: width)) }
    }
    let experts = blocks.reduce(0) { $0 + ($1.experts?.count ?? 0) }
    let attended = blocks.reduce(0.0) {
      $0 + Double(context) * Double($1.attention.queryWidth + $1.attention.mixedWidth)
    }
    let squares = Double(width) * Double(width) * Double(layers)
    guard parameters < 0x1p50, attended < 0x1p55, squares < 0x1p55, experts <= 1 << 20 else {
      throw Fault(
        .badData, "architectures.tooLarge", "The configuration describes a model beyond counting", file: file,
        expected: "fewer than 2⁵⁰ parameters and 2²⁰ experts",
        found: "about \(parameters) and \(experts), in \(layers) layers of width \(width)",
        advice: "compare the file with the one that the model's makers published")
    }
  }
}

extension Architecture {
  /// The architecture that a folder's config.json describes.
  /// - Throws: `Fault`: `architectures.missingConfig`, and those of `init(configuration:file:name:)`.
  public init(folder: URL, name: String = "") throws {
    let url = folder.appending(path: "config.json")
    guard FileManager.default.isReadableFile(atPath: url.path) else {
      throw Fault(
        .noInput, "architectures.missingConfig", "This folder holds no config.json that can be read",
        file: folder.path, expected: "a model in Hugging Face layout (config.json and model.safetensors) or in GGUF",
        advice: "check the path, or download the model's config.json too")
    }
    try self.init(configuration: url, name: name)
  }

  /// The architecture that a config.json describes.
  init(configuration url: URL, name: String) throws {
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw Fault(
        .noInput, "architectures.missingConfig", "This configuration cannot be read", file: url.path,
        advice: "check the path and its permissions")
    }
    try self.init(configuration: JSONValue(parsing: [UInt8](data), file: url.path), file: url.path, name: name)
  }
}
