import LinearAlgebra

/// What is counted of the routing, group by group, so that memory does not grow with the corpus.
///
/// Tokens of one group (a document, or those that the corpus groups) speak alike, so groups are what is independent. Of
/// each group g the tokens t_gc of each class and, of each expert, the tokens A_g that wake it are needed; only their
/// sums and sums of products are kept, which are whole numbers and exact.
struct RoutingCounts {
  /// One layer's.
  struct Layer {
    let experts: Int
    /// Wakings of each expert by all tokens.
    var all: [Int]
    /// [experts, classes]: wakings by the tokens of each class.
    var awake: [Int]
    /// [experts]: Σ_g A_g².
    var squares: [Double]
    /// [experts, classes]: Σ_g A_g · t_gc.
    var products: [Double]
    var entropy = 0.0

    init(experts: Int, classes: Int) {
      self.experts = experts
      all = [Int](repeating: 0, count: experts)
      awake = [Int](repeating: 0, count: experts * classes)
      squares = [Double](repeating: 0, count: experts)
      products = [Double](repeating: 0, count: experts * classes)
    }
  }

  /// A group that is not at its end.
  private struct Group {
    var tokens: [Int]
    /// For each layer [experts].
    var awake: [[Int32]]
  }

  let classes: Int
  var layers: [Layer]
  /// Tokens of each class; and all that were counted.
  private(set) var tokens: [Int]
  private(set) var allTokens = 0
  private(set) var groups = 0
  /// [classes, classes]: Σ_g t_gc · t_gd.
  private(set) var tokenProducts: [Double]
  private var open: [Int: Group] = [:]

  init(experts: [Int], classes: Int) {
    self.classes = classes
    layers = experts.map { Layer(experts: $0, classes: classes) }
    tokens = [Int](repeating: 0, count: classes)
    tokenProducts = [Double](repeating: 0, count: classes * classes)
  }

  /// Counts a token: its class, or nil where it has none, and the experts that it wakes in each layer.
  mutating func add(group: Int, label: Int?, awake: [[Int]]) {
    allTokens += 1
    for (layer, chosen) in awake.enumerated() {
      for expert in chosen { layers[layer].all[expert] += 1 }
    }
    guard let label else { return }
    tokens[label] += 1
    if open[group] == nil {
      open[group] = Group(
        tokens: [Int](repeating: 0, count: classes),
        awake: layers.map { [Int32](repeating: 0, count: $0.experts) })
    }
    open[group]?.tokens[label] += 1
    for (layer, chosen) in awake.enumerated() {
      for expert in chosen {
        layers[layer].awake[expert * classes + label] += 1
        open[group]?.awake[layer][expert] += 1
      }
    }
  }

  /// Says that no further token of a group will come.
  mutating func close(group: Int) {
    guard let own = open.removeValue(forKey: group) else { return }
    groups += 1
    let present = (0..<classes).filter { own.tokens[$0] > 0 }
    for c in present {
      for d in present { tokenProducts[c * classes + d] += Double(own.tokens[c] * own.tokens[d]) }
    }
    for layer in layers.indices {
      for expert in 0..<layers[layer].experts where own.awake[layer][expert] > 0 {
        let awake = Double(own.awake[layer][expert])
        layers[layer].squares[expert] += awake * awake
        for c in present { layers[layer].products[expert * classes + c] += awake * Double(own.tokens[c]) }
      }
    }
  }

  mutating func closeAll() {
    for group in open.keys.sorted() { close(group: group) }
  }
}

extension RoutingCounts {
  /// Tokens of a class (and of the opposite) that must be expected to wake an expert for an interval.
  static let least = 5.0

  /// Sums over groups that all experts share.
  struct Shared {
    /// Tokens of all classes, and Σ_g t_g².
    let total: Double
    let squares: Double
    /// For each class Σ_g t_gc · t_g.
    let withAll: [Double]
    let present: [Int]
    /// Student's t for the confidence; nil where there are too few groups for any interval.
    let critical: Double?

    init(_ counts: RoutingCounts, confidence: Double) {
      let classes = counts.classes
      total = Double(counts.tokens.reduce(0, +))
      withAll = (0..<classes).map { c in (0..<classes).reduce(0) { $0 + counts.tokenProducts[c * classes + $1] } }
      squares = withAll.reduce(0, +)
      present = (0..<classes).filter { counts.tokens[$0] > 0 }
      // Groups of unequal length say as much as fewer equal ones.
      let effective = squares > 0 ? total * total / squares : 0
      let degrees = effective - Double(present.count)
      critical =
        degrees >= 1 && counts.groups > present.count && present.count > 1
        ? StudentT.critical(tail: 1 - confidence, degrees: degrees) : nil
    }
  }

  /// How often each class's tokens wake an expert, with intervals.
  ///
  /// The share p of a class is compared with the base rate r, the share of all tokens. Tokens of one group are alike: the
  /// variance of a group's A_g is t_g·r(1 − r)·(1 + (t_g − 1)ρ), ρ the intraclass correlation, estimated by moments from
  /// all groups' deviations from their classes' shares. So the variance of p − r, at a base rate r, is κ·r(1 − r) with
  /// κ = (1 − w)²·(1/T_c + 1/T_o + ρ·Σ_g[(t_gc/T_c − t_go/T_o)² − t_gc/T_c² − … ]), w the class's part of the tokens and
  /// o all others. The interval is Wilson's with that κ: all ρ' with (p − ρ')² ≤ t²·κ·ρ'(1 − ρ').
  func concepts(ofExpert expert: Int, layer: Int, names: [String], shared: Shared) -> [ExpertProfile.Concept] {
    let own = layers[layer]
    let awake = (0..<classes).map { own.awake[expert * classes + $0] }
    let rates = (0..<classes).map { tokens[$0] > 0 ? Double(awake[$0]) / Double(tokens[$0]) : 0 }
    let base = Double(awake.reduce(0, +)) / max(shared.total, 1)
    guard base > 0 else { return [] }
    let correlation = correlation(own, expert, rates, shared)
    return names.indices.filter { tokens[$0] > 0 }.map { c in
      let interval = interval(c, rate: rates[c], base: base, correlation: correlation, shared)
      return ExpertProfile.Concept(
        label: names[c], tokens: tokens[c], awake: awake[c], share: rates[c], low: interval?.low, high: interval?.high,
        lift: rates[c] / base, liftLow: interval.map { $0.low / base }, liftHigh: interval.map { $0.high / base })
    }
    .sorted {
      let (a, b) = ($0.liftLow ?? -1, $1.liftLow ?? -1)
      return a != b ? a > b : $0.lift != $1.lift ? $0.lift > $1.lift : $0.label < $1.label
    }
  }

  /// The intraclass correlation of waking the expert within a group, 0 to 1.
  private func correlation(_ layer: Layer, _ expert: Int, _ rates: [Double], _ shared: Shared) -> Double {
    var residual = layer.squares[expert]
    var within = 0.0
    for c in shared.present {
      residual -= 2 * rates[c] * layer.products[expert * classes + c]
      for d in shared.present { residual += rates[c] * rates[d] * tokenProducts[c * classes + d] }
      within += rates[c] * (1 - rates[c]) * Double(tokens[c])
    }
    let pairs = shared.squares - shared.total
    let degrees = Double(groups - shared.present.count)
    guard within > 0, pairs > 0, degrees > 0 else { return 0 }
    residual *= Double(groups) / degrees
    return min(1, max(0, (residual * shared.total / within - shared.total) / pairs))
  }

  private func interval(
    _ c: Int, rate: Double, base: Double, correlation: Double, _ shared: Shared
  ) -> (low: Double, high: Double)? {
    let inside = Double(tokens[c])
    let outside = shared.total - inside
    guard let critical = shared.critical, outside > 0, inside * base >= Self.least,
      inside * (1 - base) >= Self.least
    else { return nil }
    let own = tokenProducts[c * classes + c]
    let across = shared.withAll[c] - own
    let others = shared.squares - 2 * shared.withAll[c] + own
    let spread =
      (own - inside) / (inside * inside) + (others - outside) / (outside * outside)
      - 2 * across / (inside * outside)
    let part = outside / shared.total
    let kappa = part * part * max(0, 1 / inside + 1 / outside + correlation * spread)
    let q = critical * critical * kappa
    let root = (q * q + 4 * q * rate * (1 - rate)).squareRoot()
    return (max(0, (2 * rate + q - root) / (2 * (1 + q))), min(1, (2 * rate + q + root) / (2 * (1 + q))))
  }
}
