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
        seed: 7
        """)
    #expect(specification.concept == "irony")
    #expect(specification.about == "words: and more")
    #expect(specification.dataset == ["a", "b.jsonl"])
    #expect(specification.level == .token)
    #expect(specification.positive == "1")
    #expect(specification.sites == "embed,resid_post")
    #expect(specification.layers == "0,2-3")
    #expect(specification.pooling == .last)
    #expect(specification.methods == [.massMean, .logistic, .svm, .sparse])
    let settings = specification.settings
    #expect(settings.method == .massMean && settings.threshold == .training && settings.outerFolds == 4)
    #expect(settings.logistic.penalty == .elasticNet && settings.logistic.l1Ratio == 0.25)
    #expect(settings.logistic.classWeights == .balanced && settings.logistic.folds == 3)
    #expect(settings.sparse.selector == .fStatistic && settings.sparse.counts == [1, 3, 9])
    #expect(settings.components.counts == [1, 3, 9])
    #expect(specification.strengths == [0.01, 1, 100])
    #expect(specification.controls == [.majority, .shuffledLabels])
    #expect(specification.settings.testShare == 0.3)
    #expect(specification.settings.seed == 7)
    #expect(specification.settings.concept.column == "kind")
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
    var specification = ProbeSpecification(concept: "x", dataset: ["y"])
    specification.penalty = .l1
    specification.classifiers = [.massMean]
    // What a file said of a method that a flag has replaced contradicts nothing.
    try specification.check(flags: ["classifier"])
    let fault = try #require(throws: Fault.self) { try specification.check(flags: ["classifier", "penalty"]) }
    #expect(fault.name == "specification.conflict" && fault.place == "penalty")
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
