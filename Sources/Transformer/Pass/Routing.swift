import Architectures
import LinearAlgebra

/// The router's choice: which experts a token wakes, and how strongly.
enum Routing {
  /// From logits [rows, experts] to the chosen experts' weights and numbers, [rows, chosen], strongest choice first.
  static func choose(
    _ logits: UnsafePointer<Float>, _ experts: Experts, correction: [Float]?, rows: Int,
    weights: UnsafeMutablePointer<Float>, indices: UnsafeMutablePointer<Float>
  ) {
    let (count, active) = (experts.count, experts.active)
    Threads.forRanges(0..<rows, grain: max(1, 4096 / count)) { some in
      let scores = UnsafeMutablePointer<Float>.allocate(capacity: count)
      let choice = UnsafeMutablePointer<Float>.allocate(capacity: count)
      defer {
        scores.deallocate()
        choice.deallocate()
      }
      for row in some {
        choose(
          logits + row * count, experts, correction, scores: scores, choice: choice, weights: weights + row * active,
          indices: indices + row * active)
      }
    }
  }

  private static func choose(
    _ logits: UnsafePointer<Float>, _ experts: Experts, _ correction: [Float]?, scores: UnsafeMutablePointer<Float>,
    choice: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>, indices: UnsafeMutablePointer<Float>
  ) {
    let (router, count) = (experts.router, experts.count)
    switch router.score {
    case .softmax: Kernels.softmax(logits, into: scores, count: count)
    case .softmaxOfChosen: scores.update(from: logits, count: count)
    case .sigmoid: Kernels.apply(.sigmoid, logits, into: scores, count: count)
    }
    for expert in 0..<count { choice[expert] = scores[expert] + (correction?[expert] ?? 0) }
    if let groups = router.groups { closeGroups(choice, count: count, groups) }
    for place in 0..<experts.active {
      var best = 0
      for expert in 1..<max(count, 1) where choice[expert] > choice[best] { best = expert }
      indices[place] = Float(best)
      weights[place] = scores[best]
      choice[best] = -.infinity
    }
    if router.score == .softmaxOfChosen { Kernels.softmax(weights, into: weights, count: experts.active) }
    var factor = Float(router.scale)
    if router.normalizes {
      factor /= (0..<experts.active).reduce(Float(1e-20)) { $0 + weights[$1] }
    }
    for place in 0..<experts.active { weights[place] *= factor }
  }

  /// Leaves only the experts of the best groups to be chosen.
  private static func closeGroups(_ choice: UnsafeMutablePointer<Float>, count: Int, _ groups: Experts.Router.Groups) {
    let size = count / groups.count
    var totals = (0..<groups.count).map { group in
      (group * size..<(group + 1) * size).map { choice[$0] }.sorted(by: >).prefix(groups.scored).reduce(0, +)
    }
    var open = Set<Int>()
    for _ in 0..<groups.chosen {
      guard let best = totals.indices.max(by: { totals[$0] < totals[$1] }) else { break }
      open.insert(best)
      totals[best] = -.infinity
    }
    // A closed group is chosen from only when nothing else is left.
    for expert in 0..<count where !open.contains(expert / size) { choice[expert] = -.infinity }
  }
}
