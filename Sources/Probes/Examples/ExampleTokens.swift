import Activations
import LinearAlgebra

/// Which tokens each example of a task is made of.
struct ExampleTokens: Sendable {
  /// For each example, in the task's order, its tokens' ids in order.
  let ids: [[Int32]]

  init(_ examples: Examples, order: [Int], of source: some ActivationSource, specialTokens: Bool) throws {
    var place = [Int32](repeating: -1, count: examples.count)
    for (row, example) in order.enumerated() { place[example] = Int32(row) }
    var ids = [[Int32]](repeating: [], count: order.count)
    let tokens = try source.tokens(in: 0..<source.tokenCount)
    func take(_ token: Int, _ row: Int) {
      guard specialTokens || tokens.special[token] == 0, examples.exampleOfRow[row] >= 0 else { return }
      let target = place[Int(examples.exampleOfRow[row])]
      if target >= 0 { ids[Int(target)].append(tokens.ids[token]) }
    }
    switch source.rowKind {
    case .token: for token in 0..<tokens.count { take(token, token) }
    case .document:
      let documents = try source.documents
      for document in 0..<documents.count {
        for token in documents.tokens(of: document) { take(token, document) }
      }
    }
    self.ids = ids
  }

  /// Whether each of the most common types is there, [examples, types].
  ///
  /// - Parameter most: the number of types kept; at document level those of one example alone are left out.
  func bag(most: Int) -> Matrix {
    var counts: [Int32: Int] = [:]
    for example in ids {
      for id in Set(example) { counts[id, default: 0] += 1 }
    }
    let least = ids.contains { $0.count > 1 } ? 2 : 1
    let kept = counts.filter { $0.value >= least }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(most)
    var columns: [Int32: Int] = [:]
    for (column, entry) in kept.enumerated() { columns[entry.key] = column }
    var bag = Matrix(zeros: ids.count, columns: max(columns.count, 1))
    let width = bag.columns
    bag.withUnsafeMutableElements { elements in
      for (row, example) in ids.enumerated() {
        for id in example {
          if let column = columns[id] { elements[row * width + column] = 1 }
        }
      }
    }
    return bag
  }

  /// One row an example, pooled from a row a token type.
  ///
  /// - Parameter vectors: gives the rows of some ids, in their order.
  func pooled(_ pooling: Pooling, vectors: ([Int32]) throws -> Matrix) throws -> Matrix {
    var numbers: [Int32: Int] = [:]
    var types: [Int32] = []
    for id in ids.joined() where numbers[id] == nil {
      numbers[id] = types.count
      types.append(id)
    }
    let rows = try vectors(types)
    var result = Matrix(zeros: ids.count, columns: rows.columns)
    let width = rows.columns
    result.withUnsafeMutableElements { target in
      rows.elements.withUnsafeBufferPointer { rows in
        for (example, own) in ids.enumerated() {
          for (place, id) in own.enumerated() {
            pooling.add(numbers[id] ?? 0, of: rows, to: example, of: target, width: width, isFirst: place == 0)
          }
        }
        pooling.finish(target, counts: ids.map(\.count))
      }
    }
    return result
  }

  /// Labels that only word types decide, in classes as frequent as the true ones (Hewitt & Liang, arXiv 1909.03368).
  ///
  /// At token level each type has a random class. A document has many: its types draw a random number each, and the
  /// sums, over the root of their count, are cut into classes by rank.
  ///
  /// - Parameter frequencies: the number of true labels of each class.
  func controlLabels(frequencies: [Int], generator: inout SeededGenerator) -> [Int32] {
    var drawn: [Int32: Double] = [:]
    // In order of first appearance, so that the same examples give the same labels.
    let isSingle = !ids.contains { $0.count > 1 }
    for id in ids.joined() where drawn[id] == nil { drawn[id] = isSingle ? generator.uniform() : generator.normal() }
    let total = Double(frequencies.reduce(0, +))
    if isSingle {
      var bounds: [Double] = []
      var sum = 0.0
      for count in frequencies {
        sum += Double(count) / total
        bounds.append(sum)
      }
      return ids.map { own in
        let value = own.first.flatMap { drawn[$0] } ?? 0
        return Int32(min(bounds.firstIndex { value < $0 } ?? bounds.count - 1, bounds.count - 1))
      }
    }
    let sums = self.sums(drawn)
    let order = sums.indices.sorted { (sums[$0], $0) < (sums[$1], $1) }
    var labels = [Int32](repeating: 0, count: ids.count)
    var next = 0
    for (label, count) in frequencies.enumerated() {
      for place in order[next..<min(next + count, order.count)] { labels[place] = Int32(label) }
      next += count
    }
    return labels
  }

  /// The same for numbers: a random number for each type, summed over an example's.
  func controlNumbers(generator: inout SeededGenerator) -> [Double] {
    var drawn: [Int32: Double] = [:]
    for id in ids.joined() where drawn[id] == nil { drawn[id] = generator.normal() }
    return sums(drawn)
  }

  private func sums(_ drawn: [Int32: Double]) -> [Double] {
    ids.map { own in
      let types = Set(own).sorted()
      return types.reduce(0) { $0 + (drawn[$1] ?? 0) } / Double(max(types.count, 1)).squareRoot()
    }
  }
}
