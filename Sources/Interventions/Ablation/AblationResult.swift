import Activations
import Neurons
import Probes
import Transformer

/// What a model predicts worse without each of some items.
public struct AblationResult: Encodable, Sendable {
  public var model: String
  public var corpus: [String]
  /// What was put in the place of what was taken out.
  public var by: AblationReplacement
  /// The column of the labels.
  public var column: String
  /// The labels of the documents, in the order of their bytes; empty where they have none.
  public var labels: [String]
  public var items: [AblatedItem]

  init(
    origin: Origin, replacement: AblationReplacement, column: String, labels: [String], items: [AblatedItem]
  ) {
    model = origin.model
    corpus = origin.corpus
    by = replacement
    self.column = column
    self.labels = labels
    self.items = items
    correct()
  }

  /// Corrects the chances for everything that was tried: each item over all documents, and by label where there are several.
  private mutating func correct() {
    let tried = items.flatMap { item in [item.all.loss.chance] + item.tested.map(\.effect.loss.chance) }
    var corrected = HolmCorrection.corrected(tried)[...]
    for number in items.indices {
      items[number].all.corrected = corrected.removeFirst()
      let isSeveral = items[number].labels.count > 1
      for label in items[number].labels.indices {
        items[number].labels[label].effect.corrected = isSeveral ? corrected.removeFirst() : items[number].all.corrected
      }
    }
  }

  /// How many chances were corrected together.
  public var tries: Int { items.reduce(0) { $0 + 1 + $1.tested.count } }
}

/// What is predicted worse without one item.
public struct AblatedItem: Encodable, Sendable {
  public var what: String
  /// The one number that was put in its place at tokens of texts; nil where there were several.
  public var value: Float?
  /// All documents together.
  public var all: AblationEffect
  /// The documents of each label that has some.
  public var labels: [(label: String, effect: AblationEffect)]
  /// The tokens whose loss grows most, at most one a document, first the worst.
  public var worst: [WorseToken]

  /// A token whose loss grows much.
  public struct WorseToken: Encodable, Sendable, Equatable {
    public var label: String?
    /// Nats that this token's loss grows by.
    public var change: Double
    /// The source's row of the predicted token.
    public var row: Int
  }

  /// The labels that are tested for themselves: one alone is all documents again.
  var tested: [(label: String, effect: AblationEffect)] { labels.count > 1 ? labels : [] }

  private enum Keys: String, CodingKey { case what, value, labels }

  public func encode(to encoder: any Encoder) throws {
    try all.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(what, forKey: .what)
    try container.encodeIfPresent(value, forKey: .value)
    try container.encode(Dictionary(uniqueKeysWithValues: labels.map { ($0.label, $0.effect) }), forKey: .labels)
  }
}

/// What some documents' predictions lose.
public struct AblationEffect: Encodable, Sendable, Equatable {
  /// The loss in nats a prediction: before, and what it grows by.
  public var loss: PairedChange
  /// KL(clean ‖ without the item), in nats a prediction, with the same kind of standard error.
  public var divergence: PairedChange
  /// The chance of so large a growth of the loss where there is none, corrected for everything that was tried.
  public var corrected = 1.0

  /// Whether the corrected chance is 5 % at most.
  public var isFound: Bool { corrected <= HolmCorrection.level }

  private enum Keys: String, CodingKey {
    case documents, predictions, cleanLoss, loss, change, standardError, interval, chance, corrected, kl, klInterval
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(loss.documents, forKey: .documents)
    try container.encode(loss.predictions, forKey: .predictions)
    try container.encode(loss.before, forKey: .cleanLoss)
    try container.encode(loss.after, forKey: .loss)
    try container.encode(loss.change, forKey: .change)
    try container.encode(loss.standardError, forKey: .standardError)
    try container.encodeIfPresent(loss.interval, forKey: .interval)
    try container.encode(loss.chance, forKey: .chance)
    try container.encode(corrected, forKey: .corrected)
    try container.encode(divergence.change, forKey: .kl)
    try container.encodeIfPresent(divergence.interval, forKey: .klInterval)
  }
}

/// Losses and divergences by document, of the clean run and of those without each item.
struct AblationSums {
  private let labels: [String]
  private let labelOf: [Int?]
  private let mostWorst: Int
  /// Of each document.
  private var losses: [Double]
  private var predictions: [Int]
  /// Of each item and document.
  private var changes: [[Double]]
  private var divergences: [[Double]]
  private var worst: [[AblatedItem.WorseToken]]

  init(items: Int, sample: AblationSample, worst: Int) {
    labels = sample.labels
    labelOf = sample.labelOf
    mostWorst = worst
    losses = Array(repeating: 0, count: sample.documentCount)
    predictions = Array(repeating: 0, count: sample.documentCount)
    changes = Array(repeating: losses, count: items)
    divergences = changes
    self.worst = Array(repeating: [], count: items)
  }

  mutating func addClean(_ clean: PredictionComparison, _ batch: AblationSample.Batch) {
    for (piece, document) in batch.documents.enumerated() {
      for row in batch.tokens.rows(of: piece) {
        guard let loss = clean.loss(row) else { continue }
        losses[document] += loss
        predictions[document] += 1
      }
    }
  }

  mutating func add(
    _ item: Int, _ edited: PredictionComparison.Edited, copy: Int, _ batch: AblationSample.Batch
  ) {
    let first = copy * batch.tokens.count
    for (piece, document) in batch.documents.enumerated() {
      var most: (change: Double, row: Int)?
      for row in batch.tokens.rows(of: piece) {
        let change = edited.changes[first + row]
        changes[item][document] += change
        divergences[item][document] += edited.divergences[first + row]
        if mostWorst > 0, change > most?.change ?? 0 { most = (change, batch.rows[row] + 1) }
      }
      guard let most else { continue }
      let label = labelOf[document].map { labels[$0] }
      worst[item].append(.init(label: label, change: most.change, row: most.row))
      if worst[item].count >= 4 * mostWorst { keepWorst(item) }
    }
  }

  private mutating func keepWorst(_ item: Int) {
    worst[item].sort { $0.change != $1.change ? $0.change > $1.change : $0.row < $1.row }
    worst[item].removeLast(max(0, worst[item].count - mostWorst))
  }

  mutating func items(named names: [String], values: [Float?]) -> [AblatedItem] {
    let documents = Array(losses.indices)
    let byLabel = labels.indices.map { label in documents.filter { labelOf[$0] == label } }
    return names.enumerated().map { item, name in
      keepWorst(item)
      return AblatedItem(
        what: name, value: values[item], all: effect(item, documents),
        labels: zip(labels, byLabel).map { ($0, effect(item, $1)) }, worst: worst[item])
    }
  }

  private func effect(_ item: Int, _ documents: [Int]) -> AblationEffect {
    var loss = PairedChange(
      documents.map { .init(before: losses[$0], change: changes[item][$0], predictions: predictions[$0]) })
    // Losses come of logits in float32: a smaller change is their rounding.
    if loss.documents > 1 { loss.standardError = max(loss.standardError, loss.before * Double(Float.ulpOfOne)) }
    return AblationEffect(
      loss: loss,
      divergence: PairedChange(
        documents.map { .init(before: 0, change: divergences[item][$0], predictions: predictions[$0]) }))
  }
}
