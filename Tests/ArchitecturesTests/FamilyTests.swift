import Architectures
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite("Families")
struct FamilyTests {
  @Test("every family reads the least that its config.json can say", arguments: Architecture.knownModelTypes)
  func least(modelType: String) throws {
    let architecture = try read(.least(modelType))
    #expect(!architecture.blocks.isEmpty && architecture.context > 0 && architecture.name == "x")
    // What was read has names for all that it holds.
    let names = architecture.tensorNames
    for role in Set(architecture.weights.map(\.key.role)) { #expect(names.tensors[role] != nil, "\(role)") }
  }

  /// What transformers 5 takes where config.json is silent: bias of queries and of outputs, context, tied embeddings,
  /// width of a head, epsilon.
  struct Default: Sendable, CustomTestStringConvertible {
    let modelType: String
    let bias: (Bool, Bool)
    let context: Int
    let isTied: Bool
    let headWidth: Int
    let epsilon: Double
    var testDescription: String { modelType }

    init(
      _ modelType: String, bias: (Bool, Bool) = (false, false), _ context: Int, tied: Bool = false,
      head headWidth: Int = 8, _ epsilon: Double
    ) {
      self.modelType = modelType
      self.bias = bias
      self.context = context
      isTied = tied
      self.headWidth = headWidth
      self.epsilon = epsilon
    }
  }

  static let defaults = [
    Default("gpt2", bias: (true, true), 16, tied: true, 1e-5),
    Default("gpt_neo", bias: (false, true), 2048, tied: true, 1e-5),
    Default("gptj", 2048, 1e-5), Default("gpt_neox", bias: (true, true), 2048, 1e-5),
    Default("opt", bias: (true, true), 2048, tied: true, 1e-5),
    Default("bloom", bias: (true, true), 2048, tied: true, 1e-5),
    Default("falcon", 2048, tied: true, 1e-5), Default("llama", 2048, 1e-6), Default("mistral", 2048, 1e-6),
    Default("mixtral", 131_072, 1e-5), Default("qwen2", bias: (true, false), 2048, 1e-6),
    Default("qwen3", 2048, head: 128, 1e-6), Default("qwen2_moe", bias: (true, false), 2048, 1e-6),
    Default("qwen3_moe", 2048, 1e-6), Default("phi", bias: (true, true), 2048, 1e-5), Default("phi3", 4096, 1e-5),
    Default("gemma", 8192, tied: true, head: 256, 1e-6), Default("gemma2", 8192, tied: true, head: 256, 1e-6),
    Default("gemma3_text", 131_072, tied: true, head: 256, 1e-6), Default("olmo", 2048, 1e-5),
    Default("olmo2", 2048, 1e-5), Default("olmo3", 2048, 1e-5), Default("olmoe", 4096, 1e-5),
    Default("stablelm", 4096, 1e-5), Default("starcoder2", bias: (true, true), 4096, tied: true, 1e-5),
    Default("glm4", bias: (true, false), 131_072, head: 128, 1.5625e-7), Default("cohere", 8192, tied: true, 1e-5),
    Default("cohere2", 8192, tied: true, 1e-5), Default("granite", 2048, 1e-6),
    Default("smollm3", 32_768, tied: true, 1e-6),
    Default("gpt_oss", bias: (true, true), 131_072, head: 64, 1e-5),
    Default("deepseek_v2", 4096, head: 192, 1e-6), Default("deepseek_v3", 4096, head: 192, 1e-6),
    Default("bert", bias: (true, true), 512, tied: true, 1e-12),
    Default("roberta", bias: (true, true), 510, tied: true, 1e-12),
    Default("xlm-roberta", bias: (true, true), 510, tied: true, 1e-12),
    Default("tracr", bias: (true, true), 16, 0),
    Default("distilbert", bias: (true, true), 512, tied: true, head: 64, 1e-12),
  ]

  @Test("what holds where config.json is silent", arguments: defaults)
  func silent(expected: Default) throws {
    let architecture = try read(.least(expected.modelType))
    let attention = architecture.blocks[0].attention
    #expect(attention.queryKeyValueBias == expected.bias.0 && attention.outputBias == expected.bias.1)
    #expect(architecture.context == expected.context && architecture.head.isTied == expected.isTied)
    #expect(attention.headWidth == expected.headWidth)
    #expect(architecture.blocks[0].norm1.epsilon == expected.epsilon)
    #expect(architecture.modelType == expected.modelType)
  }

  @Test("every family but the wrappers has its defaults tested")
  func covered() {
    let wrappers: Set = ["gemma3", "mistral3", "llava"]
    #expect(Set(Self.defaults.map(\.modelType)).union(wrappers) == Set(Architecture.knownModelTypes))
    #expect(Set(Fields.leastOfEach.keys) == Set(Architecture.knownModelTypes))
  }

  @Test("experts where config.json is silent")
  func experts() throws {
    func first(_ modelType: String) throws -> Experts {
      try #require(read(.least(modelType)).blocks.lazy.compactMap(\.experts).first)
    }
    let expected = [
      ("mixtral", 8, 2), ("qwen2_moe", 60, 4), ("qwen3_moe", 128, 8), ("olmoe", 64, 8), ("gpt_oss", 128, 4),
      ("deepseek_v2", 64, 6), ("deepseek_v3", 64, 8),
    ]
    for (modelType, count, active) in expected {
      let experts = try first(modelType)
      #expect(experts.count == count && experts.active == active, "\(modelType)")
    }
    let v3 = try first("deepseek_v3")
    #expect(v3.router.groups == .init(count: 8, chosen: 4, scored: 2) && v3.router.correctsChoice)
    #expect(v3.shared?.neurons == 2048 && v3.expert.neurons == 2048)
    #expect(try read(.deepSeek).blocks.map { $0.experts != nil } == [false, true, true, true])
    #expect(try first("deepseek_v2").router.groups == nil)
    #expect(try first("deepseek_v2").shared?.neurons == 2 * 1407)
    let qwen = try first("qwen2_moe")
    #expect(qwen.gatesShared && qwen.shared?.neurons == 5632)
  }

  @Test("experts in some layers")
  func sparse() throws {
    let qwen = Fields.decoder("qwen3_moe")
    #expect(
      try read(qwen.with(["decoder_sparse_step": "2"])).blocks.map { $0.experts != nil } == [false, true, false, true])
    #expect(
      try read(qwen.with(["mlp_only_layers": "[1, 3]"])).blocks.map { $0.mlp != nil } == [false, true, false, true])
    #expect(try read(.deepSeek.with(["first_k_dense_replace": "4"])).blocks.allSatisfy { $0.mlp != nil })
    #expect(try read(.deepSeek.with(["num_nextn_predict_layers": "1"])).notes.count == 1)
  }

  @Test("one norm or two, before, behind or on the stream")
  func norms() throws {
    func block(_ fields: Fields) throws -> Block { try read(fields).blocks[0] }
    #expect(try block(.decoder("phi")).norm2 == nil && block(.decoder("phi")).isParallel)
    #expect(try block(.decoder("cohere")).norm1.hasBias == false)
    #expect(try block(.decoder("olmo")).norm1.hasWeight == false)
    #expect(try block(.decoder("olmo2")).normPlace == .afterBranch)
    #expect(try block(.bert).normPlace == .onStream)
    #expect(try block(.decoder("gemma2")).postNorm != nil && block(.decoder("gemma2")).norm1.weightOffset == 1)
    let falcon = Fields.decoder("falcon")
    #expect(try block(falcon).norm2 == nil && block(falcon).attention.keyValueHeads == 1)
    #expect(try block(falcon.with(["new_decoder_architecture": "true"])).norm2 != nil)
    #expect(
      try block(falcon.with(["new_decoder_architecture": "true", "num_ln_in_parallel_attn": "1"])).norm2 == nil)
    #expect(try block(falcon.with(["parallel_attn": "false"])).isParallel == false)
    #expect(try block(.decoder("stablelm").with(["use_parallel_residual": "true"])).norm2 == nil)
    #expect(try block(.decoder("gpt_neox").with(["use_parallel_residual": "false"])).isParallel == false)
    let narrow = try read(
      .least("opt").with(["do_layer_norm_before": "false", "word_embed_proj_dim": "16"]))
    #expect(narrow.blocks[0].normPlace == .onStream && narrow.head.norm == nil && narrow.embedding.tokenWidth == 16)
  }

  @Test("positions that begin behind rows for padding")
  func positions() throws {
    let opt = try read(.least("opt"))
    #expect(opt.embedding.positions == .init(rows: 2050, offset: 2) && opt.longestDocument == 2048)
    let roberta = try read(.decoder("roberta"))
    #expect(roberta.embedding.positions == .init(rows: 512, offset: 2, skippedToken: 1))
    #expect(try read(.llama).longestDocument == nil)
  }

  @Test("an encoder's head by the class that saved it, else as its makers published it")
  func heads() throws {
    func head(_ modelType: String, _ saved: String?) throws -> Architecture.Head {
      try read(.least(modelType).with(saved.map { ["architectures": "[\"\($0)\"]"] } ?? [:])).head
    }
    #expect(try head("bert", nil).kind == .none && head("bert", nil).hasPooler)
    let masked = try head("bert", "BertForMaskedLM")
    #expect(masked.kind == .maskedToken && masked.bias && masked.norm != nil && !masked.hasPooler)
    #expect(try head("bert", "BertModel").kind == .none)
    #expect(try head("roberta", nil).kind == .maskedToken)
    #expect(try head("xlm-roberta", "XLMRobertaModel").hasPooler)
    #expect(try head("distilbert", nil).kind == .maskedToken)
    #expect(try head("distilbert", "DistilBertModel") == head("distilbert", "DistilBertForSequenceClassification"))
  }

  @Test("of a model that also sees, the text part")
  func wrappers() throws {
    let gemma = try read(.least("gemma3"))
    #expect(gemma.modelType == "gemma3_text" && gemma.isTextPart && gemma.notes.count == 1)
    let untied = try read(.least("gemma3").with(["tie_word_embeddings": "false"]))
    #expect(gemma.head.isTied && !untied.head.isTied)
    #expect(throws: Fault.self) { try read(["model_type": "\"llava\""]) }
    let nested = "{\"model_type\": \"llava\", \"text_config\": {\"model_type\": \"llama\"}}"
    let fault = try #require(throws: Fault.self) { try read(["model_type": "\"llava\"", "text_config": nested]) }
    #expect(fault.place == "text_config.model_type")
  }

  @Test(
    "an unknown family is told as such, and never to be called by another's name",
    arguments: ["lama", "bertt", "mamba", "gpt3", "", "gemma4", "LLAMA"])
  func unknown(modelType: String) throws {
    let fault = try #require(throws: Fault.self) { try read(.llama.with(["model_type": "\"\(modelType)\""])) }
    #expect(fault.name == "architectures.unknownModelType" && fault.place == "model_type" && fault.kind == .badData)
    #expect(fault.expected?.contains("llama") == true && fault.expected?.contains("gpt_oss") == true)
    let advice = try #require(fault.advice)
    #expect(!advice.contains("set ") && !advice.contains("model_type"))
    if modelType == "lama" { #expect(advice.contains("llama") && advice.contains("misspelt")) }
  }

  @Test("a folder without config.json, and one with it")
  func folder() throws {
    let folder = try TemporaryFolder()
    let fault = try #require(throws: Fault.self) { try Architecture(folder: folder.url) }
    #expect(fault.name == "architectures.missingConfig" && fault.kind == .noInput)
    try folder.write(
      """
      {"model_type": "gpt2", "vocab_size": 9, "n_positions": 8, "n_embd": 4, "n_layer": 1, "n_head": 1}
      """, "config.json")
    #expect(try Architecture(folder: folder.url, name: "tiny").name == "tiny")
  }

  @Test("an architecture survives being written and read")
  func coding() throws {
    for fields in Fields.leastOfEach.values {
      let architecture = try read(fields)
      let data = try JSONEncoder().encode(architecture)
      #expect(try JSONDecoder().decode(Architecture.self, from: data) == architecture)
    }
  }
}
