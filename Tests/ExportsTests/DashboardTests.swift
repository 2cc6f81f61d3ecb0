import Activations
import Diagnostics
import Dictionaries
import Exports
import Foundation
import LinearAlgebra
import TestFiles
import TestSupport
import Testing

@Suite struct DashboardTests {
  private func settings() -> DashboardSettings {
    var settings = DashboardSettings()
    (settings.top, settings.intervals, settings.perInterval) = (4, 3, 2)
    (settings.before, settings.after) = (2, 1)
    return settings
  }

  private func neuronpedia(_ folder: URL) throws -> (features: [[String: Any]], activations: [[String: Any]]) {
    var export = NeuronpediaExport(settings: settings())
    export.batch = 3
    let summary = try export.write(
      Planted.dictionary(), on: Planted.source(), piece: { "t\($0)" }, to: folder)
    #expect(summary.files == 4 + 2 * 3)
    let place = folder.appending(path: "test/0-res-unfold-7")
    var found: ([[String: Any]], [[String: Any]]) = ([], [])
    for batch in 0..<3 {
      found.0 += try jsonLines(gunzip(place.appending(path: "features/batch-\(batch).jsonl.gz")))
      found.1 += try jsonLines(gunzip(place.appending(path: "activations/batch-\(batch).jsonl.gz")))
    }
    for name in ["release", "model", "sourceset", "source"] {
      #expect(try jsonLines(Data(contentsOf: place.appending(path: "\(name).jsonl"))).count == 1)
    }
    return found
  }

  @Test func neuronpediasFeaturesHaveAllFieldsAndTheDictionarysNumbers() throws {
    let temporary = try TemporaryFolder()
    let (features, _) = try neuronpedia(temporary.file("out"))
    let source = Planted.source()
    let (latents, rows) = (Planted.latents(source), Planted.rows(source))
    #expect(features.count == 7)
    let names: Set<String> = [
      "modelId", "layer", "index", "creatorId", "createdAt", "maxActApprox", "hasVector", "vector", "vectorLabel",
      "vectorDefaultSteerStrength", "hookName", "sourceSetName", "topkCosSimIndices", "topkCosSimValues",
      "neuron_alignment_indices", "neuron_alignment_values", "neuron_alignment_l1", "correlated_neurons_indices",
      "correlated_neurons_pearson", "correlated_neurons_l1", "correlated_features_indices",
      "correlated_features_pearson", "correlated_features_l1", "neg_str", "neg_values", "pos_str", "pos_values",
      "frac_nonzero", "freq_hist_data_bar_heights", "freq_hist_data_bar_values", "logits_hist_data_bar_heights",
      "logits_hist_data_bar_values", "decoder_weights_dist",
    ]
    for (index, feature) in features.enumerated() {
      #expect(Set(feature.keys) == names)
      #expect(feature["index"] as? String == "\(index)")
      #expect(feature["layer"] as? String == "0-res-unfold-7")
      #expect(feature["hookName"] as? String == Planted.site)
      let column = rows.map { latents[$0, index] }
      #expect((feature["maxActApprox"] as? NSNumber)?.floatValue == column.max())
      let share = (feature["frac_nonzero"] as? Double) ?? -1
      #expect(abs(share - Double(column.count { $0 > 0 }) / Double(rows.count)) < 1e-12)
      #expect(floats(feature["vector"]) == Planted.dictionary().decoder.row(index))
      let heights = feature["freq_hist_data_bar_heights"] as? [Int] ?? []
      #expect(heights.reduce(0, +) == column.count { $0 > 0 })
    }
    // Neuron 1 is column 0 doubled.
    #expect((features[0]["correlated_neurons_indices"] as? [Int])?.first == 1)
    let pearson = correlation(
      rows.map { latents[$0, 0] }, rows.map { source.values[Planted.neurons]?[$0, 1] ?? 0 })
    #expect(abs((floats(features[0]["correlated_neurons_pearson"]).first ?? 0) - pearson) < 1e-5)
    // Of the latents, the one that correlates with latent 1 most.
    let others = (0..<7).filter { $0 != 1 }.map { other in
      (other, correlation(rows.map { latents[$0, 1] }, rows.map { latents[$0, other] }))
    }
    let best = others.filter { $0.1 > 0 }.max { $0.1 < $1.1 }
    #expect((features[1]["correlated_features_indices"] as? [Int])?.first == best?.0)
  }

  private func correlation(_ a: [Float], _ b: [Float]) -> Float {
    let (meanA, meanB) = (a.reduce(0, +) / Float(a.count), b.reduce(0, +) / Float(b.count))
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      ab += Double((x - meanA) * (y - meanB))
      aa += Double((x - meanA) * (x - meanA))
      bb += Double((y - meanB) * (y - meanB))
    }
    return aa > 0 && bb > 0 ? Float(ab / (aa * bb).squareRoot()) : 0
  }

  @Test func neuronpediasActivationsAreTheLatentsAtTheirTokens() throws {
    let temporary = try TemporaryFolder()
    let (_, activations) = try neuronpedia(temporary.file("out"))
    let source = Planted.source()
    let latents = Planted.latents(source)
    let names: Set<String> = [
      "id", "tokens", "values", "modelId", "layer", "index", "creatorId", "createdAt", "maxValue",
      "maxValueTokenIndex", "minValue", "dataSource", "dataIndex", "dfaValues", "dfaTargetIndex", "dfaMaxValue",
      "lossValues", "logitContributions", "binMin", "binMax", "binContains", "qualifyingTokenIndex",
    ]
    var ids = Set<String>()
    for activation in activations {
      #expect(Set(activation.keys) == names)
      let id = try #require(activation["id"] as? String)
      #expect(ids.insert(id).inserted && id.count == 25)
      let latent = try #require((activation["index"] as? String).flatMap { Int($0) })
      // A token's text is its row here.
      let rows = try #require(activation["tokens"] as? [String]).map { Int($0.dropFirst()) ?? -1 }
      let values = floats(activation["values"])
      #expect(values == rows.map { latents[$0, latent] })
      #expect((activation["maxValue"] as? NSNumber)?.floatValue == values.max())
      let marked = try #require(activation["qualifyingTokenIndex"] as? Int)
      let (low, high) = (
        try #require(activation["binMin"] as? NSNumber).floatValue,
        try #require(activation["binMax"] as? NSNumber).floatValue
      )
      #expect(values[marked] > 0)
      #expect(values[marked] <= high + 1e-5 && (low == -1 || values[marked] >= low - 1e-5))
    }
    // Latent 0: four documents' strongest tokens, then two of each third of its values.
    let first = activations.filter { $0["index"] as? String == "0" }
    #expect(first.count == 4 + 3 * 2)
    #expect(first.prefix(4).map { $0["dataIndex"] as? String } == ["d45", "d42", "d39", "d36"])
    var shares: [Float: Float] = [:]
    for drawn in first.dropFirst(4) {
      let low = try #require(drawn["binMin"] as? NSNumber).floatValue
      shares[low] = (drawn["binContains"] as? NSNumber)?.floatValue
    }
    #expect(shares.count == 3 && abs(shares.values.reduce(0, +) - 1) < 1e-5)
    // One that is never active has none.
    #expect(!activations.contains { $0["index"] as? String == "6" })
  }

  @Test func theSameTwice() throws {
    let temporary = try TemporaryFolder()
    var export = NeuronpediaExport(settings: settings())
    export.createdAt = Date(timeIntervalSince1970: 0)
    for name in ["a", "b"] {
      _ = try export.write(Planted.dictionary(), on: Planted.source(), to: temporary.file(name))
    }
    let file = "test/0-res-unfold-7/activations/batch-0.jsonl.gz"
    #expect(
      try Data(contentsOf: temporary.file("a/\(file)")) == Data(contentsOf: temporary.file("b/\(file)")))
  }

  @Test func saeDashboardsBatchesHoldTheSame() throws {
    let temporary = try TemporaryFolder()
    _ = try SAEDashboardExport(settings: settings()).write(
      Planted.dictionary(), on: Planted.source(), piece: { "t\($0)" }, to: temporary.file("out"))
    let data = try Data(contentsOf: temporary.file("out/batch-0.json"))
    let batch = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let features = try #require(batch["features"] as? [[String: Any]])
    #expect(features.count == 7 && batch["layer"] as? Int == 0 && batch["sae_set"] as? String == "res-unfold-7")
    let (_, activations) = try neuronpedia(temporary.file("other"))
    let sequences = features.flatMap { $0["activations"] as? [[String: Any]] ?? [] }
    #expect(sequences.count == activations.count)
    for (a, b) in zip(sequences, activations) { #expect(floats(a["values"]) == floats(b["values"])) }
  }

  @Test func neuronsAreADictionaryOfTheirOwnAxes() throws {
    let temporary = try TemporaryFolder()
    let source = Planted.source()
    let site = try source.site(named: Planted.neurons)
    let neurons = try SparseAutoencoder.neurons(of: site, origin: source.origin)
    _ = try NeuronpediaExport(settings: settings()).write(neurons, on: source, to: temporary.file("out"))
    let place = temporary.file("out/test/0-neurons-unfold-3/features/batch-0.jsonl.gz")
    let features = try jsonLines(gunzip(place))
    #expect(features.count == 3)
    let rows = Planted.rows(source)
    for (index, feature) in features.enumerated() {
      let largest = rows.map { source.values[Planted.neurons]?[$0, index] ?? 0 }.max()
      #expect((feature["maxActApprox"] as? NSNumber)?.floatValue == largest)
    }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let temporary = try TemporaryFolder()
    let export = NeuronpediaExport(settings: settings())
    func name(_ dictionary: SparseAutoencoder, _ source: MemorySource, _ folder: String = "out") -> String? {
      do {
        _ = try export.write(dictionary, on: source, to: temporary.file(folder))
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(name(Planted.dictionary(digest: "another"), Planted.source()) == "dictionary.otherModel")
    var without = Planted.source()
    without.sites.removeAll { $0.name == Planted.site }
    #expect(name(Planted.dictionary(), without) == "dictionary.site")
    try temporary.write("kept", "there/file")
    #expect(name(Planted.dictionary(), Planted.source(), "there") == "file.exists")
    #expect(try String(contentsOf: temporary.file("there/file"), encoding: .utf8) == "kept")
    var elsewhere = Planted.dictionary()
    elsewhere.configuration.hookIn = "hook_embed"
    elsewhere.configuration.hookOut = "hook_embed"
    #expect(name(elsewhere, Planted.source()) == "export.noLayer")
    var wrong = settings()
    wrong.latents = [7]
    #expect(throws: Fault.self) {
      try NeuronpediaExport(settings: wrong).write(
        Planted.dictionary(), on: Planted.source(), to: temporary.file("out"))
    }
    var greedy = settings()
    (greedy.intervals, greedy.perInterval, greedy.before, greedy.after) = (50, 200, 4096, 4096)
    #expect(throws: Fault.self) {
      try NeuronpediaExport(settings: greedy).write(
        Planted.dictionary(), on: Planted.source(), to: temporary.file("out"))
    }
    var escaping = export
    escaping.set = "../up"
    #expect(throws: Fault.self) {
      try escaping.write(Planted.dictionary(), on: Planted.source(), to: temporary.file("out"))
    }
    // Nothing is left behind.
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.url.path) == ["there"])
  }
}
