import Activations
import Diagnostics
import LinearAlgebra

extension Examples {
  /// Reads the activations of the examples at some sites, in one pass over the source.
  ///
  /// - Parameters:
  ///   - order: the examples wanted, in the order of the rows returned.
  ///   - pooling: how an example of several rows becomes one; nil where every example is one row.
  /// - Returns: for each site [order.count, width].
  /// - Throws: `probe.notFinite` where an activation is NaN or infinite.
  package func activations(
    of sites: [StoredSite], in source: some ActivationSource, order: [Int], pooling: Pooling?
  ) throws -> [Matrix] {
    try rows(of: sites, in: source, order: order, pooling: pooling, memory: .max).map { $0.matrix() }
  }

  /// The same, in scratch files the sites that would take more than so many bytes of memory together.
  func rows(
    of sites: [StoredSite], in source: some ActivationSource, order: [Int], pooling: Pooling?, memory: Int
  ) throws -> [ExampleMatrix] {
    var place = [Int32](repeating: -1, count: count)
    for (row, example) in order.enumerated() { place[example] = Int32(row) }
    var left = memory
    var results = try sites.map { site -> ExampleMatrix in
      let matrix = try ExampleMatrix(zeros: order.count, columns: site.width, most: left)
      if matrix.isInMemory { left -= order.count * site.width * MemoryLayout<Float>.size }
      return matrix
    }
    // Blocks of about 32 MiB over all sites.
    let width = max(sites.reduce(0) { $0 + $1.width }, 1)
    let blockRows = min(max((8 << 20) / width, 64), 8192)
    try source.stream(sites.map(\.name), maximumRows: blockRows) { block in
      for row in block.rows where exampleOfRow[row] >= 0 {
        if place[Int(exampleOfRow[row])] >= 0 {
          gather(block, place: place, pooling: pooling, into: &results)
          break
        }
      }
    }
    let counts = order.map { Int(rowCounts[$0]) }
    for site in results.indices {
      results[site].withUnsafeMutableElements { pooling?.finish($0, counts: counts) }
    }
    for (site, matrix) in zip(sites, results) {
      try requireFinite(matrix, site: site.name, order: order, source: source)
    }
    return results
  }

  /// Adds a block's rows to the examples they belong to; the sites share the threads.
  private func gather(_ block: ActivationBlock, place: [Int32], pooling: Pooling?, into results: inout [ExampleMatrix])
  {
    var targets: [UnsafeMutableBufferPointer<Float>] = []
    targets.reserveCapacity(results.count)
    withTargets(&results, from: 0, collected: &targets) { targets in
      Threads.forEach(targets.count) { site in
        let target = targets[site]
        let width = block.values[site].columns
        block.values[site].elements.withUnsafeBufferPointer { values in
          for (offset, row) in block.rows.enumerated() {
            let example = exampleOfRow[row]
            guard example >= 0, place[Int(example)] >= 0 else { continue }
            let own = rowCounts[Int(example)] == 1 ? .last : pooling ?? .last
            guard own != .last || lastRow[Int(example)] == row else { continue }
            own.add(
              offset, of: values, to: Int(place[Int(example)]), of: target, width: width,
              isFirst: own == .max && isFirst(row, of: example))
          }
        }
      }
    }
  }

  /// Whether no earlier row belongs to the example. Its rows follow each other, special tokens between pieces aside.
  private func isFirst(_ row: Int, of example: Int32) -> Bool {
    var earlier = row - 1
    // An example's rows are apart by at most the special tokens around a piece.
    while earlier >= 0, earlier > row - 16 {
      if exampleOfRow[earlier] == example { return false }
      if exampleOfRow[earlier] >= 0 { return true }
      earlier -= 1
    }
    return true
  }

  /// Lends the elements of all matrices at once.
  private func withTargets(
    _ results: inout [ExampleMatrix], from index: Int, collected: inout [UnsafeMutableBufferPointer<Float>],
    _ body: ([UnsafeMutableBufferPointer<Float>]) -> Void
  ) {
    guard index < results.count else { return body(collected) }
    var matrix = ExampleMatrix(Matrix(zeros: 0, columns: 0))
    swap(&matrix, &results[index])
    matrix.withUnsafeMutableElements { elements in
      collected.append(elements)
      withTargets(&results, from: index + 1, collected: &collected, body)
    }
    swap(&matrix, &results[index])
  }

  private func requireFinite(
    _ matrix: ExampleMatrix, site: String, order: [Int], source: some ActivationSource
  ) throws {
    let (bad, first) = matrix.withUnsafeElements { elements in
      let bad = elements.baseAddress.map { Kernels.countNonfinite($0, count: elements.count) } ?? 0
      return (bad, bad > 0 ? elements.firstIndex { !$0.isFinite } : nil)
    }
    guard let index = first else { return }
    let row = lastRow[order[index / matrix.columns]]
    let document = try source.rowKind == .token ? Int(source.tokens(in: row..<row + 1).documents.first ?? 0) : row
    let ids = try source.documents.ids
    throw Fault(
      .badData, "probe.notFinite", "An activation to learn from is NaN or infinite",
      place: "\(site), column \(index % matrix.columns), document "
        + (ids.indices.contains(document) ? ids[document] : "number \(document)"), expected: "finite numbers",
      found: "\(bad) values that are not",
      advice: "see where they come from with `unfold store verify`, or leave that site out")
  }
}
