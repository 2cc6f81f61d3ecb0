/// A value that is always null.
struct Null: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encodeNil()
  }
}

/// The lines of Neuronpedia's files, with the names and types of its database. What Unfold has nothing to say on is null,
/// empty or the database's own default.
enum NeuronpediaRecords {
  struct Release: Encodable {
    var name: String
    var description: String
    var descriptionShort: String
    var creatorName: String
    var creatorNameShort: String
    var creatorId: String
    var creatorEmail = Null()
    var visibility = "PUBLIC"
    var isNewUi = false
    var featured = false
    var urls: [String] = []
    var defaultSourceSetName: String
    var defaultSourceId: String
    var defaultUmapSourceIds: [String] = []
    var createdAt: String
  }

  struct Model: Encodable {
    var id: String
    var instruct = false
    var displayNameShort: String
    var displayName: String
    var tlensId = Null()
    var dimension: Int
    var creatorId: String
    var visibility = "PUBLIC"
    var defaultSourceSetName = Null()
    var defaultSourceId = Null()
    var inferenceEnabled = false
    var layers: Int
    var neuronsPerLayer: Int
    var createdAt: String
    var updatedAt: String
    var owner = ""
    var website = Null()
  }

  struct SourceSet: Encodable {
    var modelId: String
    var name: String
    var creatorId: String
    var creatorName: String
    var creatorEmail = Null()
    var releaseName: String
    var description: String
    var type: String
    var hasDashboards = true
    var visibility = "PUBLIC"
    var urls: [String] = []
    var defaultOfModelId = Null()
    var defaultRange = 1
    var defaultShowBreaks = true
    var showDfa = false
    var showCorrelated = true
    var showHeadAttribution = false
    var showUmap = false
    var createdAt: String
  }

  // The database mixes both ways of writing names.
  // swift-format-ignore: AlwaysUseLowerCamelCase
  struct Source: Encodable {
    var id: String
    var modelId: String
    var setName: String
    var creatorId: String
    var hasDashboards = true
    var inferenceEnabled = false
    var inferenceHosts: [String] = []
    var saelensConfig = Null()
    var saelensRelease = Null()
    var saelensSaeId = Null()
    var hfRepoId = Null()
    var hfFolderId = Null()
    var visibility = "PUBLIC"
    var defaultOfModelId = Null()
    var hasUmap = false
    var hasUmapLogSparsity = false
    var hasUmapClusters = false
    var num_prompts: Int
    var num_tokens_in_prompt: Int
    var dataset: String
    var notes: String
    var createdAt: String
  }

  // swift-format-ignore: AlwaysUseLowerCamelCase
  struct Feature: Encodable {
    var modelId: String
    var layer: String
    var index: String
    var creatorId: String
    var createdAt: String
    var maxActApprox: Float
    var hasVector = true
    var vector: [Float]
    var vectorLabel = Null()
    var vectorDefaultSteerStrength: Float
    var hookName: String
    var sourceSetName: String
    var topkCosSimIndices: [Int]
    var topkCosSimValues: [Float]
    var neuron_alignment_indices: [Int]
    var neuron_alignment_values: [Float]
    var neuron_alignment_l1: [Float]
    var correlated_neurons_indices: [Int]
    var correlated_neurons_pearson: [Float]
    var correlated_neurons_l1: [Float]
    var correlated_features_indices: [Int]
    var correlated_features_pearson: [Float]
    var correlated_features_l1: [Float]
    var neg_str: [String]
    var neg_values: [Float]
    var pos_str: [String]
    var pos_values: [Float]
    var frac_nonzero: Double
    var freq_hist_data_bar_heights: [Int]
    var freq_hist_data_bar_values: [Float]
    var logits_hist_data_bar_heights: [Int]
    var logits_hist_data_bar_values: [Float]
    var decoder_weights_dist: [Float] = []
  }

  struct Activation: Encodable {
    var id: String
    var tokens: [String]
    var values: [Float]
    var modelId: String
    var layer: String
    var index: String
    var creatorId: String
    var createdAt: String
    var maxValue: Float
    var maxValueTokenIndex: Int
    var minValue: Float
    var dataSource: String
    var dataIndex: String
    var dfaValues: [Float] = []
    var dfaTargetIndex = Null()
    var dfaMaxValue = Null()
    var lossValues: [Float] = []
    var logitContributions = Null()
    var binMin: Float
    var binMax: Float
    var binContains: Float
    var qualifyingTokenIndex: Int
  }
}
