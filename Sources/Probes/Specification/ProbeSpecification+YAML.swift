import Diagnostics

extension ProbeSpecification {
  /// The keys of a specification.
  enum Key: String, CaseIterable {
    case concept, about, dataset, level, target, label, positive, sites, layers, pooling, classifier, strengths
    case penalty
    case l1Ratio = "l1_ratio"
    case classWeights = "class_weights"
    case threshold, selector, columns, folds
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
    if let classifiers = field(.classifier) { self.classifiers = try Self.classifiers(classifiers) }
    if let penalty = try field(.penalty)?.word(of: LogisticRegression.Penalty.self) { self.penalty = penalty }
    if let ratio = field(.l1Ratio) {
      l1Ratio = try ratio.number(expected: "a number from 0 to 1, such as 0.5") { (0...1).contains($0) }
    }
    if let weights = try field(.classWeights)?.word(of: ClassWeights.self) { classWeights = weights }
    if let threshold = try field(.threshold)?.word(of: MassMean.Threshold.self) { self.threshold = threshold }
    if let selector = try field(.selector)?.word(of: ColumnSelector.self) { self.selector = selector }
    if let columns = field(.columns) {
      let expected = "whole numbers from 1 to 256, such as [1, 2, 4, 8, 16]"
      self.columns = try columns.numbers(expected: expected) {
        (1...256).contains($0) && $0.rounded() == $0
      }.map { Int($0) }
    }
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

  private static func classifiers(_ field: SpecificationReader.Field) throws -> [ProbeSettings.Method] {
    let words = try field.texts()
    if words == ["all"] { return ProbeSettings.Method.classifiers }
    return try words.map { word in
      guard let method = ProbeSettings.Method(word: word) else {
        throw field.unknownWord(word, among: ["all"] + ProbeSettings.Method.allCases.map(\.rawValue))
      }
      return method
    }
  }

  private func check(_ reader: SpecificationReader) throws {
    guard let conflict = conflict(isSet: { reader.field($0.rawValue) != nil }),
      let field = reader.field(conflict.key.rawValue)
    else { return }
    throw field.fault(conflict.problem, expected: conflict.expected, found: conflict.found)
  }
}
