import Activations
import Diagnostics
import LinearAlgebra
import Neurons
import TestSupport
import Testing

@Suite struct RankingBenchmarkTests {
  @Test(arguments: RankingBenchmark.Variant.allCases) func theConsensusFindsThePlantedNeurons(
    _ variant: RankingBenchmark.Variant
  ) throws {
    let result = try RankingBenchmark(noises: [0.35], variants: [variant], seeds: [77]).run()
    #expect(result.rows.count == 2 && result.rows.count { !$0.condition.labelled } == 1)
    #expect(result.meanConsensus > 0.95)
    #expect(result.largestShortfall < 0.01)
    for row in result.rows {
      #expect(row.aurocs["concept-count"] != nil || !row.condition.labelled)
      #expect(row.aurocs["region-meaning"] != nil && row.aurocs["monosemanticity"] != nil)
    }
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
    #expect(values == (try first(settings)) && values.count == 40 * 24 * 10)
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
