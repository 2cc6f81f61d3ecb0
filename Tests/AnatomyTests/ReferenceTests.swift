import Anatomy
import Architectures
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

  /// The models of Unfold's first presets, and those of further families.
  static var released: [Case] { members("presets") + members("families") }

  static var all: [Case] { released + list("variants") + list("flops") }

  static func members(_ key: String) -> [Case] {
    (try? document?.required(key).members().map { try testCase($0.key, $0.value) }) ?? []
  }

  static func list(_ key: String) -> [Case] {
    (try? document?.required(key).array().enumerated().map { try testCase("\(key) \($0)", $1) }) ?? []
  }

  private static func testCase(_ name: String, _ fields: JSONReader) throws -> Case {
    Case(name: name, configuration: try fields.required("configuration").value, fields: fields)
  }

  /// Compares totals, biases, every part, and what a token uses.
  static func check(
    _ architecture: Architecture, _ fields: JSONReader, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let anatomy = try ModelAnatomy(architecture)
    #expect(anatomy.parameters == (try fields.required("parameters").integer()), sourceLocation: sourceLocation)
    #expect(anatomy.activeParameters == (try fields.required("active").integer()), sourceLocation: sourceLocation)
    #expect(anatomy.biases == (try fields.required("biases").integer()), sourceLocation: sourceLocation)
    if let published = try fields.optional("published") {
      #expect(anatomy.parameters == (try published.integer()), sourceLocation: sourceLocation)
    }
    let parts = try fields.required("parts")
    for part in ParameterComponent.Part.allCases {
      let counted = anatomy.components.filter { $0.part == part }.reduce(0) { $0 + $1.parameters }
      let expected = try parts.optional(part.rawValue)?.integer() ?? 0
      #expect(counted == expected, "\(part)", sourceLocation: sourceLocation)
    }
  }
}

@Suite("Counts equal those of transformers")
struct ReferenceTests {
  @Test("every released model that has a reference is a preset")
  func presetsAreCovered() {
    let presets = Set(Preset.all.map(\.name))
    #expect(Reference.members("presets").count == 31 && Reference.members("families").count == 41)
    #expect(Set(Reference.released.map(\.name)).subtracting(presets).isEmpty)
    #expect(presets.subtracting(Reference.released.map(\.name)) == Set(PublishedTests.counts.map(\.name)))
    #expect(Reference.list("variants").count > 30)
  }

  @Test("released models, exact to the last parameter", arguments: Reference.released)
  func released(reference: Reference.Case) throws {
    let preset = try #require(Preset.named(reference.name))
    try Reference.check(preset.architecture(), reference.fields)
    // The same facts, typed a second time.
    try Reference.check(reference.architecture(), reference.fields)
  }

  @Test("published configurations mean the same architecture", arguments: Reference.released)
  func presetFacts(reference: Reference.Case) throws {
    var read = try reference.architecture()
    let preset = try #require(Preset.named(reference.name)).architecture()
    read.name = preset.name
    read.notes = preset.notes
    #expect(read == preset)
  }

  @Test("small configurations with every option", arguments: Reference.list("variants"))
  func variant(reference: Reference.Case) throws { try Reference.check(reference.architecture(), reference.fields) }

  @Test("operations equal those that PyTorch counts", arguments: Reference.list("flops"))
  func operations(reference: Reference.Case) throws {
    let architecture = try reference.architecture()
    let tokens = try reference.fields.required("tokens").integer()
    let counted = architecture.flops(keys: tokens) * Double(tokens)
    #expect(counted == Double(try reference.fields.required("flops").integer()))
  }
}

/// Presets without a count of transformers' own.
@Suite("Counts equal those that the makers published")
struct PublishedTests {
  /// Pythia's are those of its model cards; Gemma 3's stand in its report (arXiv 2503.19786, table 1) in millions, the
  /// embedding left out.
  static let counts: [(name: String, parameters: Int)] = [
    ("pythia-160m", 162_322_944), ("pythia-410m", 405_334_016), ("pythia-1b", 1_011_781_632),
    ("pythia-1.4b", 1_414_647_808), ("pythia-2.8b", 2_775_208_960), ("pythia-12b", 11_846_072_320),
    ("gemma-3-12b", 10_759), ("gemma-3-27b", 25_600),
  ]

  @Test("exact, or to the published digit", arguments: counts.map(\.name))
  func published(name: String) throws {
    let architecture = try #require(Preset.named(name)).architecture()
    let expected = try #require(Self.counts.first { $0.name == name }).parameters
    if expected > 1_000_000 {
      #expect(architecture.parameters == expected)
    } else {
      let embedding = architecture.vocabularySize * architecture.width
      #expect((Double(architecture.parameters - embedding) / 1e6).rounded() == Double(expected))
    }
  }
}
