import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Neurons
import TestSupport
import Testing
import Tokenization
import Transformer

private let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "models/unfold-mini")
private let modelIsHere = FileManager.default.fileExists(atPath: shipped.appending(path: "config.json").path)

/// What needs a model's weights, on the model that ships.
@Suite(.enabled(if: modelIsHere)) struct NeuronModelTests {
  static func source(_ model: Model) throws -> LiveActivations {
    let texts = [
      ("http", "GET /index.html HTTP/1.1\nHost: example.com"), ("http", "POST /login HTTP/1.1\nAccept: */*"),
      ("tale", "Once upon a time a fox lived in the forest."), ("tale", "The old woman walked home in the snow."),
      ("code", "for i in range(10):\n    print(i)"), ("code", "def add(a, b):\n    return a + b"),
    ]
    return try LiveActivations(
      model: model, tokenizer: Tokenizer(folder: shipped),
      corpus: Corpus(
        documents: texts.enumerated().map { Document(id: "\($0)", text: $1.1, labels: ["label": .text($1.0)]) }),
      settings: CaptureSettings())
  }

  @Test func weightsAreMeasuredAsTheSummaryDoes() throws {
    let model = try Model.load(shipped)
    let measured = try NeuronRanking(top: 4).measure(try Self.source(model), model: model)
    #expect(measured.neurons.count == model.architecture.layers * (model.architecture.neurons(layer: 0) ?? 0))
    let neuron = measured.neurons[1500]
    let summary = try NeuronWeightSummary(of: neuron.neuron, in: model) { "\($0)" }
    #expect(neuron[.inputNorm].map { abs($0 - summary.inputNorm) < 1e-9 } == true)
    #expect(neuron[.outputNorm].map { abs($0 - summary.outputNorm) < 1e-9 } == true)
    #expect(neuron[.inputBias] == summary.inputBias)
    #expect(neuron[.vocabularyKurtosis].map { abs($0 - summary.vocabularyKurtosis) < 1e-4 } == true)
    #expect(neuron[.vocabularySkewness].map { abs($0 - summary.vocabularySkewness) < 1e-4 } == true)
    #expect(neuron[.inputOutputCosine].map { abs($0 - summary.inputOutputCosine) < 1e-9 } == true)
  }

  @Test func neighboursAndConceptsAreCosines() throws {
    let model = try Model.load(shipped)
    let source = try Self.source(model)
    let neuron = NeuronReference(site: "blocks.2.mlp.hook_post", layer: 2, index: 5)
    let neighbours = try NeuronNeighbours(of: neuron, in: model, count: 3)
    #expect(neighbours.writing.count == 3 && !neighbours.writing.contains { $0.neuron == neuron })
    let nearest = try #require(neighbours.writing.first)
    func cosine(_ a: [Float], _ b: [Float]) -> Double {
      func dot(_ x: [Float], _ y: [Float]) -> Double { zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
      return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }
    let own = try model.neuronOutputWeights(layer: 2).row(5)
    let other = try model.neuronOutputWeights(layer: nearest.neuron.layer ?? 0).row(nearest.neuron.index)
    #expect(abs(cosine(own, other) - nearest.cosine) < 1e-4)
    let known = try #require(try ConceptDirections.ofLabels(source, layer: 2))
    #expect(known.site == "blocks.1.hook_resid_post" && known.directions.map(\.concept) == ["code", "http", "tale"])
    let aligned = try ConceptDirections.alignments(
      of: neuron, with: known.directions.map { ($0.concept, known.site, $0.direction) }, in: model)
    let scale = try model.neuronInputNormWeights(layer: 2)
    let read = zip(try model.neuronInputWeights(layer: 2).row(5), scale).map { $0 * $1 }
    for alignment in aligned {
      let direction = try #require(known.directions.first { $0.concept == alignment.concept }).direction
      #expect(abs(alignment.reading - cosine(read, direction)) < 1e-4)
      #expect(abs(alignment.writing - cosine(own, direction)) < 1e-4)
    }
  }

  @Test func featuresLoadWhereTheirDirectionsDo() throws {
    // Three features over four neurons: shares 1; 0.5 and 0.5; 0.96 and 0.04.
    let decoder = Matrix(rows: 3, columns: 4, elements: [2, 0, 0, 0, 0, 1, -1, 0, 0.98, 0, 0.2, 0])
    let dictionary = SparseAutoencoder(
      configuration: .init(architecture: .standard, inputWidth: 4, latents: 3, hookIn: "blocks.1.mlp.hook_post"),
      encoder: decoder, encoderBias: [0, 0, 0], decoder: decoder, decoderBias: [0, 0, 0, 0])
    #expect(try FeatureLoads.counts(dictionary, layer: 1, model: nil) == [2, 1, 1, 0])
    let neuron = NeuronReference(site: "blocks.1.mlp.hook_post", layer: 1, index: 2)
    let loads = try FeatureLoads.strongest(dictionary, neuron: neuron, model: nil, count: 2)
    #expect(loads.map(\.feature) == [1, 2] && abs(loads[0].strength + 0.5) < 1e-6)
    #expect(throws: Fault.self) { try FeatureLoads.counts(dictionary, layer: 2, model: nil) }
    // In the residual stream, by the cosine with what the neurons write.
    let model = try Model.load(shipped)
    let written = try model.neuronOutputWeights(layer: 3).selectingRows([10, 20])
    let residual = SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: written.columns, latents: 2, hookIn: "blocks.3.hook_resid_post"),
      encoder: written, encoderBias: [0, 0], decoder: written,
      decoderBias: [Float](repeating: 0, count: written.columns))
    let counts = try FeatureLoads.counts(residual, layer: 3, model: model)
    #expect(counts.count == model.architecture.neurons(layer: 0) && counts[10] >= 1 && counts[20] >= 1)
  }
}
