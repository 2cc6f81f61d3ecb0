import LinearAlgebra

/// What may change places where labels are shuffled so as to keep what groups share: whole groups where all of a group's
/// examples have one label, examples within the group where they differ.
package struct ExchangeableBlocks {
  /// Groups of one label each, as lists of examples: labels move between them as wholes.
  private var constant: [[Int]] = []
  /// Groups of several labels: labels move within.
  private var mixed: [[Int]] = []

  init(_ targets: Procedure.Targets, groups: [Int]) {
    self.init(labels: targets.labels, numbers: targets.numbers, groups: groups)
  }

  /// - Parameter numbers: in the place of labels, where they are what is predicted; else empty.
  package init(labels: [Int32], numbers: [Double], groups: [Int]) {
    for own in GroupBootstrap.members(of: groups) {
      let isConstant =
        numbers.isEmpty
        ? own.allSatisfy { labels[$0] == labels[own[0]] } : own.allSatisfy { numbers[$0] == numbers[own[0]] }
      if isConstant { constant.append(own) } else { mixed.append(own) }
    }
  }

  /// For each example the one whose label it takes.
  package func shuffled(count: Int, generator: inout SeededGenerator) -> [Int] {
    var order = Array(0..<count)
    let moved = generator.permutation(constant.count)
    for (place, group) in constant.enumerated() {
      let source = constant[moved[place]]
      for example in group { order[example] = source[0] }
    }
    for group in mixed {
      let moved = generator.permutation(group.count)
      for (place, example) in group.enumerated() { order[example] = group[moved[place]] }
    }
    return order
  }
}
