import Diagnostics
import Foundation
import LinearAlgebra
import Neurons
import Probes
import Transformer

/// What putting a value from one run into another does, over all pairs.
public struct PatchingEffect: Sendable, Equatable {
  /// (patched − corrupt) / (clean − corrupt) of the mean logit differences: 1 is the clean run's, 0 the corrupted one's.
  public var restored: Double
  /// The 95 % interval of `restored` over pairs; nil for fewer than three.
  public var interval: Interval?
  /// The chance of so large an effect where there is none, by Student's t over pairs, two-sided; nil for fewer than three.
  public var chance: Double?
  /// The mean of the right answer's logit less the wrong one's.
  public var difference: Double
  /// The mean of the right answer's probability.
  public var probability: Double
  /// The mean of KL(clean ‖ patched), in nats.
  public var divergence: Double
}

/// The effects at one kind of site.
public struct PatchingGrid: Sendable, Equatable {
  /// The site's shorthand, such as `resid_pre`, or its name without the layer.
  public var site: String
  /// The layers of its rows; nil outside the layers.
  public var layers: [Int]?
  public var positions: Int?
  /// The heads or neurons of its cells, and what they are called.
  public var parts: [Int]?
  public var partName: String?
  /// Row-major over layers, positions, parts.
  public var cells: [PatchingEffect]

  init(_ sites: PatchedSites, positions: Int?, cells: [PatchingEffect]) {
    site = sites.sites[0].shorthand ?? sites.name
    layers = sites.sites[0].layer == nil ? nil : sites.sites.compactMap(\.layer)
    self.positions = positions
    parts = sites.parts
    partName = sites.partName
    self.cells = cells
  }

  /// The lengths of the axes: layers, then positions and parts where they are cells of their own.
  public var shape: [Int] { [layers?.count ?? 1] + [positions, parts?.count].compactMap(\.self) }
  public var axes: [String] {
    ["layer"] + [positions.map { _ in "position" }, parts == nil ? nil : partName].compactMap(\.self)
  }

  /// A cell's layer, position and part.
  public func place(_ cell: Int) -> (layer: Int?, position: Int?, part: Int?) {
    let (partCount, positionCount) = (parts?.count ?? 1, positions ?? 1)
    return (
      layers?[cell / (partCount * positionCount)], positions.map { cell / partCount % $0 },
      parts?[cell % partCount]
    )
  }
}

/// Grids of effects, and between what they lie.
public struct PatchingResult: Sendable, Equatable {
  public var direction: Patching.Direction
  /// The mean logit difference of the clean texts, and of the corrupted ones.
  public var clean: Double
  public var corrupt: Double
  public var pairs: Int
  public var sites: [PatchingGrid]

  /// How far a cell moves the answer: what it restores, of noising what it takes away.
  public func effect(_ cell: PatchingEffect) -> Double {
    direction == .denoising ? cell.restored : 1 - cell.restored
  }

  /// A cell, and how far it moves the answer.
  public struct Place: Sendable, Equatable {
    public var grid: Int
    public var cell: Int
    public var effect: Double
    /// The chance of it, corrected for all cells by Holm's procedure.
    public var corrected: Double?
  }

  /// The cells that move the answer most, first the strongest.
  public func strongest(_ count: Int) -> [Place] {
    let places = sites.indices.flatMap { grid in
      sites[grid].cells.indices.map { Place(grid: grid, cell: $0, effect: effect(sites[grid].cells[$0])) }
    }
    let chances = places.compactMap { sites[$0.grid].cells[$0.cell].chance }
    var named = places
    if chances.count == places.count {
      for (index, corrected) in HolmCorrection.corrected(chances).enumerated() { named[index].corrected = corrected }
    }
    return Array(
      named.sorted {
        abs($0.effect) != abs($1.effect) ? abs($0.effect) > abs($1.effect) : ($0.grid, $0.cell) < ($1.grid, $1.cell)
      }.prefix(count))
  }
}

/// What the pairs say without a patch, and what a patch's readings amount to beside them.
struct PairSummary {
  let clean: Double
  let corrupt: Double
  private let before: [Answers.Reading]
  private let after: [Answers.Reading]
  private let direction: Patching.Direction

  /// - Throws: `Fault` named `patching.noEffect`.
  init(clean before: [Answers.Reading], corrupt after: [Answers.Reading], _ direction: Patching.Direction) throws {
    self.direction = direction
    self.before = before
    self.after = after
    clean = before.reduce(0) { $0 + $1.difference } / Double(before.count)
    corrupt = after.reduce(0) { $0 + $1.difference } / Double(after.count)
    guard abs(clean - corrupt) > 1e-4 else {
      throw Fault(
        .badData, "patching.noEffect", "The model answers the clean and the corrupted text alike",
        expected: "a logit difference that changes", found: "\(clean) and \(corrupt)",
        advice: "choose answers that the texts decide: `unfold run MODEL TEXT` lists what the model expects")
    }
  }

  func effect(_ readings: [Answers.Reading]) -> PatchingEffect {
    let count = Double(readings.count)
    let difference = readings.reduce(0) { $0 + $1.difference } / count
    let ratio = RatioOfSums(
      readings.indices.map { pair in
        (readings[pair].difference - after[pair].difference, before[pair].difference - after[pair].difference)
      })
    var (interval, chance): (Interval?, Double?)
    if readings.count >= 3 {
      interval = ratio.interval
      let effect = abs(direction == .denoising ? ratio.value : 1 - ratio.value)
      chance =
        ratio.standardError > 0
        ? 2 * StudentT.chance(above: effect / ratio.standardError, degrees: count - 1) : effect > 0 ? 0 : 1
    }
    return PatchingEffect(
      restored: ratio.value, interval: interval, chance: chance, difference: difference,
      probability: readings.reduce(0) { $0 + $1.probability } / count,
      divergence: readings.reduce(0) { $0 + $1.divergence } / count)
  }
}
