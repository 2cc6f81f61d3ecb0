import Architectures

extension PassStep {
  /// A step on the residual stream outside the blocks.
  static func outside(
    _ title: String, _ shape: String, _ formula: String = "", _ flops: Int = 0, width dependsOnWidth: Bool,
    site: String? = nil
  ) -> PassStep {
    PassStep(
      title: title, branch: .stream, way: .all, isInBlock: false, layers: 1, shape: shape, formula: formula,
      flops: Double(flops), dependsOnWidth: dependsOnWidth, site: site)
  }

  /// A step of one layer.
  static func inside(
    _ title: String, _ branch: Branch, way: Way = .all, _ shape: String, _ formula: String = "", _ flops: Double = 0,
    width dependsOnWidth: Bool, site: String? = nil
  ) -> PassStep {
    PassStep(
      title: title, branch: branch, way: way, isInBlock: true, layers: 1, shape: shape, formula: formula, flops: flops,
      dependsOnWidth: dependsOnWidth, site: site)
  }

  /// The matrix products of one layer's components; nil where it has none of those named.
  static func products(
    _ names: Set<String>, of components: [ParameterComponent], titled title: String, _ branch: Branch,
    way: Way = .all, shape: String, site: String?, width: Bool = true
  ) -> PassStep? {
    let used = components.filter { names.contains($0.name) }
    guard !used.isEmpty else { return nil }
    let terms = used.map { component in
      let times = component.activeCopies > 1 ? "\(component.activeCopies)·" : ""
      return times + component.letters.replacing(" × ", with: "·")
    }
    let isRepeated = terms.count > 1 && terms.allSatisfy { $0 == terms[0] }
    let formula =
      if names.contains("W_K"), !isRepeated {
        "2·D·(H + 2·H_kv)·d_head"
      } else if isRepeated {
        "2·\(terms.count)·\(terms[0])"
      } else if terms.count == 1 {
        "2·\(terms[0])"
      } else {
        "2·(\(terms.joined(separator: " + ")))"
      }
    return inside(
      title, branch, way: way, shape, formula, used.reduce(0.0) { $0 + Double($1.flops) }, width: width, site: site)
  }

  /// Steps that are alike but for their cost as one, in the order of their first layers.
  static func merged(_ steps: [(step: PassStep, layers: Int)]) -> [PassStep] {
    var places: [PassStep: Int] = [:]
    var all: [PassStep] = []
    for (step, layers) in steps {
      var key = step
      key.flops = 0
      let place = places[key] ?? all.count
      if place == all.count {
        places[key] = place
        all.append(key)
        all[place].layers = 0
      }
      all[place].layers += layers
      // A sum until all are there.
      all[place].flops += step.flops * Double(layers)
    }
    for place in all.indices { all[place].flops /= Double(all[place].layers) }
    return all
  }
}
