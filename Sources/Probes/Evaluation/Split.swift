import Diagnostics
import LinearAlgebra

/// Which examples are learnt from and which are held back.
///
/// A split is by group: examples of one group (a document, a contrast pair, a template) never lie on both sides, since
/// neighbours resemble each other and would leak. Within that, every side gets its share of each class.
public struct Split: Codable, Sendable, Equatable {
  /// Indices of the examples to learn from, ascending.
  public var train: [Int]
  /// Indices of the examples to judge by, ascending.
  public var test: [Int]
}

extension Split {
  /// Divides examples in two.
  ///
  /// - Parameters:
  ///   - labels: each example's class, from 0.
  ///   - groups: each example's group, by any numbering; an example alone has a number of its own.
  ///   - testShare: the share held back, between 0 and 1.
  /// - Throws: `probe.tooFewExamples` where a side would lack a class.
  /// - Complexity: O(n log n + groups · classes).
  public static func trainAndTest(
    labels: [Int32], groups: [Int], testShare: Double = 0.2, seed: UInt64
  ) throws -> Split {
    guard testShare > 0, testShare < 1 else {
      throw Fault(
        .usage, "probe.testShare", "The share of examples to hold back is not between 0 and 1",
        expected: "a number such as 0.2", found: "\(testShare)")
    }
    let sides = assign(labels: labels, groups: groups, shares: [1 - testShare, testShare], seed: seed)
    let split = Split(
      train: labels.indices.filter { sides[$0] == 0 }, test: labels.indices.filter { sides[$0] == 1 })
    try split.requireEveryClass(labels: labels, groups: groups)
    return split
  }

  /// Divides examples into `count` parts and holds back one after another.
  ///
  /// - Throws: `probe.tooFewExamples` where a class has groups for fewer than `count` parts.
  public static func folds(_ count: Int, labels: [Int32], groups: [Int], seed: UInt64) throws -> [Split] {
    guard count >= 2 else {
      throw Fault(
        .usage, "probe.folds", "Cross-validation needs at least two folds", expected: "2 or more", found: "\(count)")
    }
    let parts = assign(
      labels: labels, groups: groups, shares: [Double](repeating: 1 / Double(count), count: count), seed: seed)
    return try (0..<count).map { fold in
      let split = Split(
        train: labels.indices.filter { parts[$0] != fold }, test: labels.indices.filter { parts[$0] == fold })
      try split.requireEveryClass(labels: labels, groups: groups)
      return split
    }
  }

  /// Each example's part.
  ///
  /// Groups in seeded order, those with the most examples first, each go to the part that is furthest from its share of
  /// the classes that the group brings.
  static func assign(labels: [Int32], groups: [Int], shares: [Double], seed: UInt64) -> [Int] {
    precondition(labels.count == groups.count, "\(labels.count) labels, \(groups.count) groups")
    let classes = Int(labels.max() ?? -1) + 1
    let members = GroupBootstrap.members(of: groups)
    let totals = labels.counts(of: classes).map(Double.init)
    var missing = shares.map { share in totals.map { share * $0 } }

    var generator = SeededGenerator(seed: seed)
    var order = generator.permutation(members.count)
    // Large groups first, while there is room to balance them; equal sizes stay in the seeded order.
    let rank = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    order.sort {
      members[$0].count != members[$1].count
        ? members[$0].count > members[$1].count : (rank[$0] ?? 0) < (rank[$1] ?? 0)
    }

    var parts = [Int](repeating: 0, count: labels.count)
    var counts = [Double](repeating: 0, count: classes)
    for group in order {
      for index in members[group] { counts[Int(labels[index])] += 1 }
      var best = 0
      var bestGain = -Double.infinity
      for part in shares.indices {
        var gain = 0.0
        for c in 0..<classes where counts[c] > 0 {
          // How far the part is from its share of the class; rare classes weigh as much as frequent ones.
          gain += counts[c] / totals[c] * missing[part][c] / (shares[part] * totals[c])
        }
        if gain > bestGain + 1e-15 {
          bestGain = gain
          best = part
        }
      }
      for index in members[group] {
        parts[index] = best
        let c = Int(labels[index])
        counts[c] = 0
        missing[best][c] -= 1
      }
    }
    return parts
  }

  private func requireEveryClass(labels: [Int32], groups: [Int]) throws {
    let classes = Int(labels.max() ?? -1) + 1
    for (side, indices) in [("train on", train), ("judge by", test)] {
      if let absent = indices.map({ labels[$0] }).counts(of: classes).firstIndex(of: 0) {
        let total = labels.counts(of: classes)[absent]
        let groupCount = labels.groupCounts(groups, of: classes)[absent]
        throw Fault(
          .badData, "probe.tooFewExamples",
          "A class has no example left to \(side) when whole documents or groups stay on one side",
          place: "class number \(absent)", expected: "examples of every class on both sides",
          found: "\(total) examples in \(groupCount) documents or groups",
          advice: "give more labelled documents of that class, or hold back another share")
      }
    }
  }
}
