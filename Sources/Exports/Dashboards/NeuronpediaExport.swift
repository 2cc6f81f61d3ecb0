import Activations
import Architectures
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Transformer

/// A dictionary, or the neurons of a layer, as the folder that Neuronpedia imports:
/// `MODEL/LAYER-SET/{release,model,sourceset,source}.jsonl`, `features/batch-*.jsonl.gz` and `activations/batch-*.jsonl.gz`.
public struct NeuronpediaExport: Sendable {
  public var settings: DashboardSettings
  /// The name of the source set, such as `res-unfold-4096`; nil: made of the site and the number of latents.
  public var set: String?
  /// What the release is called: its id, and its title.
  public var release = "unfold"
  public var title = "Dictionaries read with Unfold"
  public var creator = "unfold"
  /// The creator's id in the database; an importing instance puts its own there.
  public var creatorID = "unfold"
  /// Latents of a batch file, at most 256.
  public var batch = 256
  public var createdAt = Date()

  public init(settings: DashboardSettings = DashboardSettings()) { self.settings = settings }

  /// Writes the folder. Three passes over the source or more; memory as `DashboardReader` says: for each latent that is
  /// written 80 rows, and two tables of pairs where these are at most 2²⁷ each.
  ///
  /// - Parameters:
  ///   - folder: gets the folder `MODEL`.
  ///   - model: gives logits; without, those lists are empty.
  ///   - piece: a token's text by its id.
  /// - Throws: `file.exists`, `export.noLayer`, and what reading the dictionary throws.
  public func write(
    _ dictionary: SparseAutoencoder, on source: any ActivationSource, model: Model? = nil,
    piece: (@Sendable (Int32) -> String)? = nil, to folder: URL, replaces: Bool = false,
    progress: (String, Int) -> Void = { _, _ in }
  ) throws -> ExportSummary {
    try AtomicFile.requireFree(folder, replaces: replaces)
    let names = try Names(dictionary, source: source, site: settings.site, set: set)
    let reader = try DashboardReader(
      dictionary, source: source, settings: settings, model: model, piece: piece, progress: progress)
    var counts = ["features": 0, "activations": 0]
    let files = try ExportFolder.fill(folder, replaces: replaces) { output in
      let place = "\(names.model)/\(names.source)"
      try describe(names, reader: reader, model: model, place: place, in: &output)
      var number = 0
      var ids = SeededGenerator(seed: settings.seed, stream: place)
      try reader.forEachGroup(of: batch, progress: progress) { latents in
        try GzipFile.write(to: try output.file("\(place)/features/batch-\(number).jsonl.gz")) { write in
          for latent in latents { try write(JSONText.bytes(feature(latent, names)) + [0x0A]) }
        }
        try GzipFile.write(to: try output.file("\(place)/activations/batch-\(number).jsonl.gz")) { write in
          for latent in latents {
            for sequence in latent.sequences {
              let record = activation(sequence, of: latent, names, id: identifier(&ids))
              try write(JSONText.bytes(record) + [0x0A])
            }
          }
        }
        number += 1
        counts["features", default: 0] += latents.count
        counts["activations", default: 0] += latents.reduce(0) { $0 + $1.sequences.count }
      }
    }
    return ExportSummary(format: "neuronpedia", output: folder.path, files: files, counts: counts)
  }

  /// What things are called.
  struct Names {
    let model: String
    let layer: Int
    let hook: String
    let set: String
    let corpus: String
    /// `LAYER-SET`
    var source: String { "\(layer)-\(set)" }

    init(_ dictionary: SparseAutoencoder, source: any ActivationSource, site: String?, set: String?) throws {
      let hook = dictionary.configuration.crosscoder?.last?.site ?? site ?? dictionary.configuration.hookOut
      let parts = hook.split(separator: ".")
      guard parts.count > 1, parts[0] == "blocks", let layer = Int(parts[1]) else {
        throw Fault(
          .badData, "export.noLayer", "The dictionary's site belongs to no layer, which this format needs",
          expected: "a site such as blocks.3.hook_resid_post", found: hook.isEmpty ? "no site" : hook,
          advice: "name the site with --site")
      }
      let kinds = [("hook_resid", "res"), ("mlp.hook_post", "neurons"), ("mlp", "mlp"), ("attn", "att")]
      let kind = kinds.first { hook.contains($0.0) }?.1 ?? "site"
      let made = "\(kind)-unfold-\(dictionary.latents)"
      // The name becomes a folder's.
      guard set?.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}/) != nil || set == nil else {
        throw Fault(
          .usage, "export.setName", "The source set's name cannot be used",
          expected: "at most 64 letters, digits, - and _", found: set ?? "",
          advice: "give a name such as \(made) with --set")
      }
      self.hook = hook
      self.layer = layer
      self.set = set ?? made
      model = source.origin.model.split(separator: "/").last.map(String.init) ?? source.origin.model
      corpus = source.origin.corpus.joined(separator: ", ")
    }
  }

  private func describe(
    _ names: Names, reader: DashboardReader, model: Model?, place: String, in output: inout ExportFolder
  ) throws {
    let created = createdAt.formatted(.iso8601)
    func write(_ name: String, _ record: some Encodable) throws {
      let bytes = try JSONText.bytes(record) + [0x0A]
      try AtomicFile.write(bytes, to: try output.file("\(place)/\(name).jsonl"))
    }
    let tokens = settings.before + settings.after + 1
    let architecture = model?.architecture
    try write(
      "release",
      NeuronpediaRecords.Release(
        name: release, description: title, descriptionShort: title, creatorName: creator, creatorNameShort: creator,
        creatorId: creatorID, defaultSourceSetName: names.set, defaultSourceId: names.source, createdAt: created))
    try write(
      "model",
      NeuronpediaRecords.Model(
        id: names.model, displayNameShort: names.model, displayName: names.model,
        dimension: architecture?.width ?? 0, creatorId: creatorID, layers: architecture?.layers ?? 0,
        neuronsPerLayer: architecture?.neurons(layer: names.layer, expert: nil) ?? 0, createdAt: created,
        updatedAt: created))
    try write(
      "sourceset",
      NeuronpediaRecords.SourceSet(
        modelId: names.model, name: names.set, creatorId: creatorID, creatorName: creator, releaseName: release,
        description: "\(names.hook), \(reader.dictionary.latents) latents",
        type: reader.dictionary.configuration.architecture.rawValue, createdAt: created))
    try write(
      "source",
      NeuronpediaRecords.Source(
        id: names.source, modelId: names.model, setName: names.set, creatorId: creatorID,
        num_prompts: reader.texts.documents.count, num_tokens_in_prompt: tokens, dataset: names.corpus,
        notes: "\(reader.rows) tokens read by Unfold \(UnfoldVersion.current)", createdAt: created))
  }

  private func feature(_ latent: LatentDashboard, _ names: Names) -> NeuronpediaRecords.Feature {
    NeuronpediaRecords.Feature(
      modelId: names.model, layer: names.source, index: "\(latent.index)", creatorId: creatorID,
      createdAt: createdAt.formatted(.iso8601), maxActApprox: latent.largest, vector: latent.vector,
      vectorDefaultSteerStrength: latent.largest, hookName: names.hook, sourceSetName: names.set,
      topkCosSimIndices: latent.nearest.indices, topkCosSimValues: latent.nearest.values,
      neuron_alignment_indices: latent.alignment.indices, neuron_alignment_values: latent.alignment.values,
      neuron_alignment_l1: latent.alignmentShares, correlated_neurons_indices: latent.neurons.indices,
      correlated_neurons_pearson: latent.neurons.values, correlated_neurons_l1: latent.neuronCosines,
      correlated_features_indices: latent.latents.indices, correlated_features_pearson: latent.latents.values,
      correlated_features_l1: latent.latentCosines, neg_str: latent.suppressed.tokens,
      neg_values: latent.suppressed.values, pos_str: latent.promoted.tokens, pos_values: latent.promoted.values,
      frac_nonzero: latent.density, freq_hist_data_bar_heights: latent.activations?.counts ?? [],
      freq_hist_data_bar_values: latent.activations?.middles ?? [],
      logits_hist_data_bar_heights: latent.logits?.counts ?? [],
      logits_hist_data_bar_values: latent.logits?.middles ?? [])
  }

  private func activation(
    _ sequence: LatentDashboard.Sequence, of latent: LatentDashboard, _ names: Names, id: String
  ) -> NeuronpediaRecords.Activation {
    let largest = sequence.values.max() ?? 0
    return NeuronpediaRecords.Activation(
      id: id, tokens: sequence.tokens, values: sequence.values, modelId: names.model, layer: names.source,
      index: "\(latent.index)", creatorId: creatorID, createdAt: createdAt.formatted(.iso8601), maxValue: largest,
      maxValueTokenIndex: sequence.values.firstIndex(of: largest) ?? 0, minValue: sequence.values.min() ?? 0,
      dataSource: names.corpus, dataIndex: sequence.document, binMin: sequence.binMinimum,
      binMax: sequence.binMaximum, binContains: sequence.binShare, qualifyingTokenIndex: sequence.marked)
  }

  /// An id of the form that Neuronpedia's are of: a letter, then 24 letters and digits.
  private func identifier(_ generator: inout SeededGenerator) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    return "u" + String((0..<24).map { _ in letters[generator.integer(below: letters.count)] })
  }
}
