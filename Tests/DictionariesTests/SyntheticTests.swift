import Activations
import Dictionaries
import LinearAlgebra
import Testing

struct SyntheticTests {
  @Test func rowsFollowFromTheirNumbers() throws {
    let source = SyntheticFeatures(features: 40, width: 10, meanActive: 3, groupSize: 4, rows: 5000, seed: 9)
    let activity = source.activity(0..<5000)
    for feature in [0, 7, 39] {
      let count = activity.indices.count { Int($0) == feature }
      #expect(abs(Double(count) / 5000 - source.frequencies[feature]) < 0.03)
    }
    #expect(abs(Double(activity.count) / 5000 - 3) < 0.3)
    var streamed: [Float] = []
    try source.stream([SyntheticFeatures.siteName], maximumRows: 999) { streamed += $0.values[0].elements }
    #expect(streamed == source.activations(0..<5000).elements)
  }

  @Test func theTruthRecoversItself() {
    let source = SyntheticFeatures(features: 30, width: 40, meanActive: 2, rows: 1000)
    var scaled = source.directions
    for index in scaled.elements.indices { scaled.elements[index] *= 2 }
    #expect(abs(meanMaximumCosine(of: source.directions, among: scaled) - 1) < 1e-5)
    #expect(maximumCosines(of: source.directions, among: scaled).map(\.index) == Array(0..<30))
  }

  /// Few features in enough dimensions: TopK finds them all.
  @Test func topKRecovers() throws {
    let source = SyntheticFeatures(features: 48, width: 24, meanActive: 2, exponent: 0.2, rows: 20_000, seed: 2)
    var settings = TrainingSettings(site: SyntheticFeatures.siteName)
    settings.batch = 256
    settings.tokens = 256 * 800
    var dictionary = DictionarySettings(latents: 64, k: 2)
    dictionary.learningRate = 4e-3
    let run = try TrainingRun(source: source, settings: settings, dictionaries: [dictionary])
    _ = try run.train()
    let recovery = Recovery(of: run.dictionaries[0], on: source, rows: 0..<2000)
    #expect(recovery.mmcs > 0.9, "\(recovery.mmcs)")
    #expect(recovery.recovered > 0.7 && recovery.meanF1 > 0.6, "\(recovery.recovered), \(recovery.meanF1)")
  }
}
