import Anatomy
import Foundation
import StrictJSON
import Testing

/// What transformers' own classes count (Scripts/references/anatomy.py).
struct Reference {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let configuration: JSONValue
    let fields: JSONReader
    var testDescription: String { name }

    func architecture() throws -> Architecture {
      try Architecture(configuration: configuration, file: name, name: name)
    }
  }

  static let document: JSONReader? = {
    guard let url = Bundle.module.url(forResource: "Fixtures/anatomy", withExtension: "json"),
      let data = try? Data(contentsOf: url), let value = try? JSONValue(parsing: [UInt8](data), file: "anatomy.json")
    else { return nil }
    return JSONReader(value, file: "anatomy.json")
  }()

  static var presets: [Case] {
    (try? document?.required("presets").members().map { try testCase($0.key, $0.value) }) ?? []
  }

  static func list(_ key: String) -> [Case] {
    (try? document?.required(key).array().enumerated().map { try testCase("\(key) \($0)", $1) }) ?? []
  }

  private static func testCase(_ name: String, _ fields: JSONReader) throws -> Case {
    Case(name: name, configuration: try fields.required("configuration").value, fields: fields)
  }

  /// Compares totals, biases and every part.
  static func check(
    _ architecture: Architecture, _ fields: JSONReader, sourceLocation: SourceLocation = #_sourceLocation
  )
    throws
  {
    let components = architecture.components
    #expect(architecture.parameters == (try fields.required("parameters").integer()), sourceLocation: sourceLocation)
    #expect(
      components.reduce(0) { $0 + $1.biases } == (try fields.required("biases").integer()),
      sourceLocation: sourceLocation)
    let parts = try fields.required("parts")
    for part in ParameterComponent.Part.allCases {
      let counted = components.filter { $0.part == part }.reduce(0) { $0 + $1.parameters }
      let expected = try parts.optional(part.rawValue)?.integer() ?? 0
      #expect(counted == expected, "\(part)", sourceLocation: sourceLocation)
    }
  }
}

@Suite("Counts equal those of transformers")
struct ReferenceTests {
  @Test("every preset has a reference, and every reference is a preset")
  func presetsAreCovered() {
    #expect(Set(Reference.presets.map(\.name)) == Set(Preset.all.map(\.name)))
    #expect(Reference.list("variants").count > 30)
  }

  @Test("presets, exact to the last parameter", arguments: Reference.presets)
  func preset(reference: Reference.Case) throws {
    let preset = try #require(Preset.named(reference.name))
    try Reference.check(preset.architecture(), reference.fields)
    let active = try ModelAnatomy(preset.architecture()).activeParameters
    #expect(active == (try reference.fields.required("active").integer()))
    // The same facts, typed a second time.
    try Reference.check(reference.architecture(), reference.fields)
  }

  @Test("published configurations mean the same architecture", arguments: Reference.presets)
  func presetFacts(reference: Reference.Case) throws {
    var read = try reference.architecture()
    let preset = try #require(Preset.named(reference.name)).architecture()
    read.name = preset.name
    read.notes = preset.notes
    #expect(read == preset)
  }

  @Test("small configurations with every option", arguments: Reference.list("variants"))
  func variant(reference: Reference.Case) throws {
    try Reference.check(reference.architecture(), reference.fields)
    let active = try ModelAnatomy(reference.architecture()).activeParameters
    #expect(active == (try reference.fields.required("active").integer()))
  }

  @Test("operations equal those that PyTorch counts", arguments: Reference.list("flops"))
  func operations(reference: Reference.Case) throws {
    let architecture = try reference.architecture()
    let tokens = try reference.fields.required("tokens").integer()
    let counted = architecture.flops(keys: tokens) * Double(tokens)
    #expect(counted == Double(try reference.fields.required("flops").integer()))
  }
}
