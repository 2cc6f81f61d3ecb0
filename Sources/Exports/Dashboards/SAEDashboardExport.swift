import Activations
import Checkpoints
import Dictionaries
import Foundation
import Transformer

/// A dictionary's latents as SAEDashboard's Neuronpedia runner writes them: `batch-N.json`, each a batch of features with
/// their sequences.
public struct SAEDashboardExport: Sendable {
  public var settings: DashboardSettings
  public var set: String?
  /// Latents of a batch file, at most 256.
  public var batch = 128

  public init(settings: DashboardSettings = DashboardSettings()) { self.settings = settings }

  private struct Batch: Encodable {
    var modelId: String
    var layer: Int
    var saeSet: String
    var saeIdSuffix = Null()
    var features: [Feature]
  }

  private struct Feature: Encodable {
    var featureIndex: Int
    var neuronAlignmentIndices: [Int]
    var neuronAlignmentValues: [Float]
    var neuronAlignmentL1: [Float]
    var correlatedNeuronsIndices: [Int]
    var correlatedNeuronsL1: [Float]
    var correlatedNeuronsPearson: [Float]
    var correlatedFeaturesIndices: [Int]
    var correlatedFeaturesL1: [Float]
    var correlatedFeaturesPearson: [Float]
    var negStr: [String]
    var negValues: [Float]
    var posStr: [String]
    var posValues: [Float]
    var fracNonzero: Double
    var freqHistDataBarValues: [Float]
    var freqHistDataBarHeights: [Int]
    var logitsHistDataBarHeights: [Int]
    var logitsHistDataBarValues: [Float]
    var nPromptsTotal: Int
    var nTokensInPrompt: Int
    var dataset: String
    var decoderWeightsDist: [Float] = []
    var activations: [Activation]
    var vector: [Float]
  }

  private struct Activation: Encodable {
    var binMin: Float
    var binMax: Float
    var binContains: Float
    var tokens: [String]
    var values: [Float]
    var qualifyingTokenIndex: Int
  }

  /// Writes the folder; passes, memory and faults as `NeuronpediaExport.write`.
  public func write(
    _ dictionary: SparseAutoencoder, on source: any ActivationSource, model: Model? = nil,
    piece: (@Sendable (Int32) -> String)? = nil, to folder: URL, replaces: Bool = false,
    progress: (String, Int) -> Void = { _, _ in }
  ) throws -> ExportSummary {
    try AtomicFile.requireFree(folder, replaces: replaces)
    let names = try NeuronpediaExport.Names(dictionary, source: source, site: settings.site, set: set)
    let reader = try DashboardReader(
      dictionary, source: source, settings: settings, model: model, piece: piece, progress: progress)
    var count = 0
    var number = 0
    let files = try ExportFolder.fill(folder, replaces: replaces) { output in
      try reader.forEachGroup(of: batch, progress: progress) { latents in
        let features = latents.map { feature($0, names, documents: reader.texts.documents.count) }
        let bytes = try JSONText.bytes(
          Batch(modelId: names.model, layer: names.layer, saeSet: names.set, features: features), isSnakeCase: true)
        try AtomicFile.write(bytes, to: try output.file("batch-\(number).json"))
        number += 1
        count += latents.count
      }
    }
    return ExportSummary(format: "saedashboard", output: folder.path, files: files, counts: ["features": count])
  }

  private func feature(_ latent: LatentDashboard, _ names: NeuronpediaExport.Names, documents: Int) -> Feature {
    Feature(
      featureIndex: latent.index, neuronAlignmentIndices: latent.alignment.indices,
      neuronAlignmentValues: latent.alignment.values, neuronAlignmentL1: latent.alignmentShares,
      correlatedNeuronsIndices: latent.neurons.indices, correlatedNeuronsL1: latent.neuronCosines,
      correlatedNeuronsPearson: latent.neurons.values, correlatedFeaturesIndices: latent.latents.indices,
      correlatedFeaturesL1: latent.latentCosines, correlatedFeaturesPearson: latent.latents.values,
      negStr: latent.suppressed.tokens, negValues: latent.suppressed.values, posStr: latent.promoted.tokens,
      posValues: latent.promoted.values, fracNonzero: latent.density,
      freqHistDataBarValues: latent.activations?.middles ?? [],
      freqHistDataBarHeights: latent.activations?.counts ?? [],
      logitsHistDataBarHeights: latent.logits?.counts ?? [], logitsHistDataBarValues: latent.logits?.middles ?? [],
      nPromptsTotal: documents, nTokensInPrompt: settings.before + settings.after + 1, dataset: names.corpus,
      activations: latent.sequences.map {
        Activation(
          binMin: $0.binMinimum, binMax: $0.binMaximum, binContains: $0.binShare, tokens: $0.tokens,
          values: $0.values, qualifyingTokenIndex: $0.marked)
      }, vector: latent.vector)
  }
}
