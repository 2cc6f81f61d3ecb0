import Architectures
import Diagnostics
import LinearAlgebra

extension ForwardPass {
  /// A mixture of experts: each expert's product runs over all tokens routed to it, never over padding.
  mutating func experts(
    _ input: UnsafePointer<Float>, _ shape: Experts, _ weights: ExpertsWeights, _ layer: Int,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let logits = scratch.branch  // [n, experts]
    let scales = logits + n * shape.count  // [n, chosen]
    let indices = scales + n * shape.active  // [n, chosen]
    let free = indices + n * shape.active
    try weights.router(input, rows: n, into: logits)
    try observe(.routerLogits, logits, layer)
    Routing.choose(logits, shape, correction: weights.correction, rows: n, weights: scales, indices: indices)
    try observe(.expertWeights, scales, layer)
    try observe(.expertIndices, indices, layer)

    let routes = try routes(indices, scales, shape, layer)
    output.update(repeating: 0, count: n * width)
    for (expert, route) in routes.enumerated() {
      guard !route.isEmpty || hooks.wantsExperts(layer) else { continue }
      try self.expert(expert, route, input, shape.expert, weights.experts[expert], layer, free, into: output)
    }
    if let shared = shape.shared, let own = weights.shared {
      try sharedExperts(input, shared, own, gate: weights.sharedRouter, layer, free, into: output)
    }
  }

  /// For each expert the tokens that are routed there, ascending, and by how much each counts.
  private func routes(
    _ indices: UnsafePointer<Float>, _ scales: UnsafePointer<Float>, _ shape: Experts, _ layer: Int
  ) throws -> [[(token: Int, weight: Float)]] {
    var routes = [[(token: Int, weight: Float)]](repeating: [], count: shape.count)
    for token in 0..<n {
      for place in token * shape.active..<(token + 1) * shape.active {
        // An edit may have written anything.
        guard let expert = Int(exactly: indices[place].rounded()), routes.indices.contains(expert) else {
          throw Fault(
            .usage, "transformer.noSuchExpert", "A hook chose an expert that the layer does not have",
            place: "blocks.\(layer).mlp.hook_expert_indices, token \(token)",
            expected: "a number from 0 to \(shape.count - 1)", found: "\(indices[place])")
        }
        routes[expert].append((token, scales[place]))
      }
    }
    return routes
  }

  private mutating func expert(
    _ expert: Int, _ route: [(token: Int, weight: Float)], _ input: UnsafePointer<Float>, _ shape: MLP,
    _ weights: MLPWeights, _ layer: Int, _ free: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) throws {
    let rows = route.count
    let gathered = UnsafeMutablePointer<Float>.allocate(capacity: max(2 * rows * width, 1))  // [rows, d_model], twice
    defer { gathered.deallocate() }
    let result = gathered + rows * width
    let neurons = free  // [rows, d_expert]
    for (row, part) in route.enumerated() {
      (gathered + row * width).update(from: input + part.token * width, count: width)
    }
    try self.neurons(
      gathered, shape, weights, rows: rows, layer, .expert, routed: (expert, route.map(\.token)), into: neurons)
    try weights.output(neurons, rows: rows, into: result)
    for (row, part) in route.enumerated() {
      Kernels.axpy(part.weight, result + row * width, into: output + part.token * width, count: width)
    }
  }

  /// The MLP that every token passes beside its experts.
  private mutating func sharedExperts(
    _ input: UnsafePointer<Float>, _ shape: MLP, _ weights: MLPWeights, gate: Linear?, _ layer: Int,
    _ free: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) throws {
    let neurons = free  // [n, d_shared]
    try self.neurons(input, shape, weights, rows: n, layer, .shared, into: neurons)
    let result = UnsafeMutablePointer<Float>.allocate(capacity: max(n * width, 1))  // [n, d_model]
    defer { result.deallocate() }
    try weights.output(neurons, rows: n, into: result)
    guard let gate else { return add(result, to: output) }
    let open = neurons  // [n, 1]
    try gate(input, rows: n, into: open)
    Kernels.apply(.sigmoid, open, into: open, count: n)
    for token in 0..<n {
      Kernels.axpy(open[token], result + token * width, into: output + token * width, count: width)
    }
  }
}
