import Diagnostics
import Foundation
import StrictJSON

/// A config.json, read key by key; every complaint names the key.
struct ConfigReader {
  let reader: JSONReader

  init(_ reader: JSONReader) { self.reader = reader }

  func modelType() throws -> String { try reader.required("model_type").string() }

  /// Whether the key stands in the file at all, though it be null.
  func mentions(_ key: String) -> Bool {
    guard case .object(let object) = reader.value else { return false }
    return object[key] != nil
  }

  /// The first of several names of one key that the file has, else the first.
  func name(_ keys: String...) -> String { keys.first(where: has) ?? keys[0] }

  func has(_ key: String) -> Bool { ((try? reader.optional(key)) ?? nil) != nil }

  /// A part of the file, such as `text_config`.
  func part(_ key: String) throws -> ConfigReader { ConfigReader(try reader.required(key)) }

  // MARK: Integers

  /// A dimension: an integer from 1 to `maximum`.
  func dimension(_ key: String, default value: Int? = nil, maximum: Int = Architecture.maximumDimension) throws -> Int {
    if let value, try reader.optional(key) == nil { return value }
    return try whole(reader.required(key), 1...maximum)
  }

  func optionalDimension(_ key: String) throws -> Int? {
    try reader.optional(key).map { try whole($0, 1...Architecture.maximumDimension) }
  }

  /// An integer from 0.
  func count(_ key: String, default value: Int) throws -> Int {
    try reader.optional(key).map { try whole($0, 0...Architecture.maximumDimension) } ?? value
  }

  func layers(_ key: String) throws -> Int { try dimension(key, maximum: Architecture.maximumLayers) }

  /// `whole / parts`, where `parts` must divide it.
  func evenly(_ key: String, _ whole: Int, into partsKey: String, _ parts: Int) throws -> Int {
    guard whole.isMultiple(of: parts) else {
      throw contradiction(
        partsKey, "\(key) (\(whole)) cannot be shared evenly among \(partsKey) (\(parts))",
        expected: "a divisor of \(whole)", found: "\(parts)")
    }
    return whole / parts
  }

  private func whole(_ member: JSONReader, _ range: ClosedRange<Int>) throws -> Int {
    let value = try member.integer()
    guard range.contains(value) else {
      throw outOfRange(member, "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  // MARK: Numbers

  /// A finite number greater than zero.
  func positive(_ key: String, default value: Double? = nil) throws -> Double {
    if let value, try reader.optional(key) == nil { return value }
    return try positive(reader.required(key))
  }

  /// A finite number from zero: what keeps a norm from dividing by nothing may be nothing.
  func epsilon(_ key: String, default value: Double) throws -> Double {
    guard let member = try reader.optional(key) else { return value }
    let number = try member.number()
    guard number >= 0, number < 1 else { throw outOfRange(member, "a number from 0 to 1") }
    return number
  }

  /// A finite number greater than zero where the key is there; nil where it is null, `value` where it is absent.
  func cap(_ key: String, default value: Double? = nil) throws -> Double? {
    mentions(key) ? try reader.optional(key).map(positive) : value
  }

  private func positive(_ member: JSONReader) throws -> Double {
    let number = try member.number()
    guard number > 0, number.isFinite else { throw outOfRange(member, "a number greater than 0") }
    return number
  }

  // MARK: Words

  func bool(_ key: String, default value: Bool) throws -> Bool { try reader.optional(key)?.bool() ?? value }

  func string(_ key: String, default value: String) throws -> String { try reader.optional(key)?.string() ?? value }

  func strings(_ key: String) throws -> [String]? { try reader.optional(key)?.array().map { try $0.string() } }

  func activation(_ key: String, default name: String) throws -> Activation {
    let member = try reader.optional(key)
    let text = try member?.string() ?? name
    guard let known = Activation.names.first(where: { $0.0 == text }) else {
      throw (member ?? reader).unexpected("one of: \(Activation.names.map(\.0).joined(separator: ", "))")
    }
    return known.1
  }

  /// Refuses an option that is there but unsupported.
  func require(_ key: String, is value: Bool) throws {
    guard let member = try reader.optional(key), try member.bool() != value else { return }
    throw member.unexpected("\(value): the other is not supported")
  }

  // MARK: Faults

  /// Two keys of a configuration that cannot both be true.
  func contradiction(_ key: String, _ problem: String, expected: String, found: String) -> Fault {
    Fault(
      .badData, "architectures.contradiction", "The configuration contradicts itself: \(problem)", file: reader.file,
      place: reader.path.isEmpty ? key : "\(reader.path).\(key)", expected: expected, found: found,
      advice: "compare the file with the one that the model's makers published")
  }

  private func outOfRange(_ member: JSONReader, _ expected: String) -> Fault {
    var fault = member.unexpected(
      expected, advice: "compare the file with the one that the model's makers published")
    fault.name = "architectures.dimension"
    return fault
  }
}

extension ConfigReader {
  /// How far back each layer sees: `layer_types` where the file has it, else `slides`.
  func windows(layers: Int, window: Int?, slides: (Int) -> Bool) throws -> [Int?] {
    guard let types = try layerTypes(layers: layers) else { return (0..<layers).map { slides($0) ? window : nil } }
    return try types.enumerated().map { layer, type in
      guard try type.string() == "sliding_attention" else { return nil }
      guard let window else {
        throw contradiction(
          "layer_types[\(layer)]", "a layer slides a window that has no size", expected: "sliding_window beside it",
          found: "no sliding_window")
      }
      return window
    }
  }

  /// `layer_types`, one a layer, each of a known kind.
  private func layerTypes(layers: Int) throws -> [JSONReader]? {
    guard let types = try reader.optional("layer_types")?.array() else { return nil }
    guard types.count == layers else {
      throw contradiction(
        "layer_types", "layer_types does not speak of every layer", expected: "\(layers) entries, one a layer",
        found: "\(types.count)")
    }
    for type in types where try !["full_attention", "sliding_attention"].contains(type.string()) {
      throw type.unexpected("full_attention or sliding_attention")
    }
    return types
  }

  /// The numbers of some layers, each of them there; none where the key is absent.
  func layerNumbers(_ key: String, of layers: Int) throws -> [Int] {
    try reader.optional(key)?.array().enumerated().map { place, member in
      let layer = try member.integer()
      guard (0..<layers).contains(layer) else {
        throw contradiction(
          "\(key)[\(place)]", "\(key) names a layer that is not there", expected: "a layer from 0 to \(layers - 1)",
          found: "\(layer)")
      }
      return layer
    } ?? []
  }

  /// `sliding_window`: null switches it off; where the key is absent, `value` holds.
  func window(default value: Int? = nil) throws -> Int? {
    mentions("sliding_window") ? try optionalDimension("sliding_window") : value
  }
}
