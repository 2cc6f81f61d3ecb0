/// What a family's checkpoints call the weights.
public struct TensorNames: Sendable {
  /// Prefixes that all names may have, depending on which class saved the checkpoint.
  public var prefixes: [String]
  /// Where each role lies; several where checkpoints differ, the first that is there holds.
  public var tensors: [WeightRole: [StoredTensor]]
  /// Names, `*` for any run of characters, of tensors that may be there and are knowingly not read.
  public var ignored: [String]
  /// Names of heads for other tasks, which stand on the same base: left out, and said so.
  public var taskHeads: [String]
  /// Names of the other parts of a model that reads pictures too.
  public var otherParts: [String] = []

  init(
    prefixes: [String] = [], _ tensors: [WeightRole: StoredTensor], alternatives: [WeightRole: [StoredTensor]] = [:],
    ignored: [String] = [], taskHeads: [String] = ["score.*", "classifier.*", "qa_outputs.*", "v_head.*"]
  ) {
    self.prefixes = prefixes
    self.tensors = tensors.mapValues { [$0] }.merging(alternatives) { $0 + $1 }
    self.ignored = ignored
    self.taskHeads = taskHeads
  }
}

/// Where a weight lies in a checkpoint.
public struct StoredTensor: Sendable, ExpressibleByStringLiteral {
  /// Which rows of a tensor belong to the weight.
  public enum Rows: Sendable {
    case all
    /// The outputs of these weights lie one after another, in this order.
    case joined([WeightRole])
    /// Queries, keys and values lie together for each key-value head: its queries, its key, its value.
    case byHead
    /// Rows of two weights take turns; this one has the rows `first`, `first + 2` ….
    case alternating(first: Int)
    /// Keys and values of latent attention in two tensors: this one holds the keys' part, turned, [heads, rank, keys],
    /// the one of this name the values', [heads, values, rank].
    case keysBesideValues(String)
  }

  /// The name without `.weight`; `{i}` stands for the layer, `{e}` for the expert, `{h}` for one head of several tensors.
  public var name: String
  /// The bias's whole name, where it is not the name with `.bias`.
  public var bias: String?
  /// Where the bias lies in checkpoints that do not have it under that name.
  public var otherBias: String?
  /// Whether `name` is the whole name, without `.weight`.
  public var isExact: Bool
  /// Whether it is stored as [inputs, outputs].
  public var isTransposed: Bool
  public var rows: Rows
  /// Whether all experts lie in one tensor, along its first axis.
  public var isStacked: Bool
  /// The width of heads whose rows lie as neighbouring pairs although the architecture pairs halves (GGUF's Llama).
  public var neighboursInHeads: Int?

  public init(
    _ name: String, bias: String? = nil, otherBias: String? = nil, exact isExact: Bool = false,
    transposed isTransposed: Bool = false,
    rows: Rows = .all, stacked isStacked: Bool = false, neighboursInHeads: Int? = nil
  ) {
    self.name = name
    self.bias = bias
    self.otherBias = otherBias
    self.isExact = isExact
    self.isTransposed = isTransposed
    self.rows = rows
    self.isStacked = isStacked
    self.neighboursInHeads = neighboursInHeads
  }

  public init(stringLiteral value: String) { self.init(value) }
}

extension Architecture {
  /// What this architecture's checkpoints call its weights.
  public var tensorNames: TensorNames {
    guard let family = Families.named(modelType) else { return TensorNames([:]) }
    var names = family.tensors(self)
    if isTextPart {
      names.prefixes = ["language_model.model.", "model.language_model.", "language_model."] + names.prefixes
      names.otherParts = ["vision_tower.*", "multi_modal_projector.*", "vision_model.*"].flatMap {
        [$0, "model." + $0]
      }
    }
    return names
  }
}

extension TensorNames {
  /// What the tensors of Llama and most later decoders are called, under `layers.{i}.`.
  static func decoder(_ changes: [WeightRole: StoredTensor] = [:], ignored: [String] = []) -> TensorNames {
    let usual: [WeightRole: StoredTensor] = [
      .tokenEmbedding: "embed_tokens",
      .norm1: "layers.{i}.input_layernorm",
      .query: "layers.{i}.self_attn.q_proj",
      .key: "layers.{i}.self_attn.k_proj",
      .value: "layers.{i}.self_attn.v_proj",
      .attentionOutput: "layers.{i}.self_attn.o_proj",
      .queryNorm: "layers.{i}.self_attn.q_norm",
      .keyNorm: "layers.{i}.self_attn.k_norm",
      .norm2: "layers.{i}.post_attention_layernorm",
      .gate: "layers.{i}.mlp.gate_proj",
      .mlpInput: "layers.{i}.mlp.up_proj",
      .mlpOutput: "layers.{i}.mlp.down_proj",
      .router: "layers.{i}.mlp.gate",
      .expertGate: "layers.{i}.mlp.experts.{e}.gate_proj",
      .expertInput: "layers.{i}.mlp.experts.{e}.up_proj",
      .expertOutput: "layers.{i}.mlp.experts.{e}.down_proj",
      .finalNorm: "norm",
      .unembedding: "lm_head",
    ]
    return TensorNames(
      prefixes: ["model."], usual.merging(changes) { $1 }, alternatives: stackedExperts,
      // The wavelengths follow from the configuration; old checkpoints carry them all the same.
      ignored: ["layers.*.self_attn.rotary_emb.inv_freq", "rotary_emb.inv_freq"] + ignored)
  }

  /// All experts of a layer in two tensors, as transformers 5 holds them in memory.
  private static let stackedExperts: [WeightRole: [StoredTensor]] = [
    .expertGate: [joinedExperts], .expertInput: [joinedExperts],
    .expertOutput: [StoredTensor("layers.{i}.mlp.experts.down_proj", exact: true, stacked: true)],
  ]
  private static let joinedExperts = StoredTensor(
    "layers.{i}.mlp.experts.gate_up_proj", exact: true, rows: .joined([.expertGate, .expertInput]), stacked: true)
}
