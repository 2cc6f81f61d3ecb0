import Diagnostics

extension ProbeSpecification {
  /// The keys of a specification.
  enum Key: String, CaseIterable {
    case concept, about, dataset, level, target, label, positive, sites, layers, pooling, classifier, strengths, folds
    case outerFolds = "outer_folds"
    case controls
    case testShare = "test_share"
    case seed
  }

  /// Reads a specification; keys that are absent keep their defaults.
  ///
  /// - Parameter file: the file's name, for messages.
  /// - Throws: `specification.syntax`, `specification.unknownKey`, `specification.missingKey`, `specification.value`.
  public init(yaml: String, file: String? = nil) throws {
    let reader = try SpecificationReader(yaml, keys: Key.allCases.map(\.rawValue), file: file)
    self.init(
      concept: try reader.required(Key.concept.rawValue).text(),
      dataset: try reader.required(Key.dataset.rawValue).texts())
    func field(_ key: Key) -> SpecificationReader.Field? { reader.field(key.rawValue) }
    if let about = try field(.about)?.text() { self.about = about }
    if let level = try field(.level)?.word(of: Concept.Level.self) { self.level = level }
    if let target = try field(.target)?.word(of: Target.self) { self.target = target }
    if let label = try field(.label)?.text() { self.label = label }
    if let positive = try field(.positive)?.text() { self.positive = positive }
    if let sites = try field(.sites)?.texts() { self.sites = sites.joined(separator: ",") }
    if let layers = try field(.layers)?.texts() { self.layers = layers.joined(separator: ",") }
    if let pooling = try field(.pooling)?.word(of: Pooling.self) { self.pooling = pooling }
    if let classifier = try field(.classifier)?.word(of: ProbeSettings.Method.self) { self.classifier = classifier }
    if let strengths = field(.strengths) {
      self.strengths = try strengths.numbers(expected: "numbers above 0, such as [0.01, 0.1, 1]") {
        $0 > 0 && $0.isFinite
      }
    }
    if let folds = field(.folds) {
      self.folds = try folds.whole(expected: "a whole number from 2 to 100") { (2...100).contains($0) }
    }
    if let folds = field(.outerFolds) {
      outerFolds = try folds.whole(expected: "0, or a whole number from 2 to 100") { $0 == 0 || (2...100).contains($0) }
    }
    if let controls = field(.controls) { self.controls = try Self.controls(controls) }
    if let share = field(.testShare) {
      testShare = try share.number(expected: "a number between 0 and 1, such as 0.2") { $0 > 0 && $0 < 1 }
    }
    if let seed = field(.seed) {
      self.seed = UInt64(try seed.whole(expected: "a whole number from 0") { $0 >= 0 })
    }
    try check(reader)
  }

  private static func controls(_ field: SpecificationReader.Field) throws -> [Control] {
    let words = try field.texts()
    if words == ["all"] { return Control.allCases }
    if words == ["none"] { return [] }
    let chosen = try words.map { word -> Control in
      guard let control = Control(rawValue: word) else {
        throw field.unknownWord(word, among: ["all", "none"] + Control.allCases.map(\.rawValue))
      }
      return control
    }
    return Control.allCases.filter(chosen.contains)
  }

  /// What no single key can be wrong in.
  private func check(_ reader: SpecificationReader) throws {
    if target == .position, level != .token, let field = reader.field(Key.target.rawValue) {
      throw field.fault("A position is a token's, not a document's", expected: "level: token", found: "document")
    }
    if target == .textLength, level != .document, let field = reader.field(Key.target.rawValue) {
      throw field.fault("A length is a document's, not a token's", expected: "level: document", found: "token")
    }
    if target.isNumber != classifier.predictsNumbers, let field = reader.field(Key.classifier.rawValue) {
      throw field.fault(
        target.isNumber ? "A number is predicted by ridge regression" : "This method predicts numbers, not labels",
        expected: target.isNumber ? "classifier: ridge" : "target: number, or another classifier",
        found: classifier.rawValue)
    }
    if target.isNumber, positive != nil, let field = reader.field(Key.positive.rawValue) {
      throw field.fault(
        "A number to regress has no positive label", expected: "target: label, or no key positive",
        found: target.rawValue)
    }
  }
}
