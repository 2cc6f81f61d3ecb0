import Activations
import Diagnostics
import LinearAlgebra
import TestSupport
import Testing

@testable import Neurons

@Suite struct RankingBenchmarkTests {
  @Test(arguments: [RankingBenchmark.Variant.plain, .uneven, .related, .sparse])
  func theConsensusFindsThePlantedNeurons(
    _ variant: RankingBenchmark.Variant
  ) throws {
    let result = try RankingBenchmark(noises: [0.35], variants: [variant], seeds: [77]).run()
    #expect(result.rows.count == 2 && result.rows.count { !$0.condition.labelled } == 1)
    for row in result.rows {
      #expect(row.auroc(.consensus)?.mean ?? 0 > 0.93)
      #expect(row.auroc(.consensus, against: .broadMeaning)?.mean ?? 0 > 0.85)
      // Firing tells nothing where all fire alike.
      #expect(abs((row.auroc(.firing)?.mean ?? 0) - 0.5) < 0.15)
      #expect(row.auroc(.conceptCount) != nil || !row.condition.labelled)
      #expect(row.auroc(.regionMeaning) != nil && row.auroc(.monosemanticity) != nil)
    }
  }

  /// Every kind fires at the same share of tokens, within what chance allows.
  @Test func plantedKindsFireEquallyOften() {
    var generator = SeededGenerator(seed: 3)
    let (documents, tokens) = (300, 40)
    let concepts = (0..<documents * tokens).map { $0 / tokens % 12 }
    let forms = concepts.map { _ in generator.integer(below: 16) }
    let planter = NeuronPlanter(
      concepts: concepts, forms: forms, documentOf: concepts.indices.map { $0 / tokens }, documents: documents,
      families: (0..<4).map { [3 * $0, 3 * $0 + 1, 3 * $0 + 2] }, rate: 0.05, weakest: 0.5)
    for kind in PlantedKind.allCases {
      for number in 0..<4 {
        let firing = planter.firing(kind, number: number, generator: &generator)
        let share = Double(firing.count { $0 > 0 }) / Double(firing.count)
        #expect(abs(share - 0.05) < 0.008, "\(kind) fires at \(share)")
        let own = Set(firing.indices.filter { firing[$0] > 0 }.map { concepts[$0] })
        switch kind {
        case .oneConcept: #expect(own.count == 1)
        case .twoConcepts: #expect(Set(own.map { $0 / 3 }).count == 2 && own.count == 2)
        case .fiveConcepts: #expect(own.count == 5)
        case .broadMeaning: #expect(Set(own.map { $0 / 3 }).count == 1 && own.count == 3)
        case .singleToken, .noise: #expect(own.count > 8)
        }
      }
    }
  }

  /// Planted on a source's own activations, neurons of several labels lead those of one.
  @Test func plantedOnATextTheyAreFound() throws {
    var settings = PlantedNeurons.Settings(seed: 9)
    settings.documents = 240
    settings.planted = [.noise]
    let text = try TextActivations(PlantedNeurons(settings))
    let benchmark = RankingBenchmark(
      noises: [0.3], variants: [.text], seeds: [4], text: text,
      families: (0..<4).map { family in (0..<3).map { "concept \(3 * family + $0)" } })
    let result = try benchmark.run()
    #expect(result.rows.count == 2)
    for row in result.rows { #expect(row.auroc(.consensus)?.mean ?? 0 > 0.85) }
    #expect(RankingBenchmark(variants: [.text]).conditions.isEmpty)
  }

  @Test func aCorpusFollowsFromItsSeed() throws {
    var settings = PlantedNeurons.Settings(seed: 0)
    settings.documents = 40
    settings.neuronsOfEachKind = 2
    func first(_ settings: PlantedNeurons.Settings) throws -> [Float] {
      var values: [Float] = []
      try PlantedNeurons(settings).stream([PlantedNeurons.neuronSite], maximumRows: 100) {
        values += $0.values[0].elements
      }
      return values
    }
    let values = try first(settings)
    #expect(values == (try first(settings)) && values.count % 12 == 0 && values.count > 40 * 12 * 12)
    settings.seed = 1
    #expect(values != (try first(settings)))
  }

  /// A store that kept top examples in place of activations is ranked by what those say.
  @Test func statisticsAloneRankByTheTopExamples() throws {
    var source = NeuronsTopTests.corpus()
    let measured = try NeuronRanking(top: 12).measure(source)
    let width = 8
    let places = try measured.neurons.filter { $0.neuron.layer == 1 }.map {
      try NeuronsTop.examples(of: $0.neuron, in: source, count: 12).top
    }
    let zeros = [Double](repeating: 0, count: width)
    var statistics = SiteStatistics(
      width: width, count: 480, mean: zeros, variance: zeros.map { _ in 4 }, skewness: zeros, kurtosis: zeros,
      minimum: zeros.map { _ in 0 }, maximum: zeros.map { _ in 4 }, firing: zeros)
    source.sites = []
    source.values = [:]
    source.gathered["blocks.1.mlp.hook_post"] = statistics
    func fault(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Fault)?.name }
    }
    source.documents.labels["label"] = source.documents.labels["label"]
    #expect(fault { _ = try NeuronRanking().measure(source) } == "neurons.noTopExamples")
    statistics.top = TopExamples(
      k: 12, values: places.flatMap { $0.map(\.value) }, rows: places.flatMap { $0.map { Int64($0.row) } },
      documents: places.flatMap { $0.map { Int32($0.row / 6) } })
    source.gathered["blocks.1.mlp.hook_post"] = statistics
    let alone = try NeuronRanking(top: 12).measure(source)
    #expect(alone.neurons.count == 8)
    for (a, b) in zip(alone.neurons, measured.neurons.filter { $0.neuron.layer == 1 }) {
      for measure in [NeuronMeasure.conceptEntropy, .purity, .lexicalShare] { #expect(a[measure] == b[measure]) }
    }
    let ranked = try alone.ranked(by: .effectiveConcepts, count: 8)
    let second = try #require(ranked.first { $0.neuron.index == 5 })
    #expect(Set(second.meanings.map(\.words)) == ["a", "b"])
    #expect(fault { _ = try alone.ranked() } == "neurons.measureNotAvailable")
  }
}
