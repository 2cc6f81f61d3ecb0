import Diagnostics

extension ProbeSettings {
  /// The settings by the names that specifications and flags give them (`class_weights`, `--class-weights`).
  public enum Key: String, CaseIterable, Sendable {
    case level, target, label, positive, negative, only, sites, layers, pooling, classifier, strengths, penalty
    case l1Ratio = "l1_ratio"
    case classWeights = "class_weights"
    case threshold, selector, columns, folds
    case outerFolds = "outer_folds"
    case testShare = "test_share"
    case controls, shuffles
    case exactShuffles = "exact_shuffles"
    case directions, rotations, resamples
    case specialTokens = "special_tokens"
    case seed
  }

  /// Gives a setting the value that a person wrote on a command line.
  ///
  /// - Throws: `specification.value`, which names the flag, what it takes and the nearest right word.
  public mutating func set(_ key: Key, to text: String) throws {
    try set(key, to: SettingValue(key: key.rawValue, text: text))
  }

  /// The one place where a word becomes a setting.
  mutating func set(_ key: Key, to value: SettingValue) throws {
    switch key {
    case .level: concept.level = try value.word(of: Concept.Level.self)
    case .target: target = try value.word(of: Target.self)
    case .label: concept.column = try value.text()
    case .positive: concept.positive = try value.text()
    case .negative: concept.negative = try value.texts()
    case .only: concept.only = try value.texts()
    case .sites: sites = try value.texts().joined(separator: ",")
    case .layers: layers = try value.texts().joined(separator: ",")
    case .pooling: pooling = try value.word(of: Pooling.self)
    case .classifier:
      classifiers = try value.words(Method.allCases.map(\.rawValue), all: Method.classifiers) { Method(word: $0) }
    case .strengths:
      strengths = try value.numbers("numbers above 0, such as 0.01,0.1,1") { $0 > 0 && $0.isFinite }
    case .penalty: penalty = try value.word(of: LogisticRegression.Penalty.self)
    case .l1Ratio: l1Ratio = try value.number("a number from 0 to 1, such as 0.5") { (0...1).contains($0) }
    case .classWeights: classWeights = try value.word(of: ClassWeights.self)
    case .threshold: threshold = try value.word(of: MassMean.Threshold.self)
    case .selector: selector = try value.word(of: ColumnSelector.self)
    case .columns:
      columns = try value.numbers("whole numbers from 1 to 256, such as 1,2,4,8,16") {
        (1...256).contains($0) && $0.rounded() == $0
      }.map { Int($0) }
    case .folds: folds = try value.whole("a whole number from 2 to 100", in: 2...100)
    case .outerFolds:
      outerFolds = try value.whole("0, or a whole number from 2 to 100", in: 0...100)
      if outerFolds == 1 { throw value.fault("One outer fold holds everything back", expected: "0, or 2 to 100") }
    case .testShare: testShare = try value.number("a number between 0 and 1, such as 0.2") { $0 > 0 && $0 < 1 }
    case .controls:
      let chosen = try value.words(Control.allCases.map(\.rawValue), all: Control.allCases, none: true) {
        Control(rawValue: $0)
      }
      controls = Control.allCases.filter(chosen.contains)
    case .shuffles: shuffles = try value.whole("a whole number from 0 to 100000", in: 0...100_000)
    case .exactShuffles: exactShuffles = try value.whole("a whole number from 0 to 100000", in: 0...100_000)
    case .directions: directions = try value.whole("a whole number from 0 to 1000", in: 0...1000)
    case .rotations: rotations = try value.whole("a whole number from 0 to 1000", in: 0...1000)
    case .resamples: resamples = try value.whole("a whole number from 0 to 100000", in: 0...100_000)
    case .specialTokens:
      guard let choice = ["true": true, "false": false][try value.text()] else {
        throw value.fault("The key needs yes or no", expected: "true or false")
      }
      countsSpecialTokens = choice
    case .seed: seed = UInt64(try value.whole("a whole number from 0", in: 0...Int.max))
    }
  }
}

extension ProbeSettings {
  /// A key whose value says nothing, or contradicts another.
  struct Conflict {
    var key: Key
    var problem: String
    var expected: String
    var found: String
  }

  /// Refuses what no single key can be wrong in.
  ///
  /// - Parameter keys: those that were given; one that kept its default contradicts nothing.
  /// - Throws: `specification.conflict`.
  public func check(_ keys: Set<Key>) throws {
    guard let conflict = conflict(among: keys) else { return }
    throw Fault(
      .usage, "specification.conflict", conflict.problem, place: conflict.key.rawValue, expected: conflict.expected,
      found: conflict.found)
  }

  func conflict(among keys: Set<Key>) -> Conflict? {
    targetConflict(keys) ?? labelConflict(keys) ?? methodConflict(keys)
  }

  private func targetConflict(_ keys: Set<Key>) -> Conflict? {
    if target == .position, concept.level != .token {
      return Conflict(
        key: .target, problem: "A position is a token's, not a document's", expected: "level: token", found: "document")
    }
    if target == .textLength, concept.level != .document {
      return Conflict(
        key: .target, problem: "A length is a document's, not a token's", expected: "level: document", found: "token")
    }
    if keys.contains(.classifier), let wrong = classifiers.first(where: { $0.predictsNumbers != target.isNumber }) {
      return Conflict(
        key: .classifier,
        problem: target.isNumber
          ? "A number is predicted by ridge regression" : "This method predicts numbers, not labels",
        expected: target.isNumber ? "classifier: ridge" : "target: number, or another classifier", found: wrong.rawValue
      )
    }
    if target.isNumber, let positive = concept.positive, !keys.isDisjoint(with: [.positive, .target]) {
      return Conflict(
        key: keys.contains(.positive) ? .positive : .target, problem: "A number to regress has no positive label",
        expected: "target: label, or no key positive", found: "target: \(target.rawValue), positive: \(positive)")
    }
    return nil
  }

  private func labelConflict(_ keys: Set<Key>) -> Conflict? {
    let negative = concept.negative?.joined(separator: ", ") ?? ""
    if keys.contains(.negative), concept.positive == nil {
      return Conflict(
        key: .negative, problem: "Labels to tell a concept from need the concept's own", expected: "a key positive",
        found: "negative: \(negative)")
    }
    if concept.negative != nil, concept.only != nil, !keys.isDisjoint(with: [.negative, .only]) {
      return Conflict(
        key: .only, problem: "negative says already which labels take part", expected: "negative or only, not both",
        found: "negative: \(negative), only: \(concept.only?.joined(separator: ", ") ?? "")")
    }
    return nil
  }

  private func methodConflict(_ keys: Set<Key>) -> Conflict? {
    let own = Set(methods)
    func unused(_ key: Key, _ problem: String, expected: String, by users: Set<Method>) -> Conflict? {
      guard keys.contains(key), own.isDisjoint(with: users) else { return nil }
      return Conflict(
        key: key, problem: problem, expected: expected, found: methods.map(\.rawValue).joined(separator: ", "))
    }
    if keys.contains(.l1Ratio), penalty != .elasticNet || !own.contains(.logistic) {
      return Conflict(
        key: .l1Ratio, problem: "Only the elastic net mixes two penalties", expected: "penalty: elastic-net",
        found: "penalty: \(penalty.rawValue)")
    }
    let minimisers: Set<Method> = [.logistic, .svm, .sparse, .components]
    let others = "classifier: logistic, linear-svm, k-sparse, or principal-components"
    return unused(
      .penalty, "Only logistic regression has a choice of penalty", expected: "classifier: logistic", by: [.logistic])
      ?? unused(.selector, "Only k-sparse probes select columns", expected: "classifier: k-sparse", by: [.sparse])
      ?? unused(
        .columns, "No method here reads a number of columns", expected: "classifier: k-sparse, or principal-components",
        by: [.sparse, .components])
      ?? unused(.classWeights, "Class weights have no part in this method", expected: others, by: minimisers)
      ?? unused(.strengths, "This method has no strength to choose", expected: others, by: minimisers.union([.ridge]))
  }
}
