import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Probes

/// Finds which experts of a mixture a corpus wakes, and for which concepts.
///
/// Reads `mlp.hook_expert_indices`, and `mlp.hook_router_logits` where it is there, of a store or of a running model.
public struct ExpertProfiling: Sendable {
  /// What carries the concepts: documents, or tokens by labelled spans.
  public var level: Probes.Concept.Level
  /// The column of document labels that names the concepts.
  public var column: String
  /// Whether the lack of usable labels is a fault.
  public var needsLabels: Bool
  /// How the router's logits become a distribution.
  public var score: Experts.Router.Score
  /// The intervals' confidence.
  public var confidence: Double

  public init(
    level: Probes.Concept.Level = .document, column: String = DocumentTable.defaultLabels, needsLabels: Bool = false,
    score: Experts.Router.Score = .softmax, confidence: Double = 0.95
  ) {
    precondition(confidence > 0 && confidence < 1, "a confidence of \(confidence)")
    self.level = level
    self.column = column
    self.needsLabels = needsLabels
    self.score = score
    self.confidence = confidence
  }

  /// Profiles every expert of the layers asked for.
  ///
  /// - Parameters:
  ///   - layers: only these; all that the source holds, unless given.
  ///   - progress: told how many rows of `rowCount` have been read.
  /// - Throws: `neurons.noRouter`, `neurons.noLabels`, `neurons.tooFewLabels`, `neurons.tooManyLabels`,
  ///   `neurons.expertNumber`, `neurons.noTokens`, `neurons.noSuchLayer`.
  /// - Complexity: one pass; memory for experts · concepts in each layer.
  public func profile(
    _ source: some ActivationSource, layers: Set<Int>? = nil, progress: ((Int, Int) -> Void)? = nil
  ) throws -> ExpertProfile {
    let routers = try RouterSites.find(in: source, layers: layers)
    let table = try source.documents
    let concepts = try TokenConcepts(source, table, self)
    let experts = try routers.map { try $0.expertCount(source) }
    var counts = RoutingCounts(experts: experts, classes: concepts.names.count)
    let groups = Groups(table)
    var current = -1
    var entropies = [Double](repeating: 0, count: routers.count)
    var seen = Set<Int>()
    let names = routers.map(\.indices.name) + routers.compactMap { $0.logits?.name }
    let width = routers.reduce(0) { $0 + $1.indices.width + ($1.logits?.width ?? 0) }
    try source.stream(names, maximumRows: min(max((4 << 20) / max(width, 1), 64), 4096)) { block in
      let tokens = try source.tokens(in: block.rows)
      var place = routers.count
      for (layer, router) in routers.enumerated() where router.logits != nil {
        entropies[layer] += RouterEntropy.sum(block.values[place], score, rows: tokens.fromText)
        place += 1
      }
      for offset in tokens.fromText {
        let document = Int(tokens.documents[offset])
        if document != current {
          if current >= 0, groups.lastDocument[groups.ofDocument[current]] == current {
            counts.close(group: groups.ofDocument[current])
          }
          current = document
          seen.insert(document)
        }
        let label = concepts.label(ofDocument: document, start: tokens.starts[offset], end: tokens.ends[offset])
        let awake = try routers.indices.map { layer in
          try routers[layer].awake(block.values[layer], offset, experts[layer], row: block.rows.lowerBound + offset)
        }
        counts.add(group: groups.ofDocument[document], label: label, awake: awake)
      }
      progress?(block.rows.upperBound, source.rowCount)
    }
    counts.closeAll()
    guard counts.allTokens > 0 else {
      throw Fault(
        .badData, "neurons.noTokens", "There are no tokens whose experts could be counted",
        expected: "documents with tokens of their own", found: "\(table.count) documents without")
    }
    return result(
      counts, routers, concepts, entropies: entropies, documents: seen.count, groups: groups.count(of: seen))
  }

  private func result(
    _ counts: RoutingCounts, _ routers: [RouterSites], _ concepts: TokenConcepts, entropies: [Double], documents: Int,
    groups: Int
  ) -> ExpertProfile {
    let shared = RoutingCounts.Shared(counts, confidence: confidence)
    let labelled = counts.tokens.reduce(0, +)
    var profile = ExpertProfile(
      layers: [], experts: [], concepts: concepts.listed, labelsLeftAside: concepts.leftAside, documents: documents,
      tokens: counts.allTokens, groups: groups, confidence: confidence, intervals: 0, excluding: 0)
    let all = Double(counts.allTokens)
    for (index, router) in routers.enumerated() {
      let own = counts.layers[index]
      let wakings = Double(own.all.reduce(0, +))
      let load = own.all.reduce(0.0) {
        let share = Double($1) / max(wakings, 1)
        return share > 0 ? $0 - share * log(share) : $0
      }
      profile.layers.append(
        ExpertProfile.Layer(
          layer: router.layer, experts: own.experts, active: router.indices.width,
          routerEntropy: router.logits == nil ? nil : entropies[index] / all, loadEntropy: load,
          largestEntropy: log(Double(own.experts)), neverWoken: own.all.indices.filter { own.all[$0] == 0 }))
      for expert in 0..<own.experts {
        let found = counts.concepts(ofExpert: expert, layer: index, names: concepts.names, shared: shared)
        let awake = (0..<counts.classes).reduce(0) { $0 + own.awake[expert * counts.classes + $1] }
        profile.experts.append(
          ExpertProfile.Expert(
            layer: router.layer, expert: expert, tokens: own.all[expert], share: Double(own.all[expert]) / all,
            baseRate: labelled > 0 ? Double(awake) / Double(labelled) : nil,
            concepts: found.filter { concepts.listed.contains($0.label) }))
      }
    }
    let intervals = profile.experts.flatMap(\.concepts).filter { $0.low != nil }
    profile.intervals = intervals.count
    profile.excluding = intervals.count(where: \.excludesBase)
    profile.experts.sort {
      let (a, b) = ($0.concepts.first?.liftLow ?? -1, $1.concepts.first?.liftLow ?? -1)
      return a != b ? a > b : ($0.layer, $0.expert) < ($1.layer, $1.expert)
    }
    return profile
  }

  /// What is independent: the corpus's groups, else documents, all pieces of one together.
  private struct Groups {
    /// The group of each document, and the last document of each group.
    var ofDocument: [Int] = []
    var lastDocument: [Int] = []

    init(_ table: DocumentTable) {
      var numbers: [String: Int] = [:]
      for document in 0..<table.count {
        let key = table.groups[document].map { "g\($0)" } ?? "d\(table.ids[document])"
        let number = numbers[key] ?? lastDocument.count
        if numbers[key] == nil {
          numbers[key] = number
          lastDocument.append(document)
        }
        lastDocument[number] = document
        ofDocument.append(number)
      }
    }

    func count(of documents: Set<Int>) -> Int { Set(documents.map { ofDocument[$0] }).count }
  }
}

/// The entropy of a router's distributions.
enum RouterEntropy {
  /// The sum over the rows of [rows, experts] logits whose tokens came from text, in nats.
  static func sum(_ logits: Matrix, _ score: Experts.Router.Score, rows: [Int]) -> Double {
    var total = 0.0
    for row in rows {
      total += logits.withUnsafeRow(row) { values -> Double in
        let highest = Double(values.max() ?? 0)
        // Softmax over all experts, also where only those chosen enter it in the pass.
        let weights = values.map {
          score == .sigmoid ? 1 / (1 + exp(-Double($0))) : exp(Double($0) - highest)
        }
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return 0 }
        return weights.reduce(0.0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 }
      }
    }
    return total
  }
}
