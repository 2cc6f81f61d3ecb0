import Architectures

/// Layers that are alike: counting looks at each kind once, however many layers have it.
struct BlockKind {
  /// Without what changes no count.
  let block: Block
  /// Ascending.
  var layers: [Int]

  var count: Int { layers.count }
}

extension Architecture {
  /// The blocks that differ in what counts follow from, in the order of their first layers. O(layers).
  var blockKinds: [BlockKind] {
    var places: [Block: Int] = [:]
    var kinds: [BlockKind] = []
    var last: (block: Block, kind: Int)?
    for (layer, block) in blocks.enumerated() {
      let block = block.counted
      // Neighbours are mostly alike, and comparing is quicker than hashing.
      let kind = last.flatMap { $0.block == block ? $0.kind : nil } ?? places[block] ?? kinds.count
      if kind == kinds.count {
        kinds.append(BlockKind(block: block, layers: []))
        places[block] = kind
      }
      kinds[kind].layers.append(layer)
      last = (block, kind)
    }
    return kinds
  }

  /// What `value` is in the layers: each different one once, with the number of layers that have it.
  func counted<T: Hashable>(_ value: (Block) -> T?) -> [(value: T, layers: Int)] {
    var places: [T: Int] = [:]
    var all: [(value: T, layers: Int)] = []
    for kind in blockKinds {
      guard let value = value(kind.block) else { continue }
      let place = places[value] ?? all.count
      if place == all.count {
        all.append((value, 0))
        places[value] = place
      }
      all[place].layers += kind.count
    }
    return all
  }
}

extension Block {
  /// This block with the same in the place of all that changes values but no count, and may differ by layer.
  fileprivate var counted: Block {
    var copy = self
    copy.attention.scale = 1
    copy.attention.rotary?.base = 1
    copy.attention.rotary?.scaling = .none
    return copy
  }
}
