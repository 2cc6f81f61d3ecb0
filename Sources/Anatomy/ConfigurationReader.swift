import Diagnostics
import StrictJSON

/// A config.json, read key by key; every complaint names the key.
struct ConfigurationReader {
  let json: JSONReader

  func mentions(_ key: String) -> Bool {
    guard case .object(let object) = json.value else { return false }
    return object[key] != nil
  }

  /// An integer from 1 to `maximum`.
  func dimension(_ key: String, default value: Int? = nil, maximum: Int = Architecture.maximumDimension) throws -> Int {
    if let value, try json.optional(key) == nil { return value }
    return try whole(json.required(key), 1...maximum)
  }

  func optionalDimension(_ key: String) throws -> Int? {
    try json.optional(key).map { try whole($0, 1...Architecture.maximumDimension) }
  }

  /// An integer from 0.
  func count(_ key: String, default value: Int) throws -> Int {
    try json.optional(key).map { try whole($0, 0...Architecture.maximumDimension) } ?? value
  }

  func bool(_ key: String, default value: Bool) throws -> Bool { try json.optional(key)?.bool() ?? value }

  func string(_ key: String, default value: String) throws -> String { try json.optional(key)?.string() ?? value }

  /// A finite number greater than zero, where the key is there.
  func cap(_ key: String, default value: Double?) throws -> Double? {
    guard mentions(key) else { return value }
    guard let member = try json.optional(key) else { return nil }
    let number = try member.number()
    guard number > 0, number.isFinite else { throw member.unexpected("a number greater than 0") }
    return number
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

  /// Two keys of a configuration that cannot both be true.
  func contradiction(_ key: String, _ problem: String, expected: String, found: String) -> Fault {
    Fault(
      .badData, "anatomy.contradiction", "The configuration contradicts itself: \(problem)", file: json.file,
      place: key, expected: expected, found: found,
      advice: "compare the file with the one that the model's makers published")
  }

  /// What each layer sees: `layer_types` where the file has it, else `slides`.
  func windows(layers: Int, window: Int?, slides: (Int) -> Bool) throws -> [Int?] {
    guard let member = try json.optional("layer_types") else { return (0..<layers).map { slides($0) ? window : nil } }
    let types = try member.array()
    guard types.count == layers else {
      throw contradiction(
        "layer_types", "layer_types does not speak of every layer", expected: "\(layers) entries, one a layer",
        found: "\(types.count)")
    }
    return try types.map { type in
      switch try type.string() {
      case "full_attention": return nil
      case "sliding_attention":
        guard let window else {
          throw contradiction(
            type.path, "a layer slides a window that has no size", expected: "sliding_window beside it",
            found: "no sliding_window")
        }
        return window
      default: throw type.unexpected("full_attention or sliding_attention")
      }
    }
  }

  /// The value of `key`, or of the older key `other`; where both are there they must agree.
  func dimension(_ key: String, or other: String) throws -> Int {
    guard let first = try optionalDimension(key) else { return try dimension(other) }
    if let second = try optionalDimension(other), second != first {
      throw contradiction(
        other, "\(key) and \(other) are two names of one number", expected: "\(first)", found: "\(second)")
    }
    return first
  }

  private func whole(_ member: JSONReader, _ range: ClosedRange<Int>) throws -> Int {
    let value = try member.integer()
    guard range.contains(value) else {
      var fault = member.unexpected("an integer from \(range.lowerBound) to \(range.upperBound)")
      fault.name = "anatomy.dimension"
      throw fault
    }
    return value
  }
}
