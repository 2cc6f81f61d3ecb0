import Diagnostics
import Foundation
import StrictJSON

/// A model's config.json, read key by key; every complaint names the key.
struct ConfigFile {
  let reader: JSONReader

  /// - Throws: `Fault`: `transformer.missingConfig`, `json.invalid`.
  init(folder: URL) throws {
    let url = folder.appending(path: "config.json")
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw Fault(
        .noInput, "transformer.missingConfig", "This folder holds no config.json that can be read", file: folder.path,
        expected: "a model in Hugging Face layout: config.json and model.safetensors",
        advice: "check the path, or download the model's config.json too")
    }
    reader = JSONReader(try JSONValue(parsing: [UInt8](data), file: url.path), file: url.path)
  }

  init(_ value: JSONValue, file: String) { reader = JSONReader(value, file: file) }

  func modelType() throws -> String { try reader.required("model_type").string() }

  /// Whether the key stands in the file at all, though it be null.
  func mentions(_ key: String) -> Bool {
    guard case .object(let object) = reader.value else { return false }
    return object[key] != nil
  }

  /// A dimension: an integer from 1 to `Configuration.maximumDimension`.
  func dimension(_ key: String, default value: Int? = nil) throws -> Int {
    if let value, try reader.optional(key) == nil { return value }
    return try dimension(reader.required(key))
  }

  func optionalDimension(_ key: String) throws -> Int? { try reader.optional(key).map(dimension) }

  private func dimension(_ reader: JSONReader) throws -> Int {
    let value = try reader.integer()
    guard 1...Configuration.maximumDimension ~= value else {
      throw outOfRange(reader, "an integer from 1 to \(Configuration.maximumDimension)")
    }
    return value
  }

  /// A finite number greater than zero.
  func positive(_ key: String, default value: Double? = nil) throws -> Double {
    if let value, try reader.optional(key) == nil { return value }
    let member = try reader.required(key)
    let number = try member.number()
    guard number > 0, number.isFinite else { throw outOfRange(member, "a number greater than 0") }
    return number
  }

  func bool(_ key: String, default value: Bool) throws -> Bool { try reader.optional(key)?.bool() ?? value }

  func activation(_ key: String, default name: String) throws -> Activation {
    guard let member = try reader.optional(key) else {
      return Activation.names.first { $0.0 == name }?.1 ?? .gelu
    }
    let text = try member.string()
    guard let known = Activation.names.first(where: { $0.0 == text }) else {
      throw member.unexpected("one of: \(Activation.names.map(\.0).joined(separator: ", "))")
    }
    return known.1
  }

  /// Refuses an option that is there but unsupported.
  func require(_ key: String, is value: Bool) throws {
    guard let member = try reader.optional(key), try member.bool() != value else { return }
    throw member.unexpected("\(value): the other is not supported")
  }

  /// How many heads share a width; see `headWidth` where the file may give that.
  func evenly(_ key: String, _ whole: Int, into partsKey: String, _ parts: Int) throws -> Int {
    guard whole.isMultiple(of: parts) else {
      throw Fault(
        .badData, "transformer.configuration", "Two dimensions do not fit each other", file: reader.file,
        place: partsKey,
        expected: "a divisor of \(key) (\(whole))", found: "\(parts)",
        advice: "download config.json again: it does not belong to a model that ever ran")
    }
    return whole / parts
  }

  private func outOfRange(_ member: JSONReader, _ expected: String) -> Fault {
    var fault = member.unexpected(expected, advice: "download config.json again: no model has such a dimension")
    fault.name = "transformer.configuration"
    return fault
  }
}

extension ConfigFile {
  /// Rotary positions, in the form of transformers 5 (`rope_parameters`) or the older one (`rope_theta` and
  /// `rope_scaling`).
  func rotary(headWidth: Int, context: Int, defaultBase: Double = 10_000) throws -> Configuration.Rotary {
    let parameters = try reader.optional("rope_parameters") ?? reader.optional("rope_scaling")
    let nested = parameters.map { ConfigFile($0.value, file: $0.file, path: $0.path) }
    let base =
      try nested.flatMap { try $0.reader.optional("rope_theta") == nil ? nil : try $0.positive("rope_theta") }
      ?? positive("rope_theta", default: defaultBase)
    let fraction =
      try (nested?.reader.optional("partial_rotary_factor") ?? reader.optional("partial_rotary_factor"))?.number() ?? 1
    let rotated = (Double(headWidth) * fraction).rounded(.towardZero)
    guard fraction > 0, fraction <= 1, let rotated = Int(exactly: rotated), rotated >= 2, rotated.isMultiple(of: 2)
    else {
      throw Fault(
        .badData, "transformer.configuration", "The rotated part of a head cannot be split into pairs",
        file: reader.file, place: "partial_rotary_factor", expected: "an even number of dimensions, at least 2",
        found: "\(rotated) of \(headWidth)")
    }
    return Configuration.Rotary(
      base: base, rotated: rotated, scaling: try nested?.rotaryScaling(context: context) ?? .none)
  }

  private init(_ value: JSONValue, file: String, path: String) { reader = JSONReader(value, file: file, path: path) }

  /// Read of `rope_parameters` or `rope_scaling` itself.
  private func rotaryScaling(context: Int) throws -> Configuration.Rotary.Scaling {
    guard let kind = try reader.optional("rope_type") ?? reader.optional("type") else { return .none }
    switch try kind.string() {
    case "default": return .none
    case "linear": return .linear(factor: try positive("factor"))
    case "llama3":
      let low = try positive("low_freq_factor")
      let high = try positive("high_freq_factor")
      guard high > low else {
        throw try reader.required("high_freq_factor").unexpected("a number greater than low_freq_factor (\(low))")
      }
      return .llama3(
        factor: try positive("factor"), lowFrequency: low, highFrequency: high,
        originalContext: try dimension("original_max_position_embeddings", default: context))
    default:
      var fault = kind.unexpected(
        "one of: default, linear, llama3", advice: "this scaling of rotary positions is not supported yet")
      fault.name = "transformer.unknownRotaryScaling"
      throw fault
    }
  }
}
