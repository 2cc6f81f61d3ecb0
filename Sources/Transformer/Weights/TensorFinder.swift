import Architectures
import Checkpoints
import Diagnostics
import Foundation

/// Finds tensors under any of a family's names and prefixes, and keeps account of those missing and those unused.
struct TensorFinder {
  let names: TensorNames
  let checkpoint: any TensorSource
  private var used = Set<String>()
  private var missing: [String] = []
  private var isMissing = Set<String>()

  init(names: TensorNames, checkpoint: any TensorSource) {
    self.names = names
    self.checkpoint = checkpoint
  }

  /// The architecture as this checkpoint has it: which head there is, and whether the unembedding is a tensor of its own.
  ///
  /// A stored unembedding is used, also where the configuration says that it is the embedding: so does transformers 5.
  func settle(_ described: Architecture) -> Architecture {
    var architecture = described
    let isStored = holds(.unembedding)
    switch architecture.head.kind {
    case .nextToken:
      if isStored && holds(.tokenEmbedding) {
        architecture.head.isTied = false
      } else if !isStored && !architecture.head.isTied && (isBare || holdsTaskHead) {
        architecture.head.kind = .none
      }
    case .none, .maskedToken:
      // The configuration only says which class saved the file.
      guard names.tensors[.headDense] != nil else { break }
      let isMasked = holds(.headDense)
      architecture.head.kind = isMasked ? .maskedToken : .none
      architecture.head.bias = isMasked
      architecture.head.norm = isMasked ? architecture.embedding.norm : nil
      if isMasked && isStored && holds(.tokenEmbedding) { architecture.head.isTied = false }
    }
    return architecture
  }

  private func holds(_ role: WeightRole) -> Bool {
    names.tensors[role]?.contains { candidates($0, WeightKey(role)).contains { look($0) != nil } } ?? false
  }

  /// Whether the checkpoint was saved from the base model alone: no name has a prefix.
  private var isBare: Bool { !names.prefixes.contains { prefix in checkpoint.names.contains { $0.hasPrefix(prefix) } } }
  private var holdsTaskHead: Bool { checkpoint.names.contains(where: isTaskHead) }

  /// The tensors of a weight (one; several where each head has its own), and the name under which they were found.
  mutating func weight(_ key: WeightKey, tied: Bool) -> (name: StoredTensor, tensors: [TensorView])? {
    var sources = names.tensors[key.role] ?? []
    switch key.role {
    // One of two shared tensors is stored: it is both.
    case .tokenEmbedding where tied: sources += (names.tensors[.unembedding] ?? []).map { StoredTensor($0.name) }
    case .unembedding where tied:
      let (bias, other) = (sources.first.map { $0.bias ?? $0.name + ".bias" }, sources.first?.otherBias)
      sources = ((names.tensors[.tokenEmbedding] ?? []) + sources).map {
        StoredTensor($0.name, bias: bias, otherBias: other)
      }
    default: break
    }
    for source in sources {
      if source.name.contains("{h}") {
        let heads = perHead(source, key)
        if !heads.isEmpty { return (source, heads) }
      } else if case .keysBesideValues(let values) = source.rows {
        guard let keys = find(candidates(source, key)) else { continue }
        if let values = find([filled(values, key) + ".weight"]) { return (source, [keys, values]) }
        note(missing: filled(values, key) + ".weight")
        return nil
      } else if let tensor = find(candidates(source, key)) {
        return (source, [tensor])
      }
    }
    note(missing: sources.first.map { candidates($0, key)[0] } ?? "\(key.role)")
    return nil
  }

  mutating func bias(_ source: StoredTensor, _ key: WeightKey) -> TensorView? {
    let names =
      source.bias.map { [$0, source.otherBias].compactMap { $0 }.map { filled($0, key) } }
      ?? [".bias", ".beta"].map { filled(source.name, key) + $0 }
    if let tensor = find(names) { return tensor }
    note(missing: names[0])
    return nil
  }

  private mutating func perHead(_ source: StoredTensor, _ key: WeightKey) -> [TensorView] {
    var found: [TensorView] = []
    while let tensor = find(candidates(source, key).map { $0.replacing("{h}", with: String(found.count)) }) {
      found.append(tensor)
    }
    return found
  }

  /// Checkpoints converted from TensorFlow call a norm's weight gamma and its bias beta.
  private func candidates(_ source: StoredTensor, _ key: WeightKey) -> [String] {
    let name = filled(source.name, key)
    return source.isExact ? [name] : [name + ".weight", name + ".gamma"]
  }

  private func filled(_ template: String, _ key: WeightKey) -> String {
    var name = template
    if let layer = key.layer { name = name.replacing("{i}", with: String(layer), maxReplacements: 1) }
    if let expert = key.expert { name = name.replacing("{e}", with: String(expert), maxReplacements: 1) }
    return name
  }

  private func look(_ name: String) -> (name: String, tensor: TensorView)? {
    for candidate in [name] + names.prefixes.map({ $0 + name }) {
      if let tensor = checkpoint.tensor(named: candidate) { return (candidate, tensor) }
    }
    return nil
  }

  private mutating func find(_ names: [String]) -> TensorView? {
    for name in names {
      guard let found = look(name) else { continue }
      used.insert(found.name)
      return found.tensor
    }
    return nil
  }

  private mutating func note(missing name: String) {
    if isMissing.insert(name).inserted { missing.append(name) }
  }

  /// - Returns: The names of tensors that are left out: heads for other tasks, and parts that read pictures.
  /// - Throws: `Fault` where a tensor is missing or was not asked for.
  func finish() throws -> [String] {
    let rest = checkpoint.names.filter { !used.contains($0) && !isNamed($0, by: names.ignored) }
    let unused = rest.filter { !isTaskHead($0) && !isNamed($0, by: names.otherParts) && !isEmpty($0) }
    let file = checkpoint.location.path
    if !missing.isEmpty {
      throw Fault(
        .badData, "transformer.missingTensors", "The checkpoint lacks \(counted(missing.count)) of this architecture",
        file: file, place: listed(missing), expected: "every weight that \(configuration) implies",
        found: unused.isEmpty ? "all other weights" : "these beside them, of no use: \(listed(unused))",
        advice: "check that \(configuration) belongs to these weights, and that every shard was downloaded")
    }
    if !unused.isEmpty {
      throw Fault(
        .badData, "transformer.unusedTensors",
        "The checkpoint holds \(counted(unused.count)) that this architecture does not have", file: file,
        place: listed(unused), expected: "only weights that \(configuration) implies", found: "others",
        advice: "check that \(configuration) belongs to these weights: what they compute would be left out silently")
    }
    return rest.filter { !isEmpty($0) }
  }

  /// What messages call the model's description.
  var configuration: String { checkpoint is GGUFCheckpoint ? "the file's metadata" : "config.json" }

  /// Tensors without elements, which some classes save for parts that a model does not have.
  private func isEmpty(_ name: String) -> Bool { checkpoint.tensor(named: name)?.count == 0 }

  private func isTaskHead(_ name: String) -> Bool { isNamed(name, by: names.taskHeads) }

  private func isNamed(_ name: String, by patterns: [String]) -> Bool {
    patterns.contains { pattern in
      matches(name, pattern: pattern)
        || names.prefixes.contains { name.hasPrefix($0) && matches(String(name.dropFirst($0.count)), pattern: pattern) }
    }
  }

  private func counted(_ count: Int) -> String { count == 1 ? "1 tensor" : "\(count) tensors" }

  private func listed(_ names: [String]) -> String {
    names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }
}
