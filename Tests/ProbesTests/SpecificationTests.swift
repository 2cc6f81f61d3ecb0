import Diagnostics
import Foundation
import Probes
import Testing

@Suite struct SpecificationTests {
  @Test func readsEveryKey() throws {
    let specification = try ProbeSpecification(
      yaml: """
        # A comment.
        concept: irony
        about: "words: and more"
        dataset: [a, b.jsonl]
        level: token
        target: label
        label: kind
        positive: "1"
        only: ["0", "1"]
        sites: [embed, resid_post]
        layers: 0,2-3
        pooling: last
        classifier: [mass-mean, logistic, svm, k-sparse, mass-mean]
        penalty: elastic-net
        l1_ratio: 0.25
        class_weights: balanced
        threshold: training
        selector: f-statistic
        columns: [1, 3, 9]
        strengths: [0.01, 1, 1e2]
        folds: 3
        outer_folds: 4
        controls: [shuffled-labels, majority]
        test_share: 0.3
        shuffles: 99
        exact_shuffles: 0
        directions: 3
        rotations: 4
        resamples: 5
        special_tokens: true
        seed: 7
        """)
    #expect(specification.concept == "irony")
    #expect(specification.about == "words: and more")
    #expect(specification.dataset == ["a", "b.jsonl"])
    #expect(specification.settings.concept.level == .token)
    #expect(specification.settings.concept.positive == "1")
    #expect(specification.settings.sites == "embed,resid_post")
    #expect(specification.settings.layers == "0,2-3")
    #expect(specification.settings.pooling == .last)
    #expect(specification.settings.methods == [.massMean, .logistic, .svm, .sparse])
    let settings = specification.settings
    #expect(settings.method == .massMean && settings.threshold == .training && settings.outerFolds == 4)
    #expect(settings.penalty == .elasticNet && settings.l1Ratio == 0.25)
    #expect(settings.classWeights == .balanced && settings.folds == 3)
    #expect(settings.selector == .fStatistic && settings.columns == [1, 3, 9])
    #expect(settings.strengths == [0.01, 1, 100])
    #expect(settings.controls == [.majority, .shuffledLabels])
    #expect(settings.testShare == 0.3)
    #expect(settings.seed == 7)
    #expect(settings.concept.column == "kind" && settings.concept.only == ["0", "1"])
    #expect(settings.shuffles == 99 && settings.exactShuffles == 0 && settings.directions == 3)
    #expect(settings.rotations == 4 && settings.resamples == 5 && settings.countsSpecialTokens)
  }

  @Test(arguments: [
    ("concept: x\ndatset: y\n", "specification.unknownKey", "line 2", "dataset"),
    ("concept: x\ndataset: y\npooling: meen\n", "specification.value", "line 3, key pooling", "mean"),
    ("concept: x\ndataset: y\n\n\nclassifier: logistc\n", "specification.value", "line 5, key classifier", "logistic"),
    (
      "concept: x\ndataset: y\ncontrols: [majority, shufled-labels]\n", "specification.value", "line 3",
      "shuffled-labels"
    ),
    ("concept: x\ndataset: y\nfolds: 1\n", "specification.value", "line 3, key folds", "from 2"),
    ("concept: x\ndataset: y\nstrengths: [1, no]\n", "specification.value", "line 3", "above 0"),
    ("concept: x\ndataset: y\nseed: -1\n", "specification.value", "line 3", "from 0"),
    ("concept: x\ndataset: y\ntarget: position\n", "specification.value", "line 3", "level: token"),
    ("concept: x\ndataset: y\nselektor: l1\n", "specification.unknownKey", "line 3", "selector"),
    ("concept: x\ndataset: y\nclassifier: [lda, logistc]\n", "specification.value", "line 3", "logistic"),
    (
      "concept: x\ndataset: y\nclassifier: k-sparse\nselector: f-statistics\n", "specification.value", "line 4",
      "f-statistic"
    ),
    ("concept: x\ndataset: y\nselector: l1\n", "specification.value", "line 3, key selector", "k-sparse"),
    (
      "concept: x\ndataset: y\nclassifier: lda\npenalty: l1\n", "specification.value", "line 4, key penalty", "logistic"
    ),
    ("concept: x\ndataset: y\npenalty: elastic\n", "specification.value", "line 3, key penalty", "elastic-net"),
    ("concept: x\ndataset: y\nl1_ratio: 0.3\n", "specification.value", "line 3, key l1_ratio", "elastic-net"),
    ("concept: x\ndataset: y\nl1_ratio: 2\n", "specification.value", "line 3, key l1_ratio", "from 0 to 1"),
    ("concept: x\ndataset: y\nclass_weights: balance\n", "specification.value", "line 3", "balanced"),
    ("concept: x\ndataset: y\nclassifier: k-sparse\ncolumns: [1, 300]\n", "specification.value", "line 4", "1 to 256"),
    ("concept: x\ndataset: y\ntarget: number\nclassifier: [ridge, lda]\n", "specification.value", "line 4", "ridge"),
    ("concept: x\ndataset: y\nouter_folds: 1\n", "specification.value", "line 3, key outer_folds", "2 to 100"),
    (
      "concept: x\ndataset: y\nnegative: [b]\n", "specification.value", "line 3, key negative", "a key positive"
    ),
    (
      "concept: x\ndataset: y\npositive: a\nnegative: [b]\nonly: [a, b]\n", "specification.value",
      "line 5, key only", "not both"
    ),
    ("concept: x\ndataset: y\nresamples: many\n", "specification.value", "line 3, key resamples", "from 0"),
    ("concept: x\ndataset: y\nspecial_tokens: yes\n", "specification.value", "line 3", "true or false"),
    ("concept: x\n", "specification.missingKey", "the whole file", "dataset"),
    ("concept: [x\n", "specification.syntax", "line", "each key once"),
    ("concept: x\nconcept: y\ndataset: z\n", "specification.syntax", "line", "each key once"),
    ("", "specification.syntax", "", "concept: sarcasm"),
  ])
  func refusesWithTheLine(_ yaml: String, _ name: String, _ place: String, _ expected: String) throws {
    let fault = try #require(throws: Fault.self) { try ProbeSpecification(yaml: yaml, file: "a.yaml") }
    #expect(fault.name == name)
    #expect(fault.file == "a.yaml")
    #expect(place.isEmpty || (fault.place ?? "").hasPrefix(place), "\(fault)")
    #expect("\(fault)".contains(expected), "\(fault)")
  }

  @Test func flagsThatSayNothingAreRefused() throws {
    var settings = ProbeSettings()
    settings.penalty = .l1
    settings.classifiers = [.massMean]
    // What a file said of a method that a flag has replaced contradicts nothing.
    try settings.check([.classifier])
    let fault = try #require(throws: Fault.self) { try settings.check([.classifier, .penalty]) }
    #expect(fault.name == "specification.conflict" && fault.place == "penalty")
  }

  @Test(arguments: [
    (ProbeSettings.Key.level, "token"), (.target, "label"), (.label, "kind"), (.positive, "1"),
    (.negative, "a, b"), (.only, "a,b"), (.sites, "embed, mlp_post"), (.layers, "0,2-3"), (.pooling, "max"),
    (.classifier, "svm,lda"), (.classifier, "all"), (.strengths, "0.01, 1"), (.penalty, "elastic-net"),
    (.l1Ratio, "0.25"), (.classWeights, "balanced"), (.threshold, "training"), (.selector, "l1"),
    (.columns, "1,2"), (.folds, "3"), (.outerFolds, "4"), (.testShare, "0.3"), (.controls, "none"),
    (.controls, "majority,words"), (.shuffles, "9"), (.exactShuffles, "0"), (.directions, "2"), (.rotations, "0"),
    (.resamples, "7"), (.specialTokens, "true"), (.seed, "5"),
  ])
  func fileAndFlagReadAWordAlike(_ key: ProbeSettings.Key, _ word: String) throws {
    // Some keys say nothing without another.
    let company: [ProbeSettings.Key: String] = [
      .negative: "positive: c", .l1Ratio: "penalty: elastic-net", .selector: "classifier: k-sparse",
      .columns: "classifier: k-sparse",
    ]
    let file = try ProbeSpecification(
      yaml: "concept: x\ndataset: y\n\(company[key] ?? "about: z")\n\(key.rawValue): \(word)\n"
    ).settings
    var flags = ProbeSettings()
    if let other = company[key]?.components(separatedBy: ": ") {
      try flags.set(try #require(ProbeSettings.Key(rawValue: other[0])), to: other[1])
    }
    try flags.set(key, to: word)
    #expect(flags == file)
    if key != .target { #expect(flags != ProbeSettings()) }
    // An empty word is none, and the flag is named.
    let fault = try #require(throws: Fault.self) { try flags.set(key, to: "") }
    #expect(fault.place == "--\(key.rawValue.replacing("_", with: "-"))", "\(fault)")
  }

  @Test func aFlagIsNamedAndTheNearestWordAdvised() throws {
    var settings = ProbeSettings()
    let fault = try #require(throws: Fault.self) { try settings.set(.classWeights, to: "balancd") }
    #expect(fault.name == "specification.value" && fault.place == "--class-weights")
    #expect(fault.found == "balancd" && fault.advice?.contains("balanced") == true)
    let number = try #require(throws: Fault.self) { try settings.set(.testShare, to: "1") }
    #expect(number.place == "--test-share" && number.expected?.contains("between 0 and 1") == true)
  }

  @Test func settingsLackingKeysHaveTheirDefaults() throws {
    let decoder = JSONDecoder()
    #expect(try decoder.decode(ProbeSettings.self, from: Data("{}".utf8)) == ProbeSettings())
    let one = try decoder.decode(ProbeSettings.self, from: Data(#"{"seed": 3, "classifiers": ["lda"]}"#.utf8))
    #expect(one == ProbeSettings(classifiers: [.lda], seed: 3))
    var all = ProbeSettings(concept: Concept(positive: "a", negative: ["b"]), strengths: [1], outerFolds: 4)
    (all.columns, all.classWeights, all.layers, all.countsSpecialTokens) = ([2], .balanced, "0-3", true)
    #expect(try decoder.decode(ProbeSettings.self, from: JSONEncoder().encode(all)) == all)
  }

  @Test func everyShippedOneReads() throws {
    let names = SpecificationFile.shippedNames
    #expect(names.count >= 18)
    for name in names {
      let file = try SpecificationFile(named: name)
      #expect(file.specification.concept == name)
      #expect(!file.specification.about.isEmpty)
    }
  }

  @Test func unknownNamesGetAdvice() throws {
    let fault = try #require(throws: Fault.self) { try SpecificationFile(named: "sarcsm") }
    #expect(fault.name == "specification.notFound")
    #expect(fault.advice?.contains("sarcasm") == true)
  }
}
