import Architectures

/// The hooks of one run, by site; knows when the last wanted site has been passed.
struct RunHooks {
  private var bodies: [[Hook]?]
  /// Those inside experts, and which layers have any.
  private var inExperts: [Site: [Hook]] = [:]
  private var layersWithExperts: Set<Int> = []
  private(set) var remaining: Int
  /// Whether the run goes on although no site is left.
  private let runsToEnd: Bool

  init(_ hooks: [Hook], architecture: Architecture, runsToEnd: Bool) {
    bodies = Array(repeating: nil, count: (architecture.layers + 1) * Site.Kind.allCases.count)
    remaining = 0
    self.runsToEnd = runsToEnd
    for hook in hooks {
      if let layer = hook.site.layer, hook.site.expert != nil {
        if inExperts[hook.site] == nil { remaining += 1 }
        inExperts[hook.site, default: []].append(hook)
        layersWithExperts.insert(layer)
        continue
      }
      let index = Self.index(hook.site.kind, hook.site.layer)
      if bodies[index] == nil { remaining += 1 }
      bodies[index, default: []].append(hook)
    }
  }

  private static func index(_ kind: Site.Kind, _ layer: Int?) -> Int {
    ((layer ?? -1) + 1) * Site.Kind.allCases.count + kind.rawValue
  }

  func wants(_ kind: Site.Kind, _ layer: Int?) -> Bool { bodies[Self.index(kind, layer)] != nil }

  /// Whether anything inside this layer's experts is wanted.
  func wantsExperts(_ layer: Int) -> Bool { layersWithExperts.contains(layer) }

  func wants(_ site: Site) -> Bool { inExperts[site] != nil }

  /// Lends a value to the hooks of its site.
  /// - Parameter last: Whether the site's value is complete with this call.
  /// - Throws: What a hook throws; `PassComplete` where nothing further is wanted.
  mutating func observe(_ value: inout HookedValue, last: Bool = true) throws {
    let site = value.site
    guard let hooks = site.expert == nil ? bodies[Self.index(site.kind, site.layer)] : inExperts[site] else { return }
    for hook in hooks { try hook.body(&value) }
    guard last else { return }
    remaining -= 1
    if remaining == 0 && !runsToEnd { throw PassComplete() }
  }
}

extension Array {
  fileprivate subscript<Wrapped>(index: Int, default value: Wrapped) -> Wrapped where Element == Wrapped? {
    get { self[index] ?? value }
    set { self[index] = newValue }
  }
}

/// Nothing further is wanted of the run.
struct PassComplete: Error {}
