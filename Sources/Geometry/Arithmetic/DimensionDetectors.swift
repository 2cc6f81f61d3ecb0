import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes

/// How well single dimensions of a site, each alone, tell a concept from the rest.
public struct DimensionDetectors: Sendable, Codable {
  public var site: String
  public var layer: Int?
  /// The class that counts as the concept.
  public var concept: String
  public var width: Int
  /// Examples with and without the concept, in the half that chooses and in the half that judges.
  public var examples: Counts
  /// The best dimensions by AUROC on the half that chooses, strongest first.
  public var best: [Detector]
  /// What the best of all dimensions reaches by chance on the half that chooses: the mean over shuffled labels.
  public var chance: Double
  /// AUROC on the judging half of all dimensions together: the direction from the mean without the concept to the mean
  /// with it, on standardized dimensions. nil where a class is absent there.
  public var together: Double?

  public struct Counts: Sendable, Codable, Equatable {
    public var choosing: [Int]
    public var judging: [Int]
  }

  /// One dimension as a detector.
  public struct Detector: Sendable, Codable, Equatable {
    public var dimension: Int
    /// 1: larger with the concept; −1: smaller.
    public var sign: Int
    /// AUROC in the dimension's direction: on the half that chose it, and on the other (nil where a class is absent).
    public var choosing: Double
    public var judging: Double?
    /// The difference of the two means over the pooled standard deviation, on the half that chose it.
    public var effect: Double
  }
}

/// What decides a ranking of dimensions.
public struct DetectorSettings: Sendable, Codable, Equatable {
  public var concept: Concept
  public var pooling: Pooling
  /// Whether all places of one token become one example, its mean: one vote a word, not one a sentence. Tokens alone.
  public var averagesContexts: Bool
  /// How many dimensions are reported.
  public var count: Int
  /// How often labels are shuffled for `chance`.
  public var shuffles: Int
  public var maximumExamples: Int
  public var seed: UInt64

  public init(
    concept: Concept = Concept(), pooling: Pooling = .mean, averagesContexts: Bool = false, count: Int = 10,
    shuffles: Int = 20, maximumExamples: Int = 20_000, seed: UInt64 = 0
  ) {
    self.concept = concept
    self.pooling = pooling
    self.averagesContexts = averagesContexts
    self.count = count
    self.shuffles = shuffles
    self.maximumExamples = maximumExamples
    self.seed = seed
  }
}

extension DimensionDetectors {
  /// Ranks the dimensions of sites as detectors of a concept; of several classes each against the rest.
  ///
  /// Half of the groups choose the dimensions, the other half judges them. One pass over the source for all sites.
  ///
  /// - Returns: for each site, then for each concept.
  /// - Throws: `geometry.tooFewGroups`, and those of finding examples (`probe.noLabels`, `probe.singleClass` …).
  public static func rank(
    _ sites: [StoredSite], in source: some ActivationSource, settings: DetectorSettings = DetectorSettings()
  ) throws -> [DimensionDetectors] {
    let examples = try Examples(
      settings.concept, of: source, specialTokens: false, most: settings.maximumExamples, seed: settings.seed)
    let matrices = try examples.activations(
      of: sites, in: source, order: Array(0..<examples.count),
      pooling: settings.concept.level == .document ? settings.pooling : nil)
    var labels = examples.labels
    var groups = examples.groups
    var values = matrices
    if settings.averagesContexts {
      guard settings.concept.level == .token else {
        throw Fault(
          .usage, "geometry.averagesDocuments", "Documents are not averaged over contexts",
          expected: "a concept of tokens (labelled spans)", found: "labels of documents")
      }
      let ids = try source.tokens(in: 0..<source.tokenCount).ids
      let words = WordTypes(labels: labels, tokens: examples.lastRow.map { ids[$0] })
      labels = words.labels
      groups = Array(0..<labels.count)
      values = matrices.map(words.averages)
    }
    let judging = try split(groups, labels: labels, classes: examples.classes.count, seed: settings.seed)
    // Of two classes one ranking says it all: the other's is the same with signs turned.
    let concepts = examples.classes.count == 2 ? [1] : Array(0..<examples.classes.count)
    return zip(sites, values).flatMap { site, matrix in
      concepts.map { number in
        ranking(
          site, matrix, positive: labels.map { Int($0) == number }, judging: judging, concept: examples.classes[number],
          settings: settings)
      }
    }
  }

  /// Which examples judge: half of the groups, drawn by the seed.
  private static func split(_ groups: [Int], labels: [Int32], classes: Int, seed: UInt64) throws -> [Bool] {
    let count = (groups.max() ?? -1) + 1
    guard count >= 4 else {
      throw Fault(
        .badData, "geometry.tooFewGroups", "The examples cannot be split into a half that chooses and one that judges",
        expected: "at least 4 groups", found: "\(count)", advice: "give more documents, or groups of fewer documents")
    }
    var generator = SeededGenerator(seed: seed, stream: "dimension detectors")
    var isJudging = [Bool](repeating: false, count: count)
    for group in generator.permutation(count).prefix(count / 2) { isJudging[group] = true }
    return groups.map { isJudging[$0] }
  }

  private static func ranking(
    _ site: StoredSite, _ matrix: Matrix, positive: [Bool], judging: [Bool], concept: String, settings: DetectorSettings
  ) -> DimensionDetectors {
    let chosen = positive.indices.filter { !judging[$0] }
    let judged = positive.indices.filter { judging[$0] }
    let chosenLabels = chosen.map { positive[$0] }
    let judgedLabels = judged.map { positive[$0] }
    let choosing = matrix.selectingRows(chosen).transposed()
    let judgingValues = matrix.selectingRows(judged).transposed()
    // Labels as they are, then shuffled: a dimension's ranks serve all of them.
    var generator = SeededGenerator(seed: settings.seed, stream: "shuffled labels")
    let labelings =
      [chosenLabels]
      + (0..<settings.shuffles).map { _ in
        var shuffled = chosenLabels
        generator.shuffle(&shuffled)
        return shuffled
      }
    var table = [[Double]](repeating: [], count: matrix.columns)
    table.withUnsafeMutableBufferPointer { table in
      Threads.forEach(matrix.columns) { column in
        let ranks = Ranks(choosing.row(column))
        table[column] = labelings.map { ranks.area(positive: $0) ?? 0.5 }
      }
    }
    let chance =
      settings.shuffles == 0
      ? 0.5
      : (1...settings.shuffles).reduce(0.0) { sum, shuffle in
        sum + (table.map { 0.5 + abs($0[shuffle] - 0.5) }.max() ?? 0.5)
      } / Double(settings.shuffles)
    let order = table.indices.sorted {
      let (a, b) = (abs(table[$0][0] - 0.5), abs(table[$1][0] - 0.5))
      return a == b ? $0 < $1 : a > b
    }
    let best = order.prefix(settings.count).map { column in
      let area = table[column][0]
      let sign = area >= 0.5 ? 1 : -1
      let held = AUROC.area(
        scores: judgingValues.row(column).map { Float(sign) * $0 }, positive: judgedLabels)
      return Detector(
        dimension: column, sign: sign, choosing: max(area, 1 - area), judging: held,
        effect: Moments(choosing.row(column), positive: chosenLabels).effect)
    }
    return DimensionDetectors(
      site: site.name, layer: site.layer, concept: concept, width: matrix.columns,
      examples: Counts(
        choosing: [chosenLabels.count { $0 }, chosenLabels.count { !$0 }],
        judging: [judgedLabels.count { $0 }, judgedLabels.count { !$0 }]),
      best: best, chance: chance,
      together: together(choosing, chosenLabels, judgingValues, judgedLabels))
  }

  private static func together(_ choosing: Matrix, _ chosenLabels: [Bool], _ judging: Matrix, _ judgedLabels: [Bool])
    -> Double?
  {
    var scores = [Double](repeating: 0, count: judging.columns)
    for column in 0..<choosing.rows {
      let moments = Moments(choosing.row(column), positive: chosenLabels)
      guard moments.deviation > 0 else { continue }
      let weight = moments.effect / moments.deviation
      judging.withUnsafeRow(column) { values in
        for example in scores.indices { scores[example] += weight * Double(values[example]) }
      }
    }
    return AUROC.area(scores: scores, positive: judgedLabels)
  }
}
