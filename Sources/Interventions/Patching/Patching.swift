import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

/// Activation patching: values of one text's run are put into another's, cell by cell, to see which of them carry what the
/// model answers.
///
/// Denoising puts values of the clean text into the run of the corrupted one: what restores the answer is enough for it.
/// Noising puts corrupted values into the clean run: what loses the answer is needed for it. (Meng et al. 2022, arXiv
/// 2202.05262; Heimersheim & Nanda 2024, arXiv 2404.15255.)
///
/// A cell costs a run from its layer and its position on: what lies before both is taken from a cache of the run that is
/// patched.
public struct Patching: Sendable {
  public enum Direction: String, Codable, Sendable, CaseIterable {
    case denoising, noising
  }

  /// What is a cell of its own beside the layer.
  public struct Over: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let positions = Over(rawValue: 1)
    /// Heads, or neurons.
    public static let parts = Over(rawValue: 2)
  }

  public var direction: Direction
  /// nil: heads where a site has heads, else positions.
  public var over: Over?
  /// The heads or neurons that are patched; nil: all.
  public var parts: [Int]?
  /// The most tokens that are run at once.
  public var batchTokens: Int

  public init(
    _ direction: Direction = .denoising, over: Over? = nil, parts: [Int]? = nil, batchTokens: Int = 4096
  ) {
    precondition(batchTokens > 0, "batches of \(batchTokens) tokens")
    self.direction = direction
    self.over = over
    self.parts = parts
    self.batchTokens = batchTokens
  }

  /// The most effects that a grid may have, over all pairs.
  static let most = 1 << 24

  /// Patches every cell of some sites, in every pair.
  ///
  /// Memory: of each pair in turn the values at the sites and what attention has cached; a batch's run.
  /// - Parameters:
  ///   - pairs: Where cells are positions, all of as many tokens.
  ///   - progress: Called with the number of cells done and of all.
  /// - Throws: `Fault`: `patching.site`, `patching.part`, `patching.lengths`, `patching.tooMany`, `patching.noEffect` where
  ///   the model answers both texts alike, `transformer.noNextToken`, and those of `Model.run`.
  public func run(
    _ pairs: [PromptPair], sites: [Site], in model: Model, progress: ((Int, Int) -> Void)? = nil
  ) throws -> PatchingResult {
    let groups = try model.architecture.patchedSites(sites, over: over, parts: parts)
    let length = try Self.check(pairs, model, byPosition: groups.contains(where: \.byPosition))
    let counts = groups.map { $0.sites.count * ($0.byPosition ? length : 1) * ($0.parts?.count ?? 1) }
    let all = counts.reduce(0, +) * pairs.count
    guard all <= Self.most else {
      throw Fault(
        .usage, "patching.tooMany", "These are too many cells to patch", expected: "at most \(Self.most)",
        found: "\(all)", advice: "choose fewer sites, layers, parts or pairs")
    }
    let work = PatchingWork(model: model, direction: direction, batchTokens: batchTokens)
    var readings = counts.map { [[Answers.Reading]](repeating: [], count: $0) }
    var (before, after): ([Answers.Reading], [Answers.Reading]) = ([], [])
    var done = 0
    for pair in pairs {
      let runs = try PairRuns(pair, work, sites: sites)
      before.append(runs.clean)
      after.append(runs.corrupt)
      for (group, sites) in groups.enumerated() {
        var cell = 0
        for site in sites.sites {
          var patches: [Patch] = []
          for position in sites.byPosition ? (0..<length).map({ $0 as Int? }) : [nil] {
            for part in sites.parts.map({ $0.map { $0 as Int? } }) ?? [nil] {
              patches.append(Patch(position: position, part: part))
            }
          }
          let found = try work.effects(of: patches, at: site, in: runs)
          for (offset, reading) in found.enumerated() { readings[group][cell + offset].append(reading) }
          cell += patches.count
          done += patches.count
          progress?(done, all)
        }
      }
    }
    let summary = try PairSummary(clean: before, corrupt: after, direction)
    return PatchingResult(
      direction: direction, clean: summary.clean, corrupt: summary.corrupt, pairs: pairs.count,
      sites: zip(groups, readings).map { group, readings in
        PatchingGrid(group, positions: group.byPosition ? length : nil, cells: readings.map(summary.effect))
      })
  }

  /// Checks that the pairs can be patched in the model; returns the number of tokens that they share.
  static func check(_ pairs: [PromptPair], _ model: Model, byPosition: Bool) throws -> Int {
    guard let first = pairs.first else {
      throw Fault(.usage, "patching.noPairs", "There is no pair to patch", expected: "at least one", found: "none")
    }
    if byPosition, let other = pairs.first(where: { $0.clean.count != first.clean.count }) {
      throw Fault(
        .badData, "patching.lengths",
        "The pairs have not as many tokens as each other, so that no position is the same",
        place: other.place, expected: "\(first.clean.count) tokens, as \(first.place) has",
        found: "\(other.clean.count)", advice: "give pairs of one length, or patch over heads or whole layers")
    }
    try model.requireNextToken("it answers nothing")
    return first.clean.count
  }
}
