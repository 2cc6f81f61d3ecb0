/// Unicode's normalization forms (UAX #15), with the alignment that Hugging Face's tokenizers give each character.
struct UnicodeNormalization: Sendable {
  var isCompatible: Bool
  var composes: Bool

  static let canonicalDecomposition = UnicodeNormalization(isCompatible: false, composes: false)
  static let canonicalComposition = UnicodeNormalization(isCompatible: false, composes: true)
  static let compatibleDecomposition = UnicodeNormalization(isCompatible: true, composes: false)
  static let compatibleComposition = UnicodeNormalization(isCompatible: true, composes: true)

  /// A scalar, and how many scalars of the old text it stands for: 0: one; −n: one and the n after it; 1: none, it was
  /// inserted.
  private typealias Change = (scalar: UInt32, change: Int, combiningClass: UInt8)

  /// Normalizes the text; one that is normal already is left as it is.
  ///
  /// Only the stretches that may change are worked on: from the last scalar that nothing before can alter to the next
  /// such scalar.
  func apply(to text: inout AlignedText) {
    // Below U+00A0 nothing ever changes, in composed forms below U+0300 nothing canonical does.
    let isPlain = text.withBytes { bytes in
      bytes.allSatisfy { $0 < (composes && !isCompatible ? 0xCC : 0xC2) }
    }
    if isPlain { return }
    let table = isCompatible ? NormalizationTable.compatible : NormalizationTable.canonical
    let firstActive = text.withBytes { bytes in
      bytes.baseAddress.flatMap { table.firstActive($0, from: 0, end: bytes.count, composes: composes) }
    }
    guard let firstActive else { return }
    text.rewrite { writer in
      guard let base = writer.old.baseAddress else { return }
      let end = writer.old.count
      var active = firstActive
      var pending: [Change] = []
      while true {
        // Back to the scalar that the active one may join with, which is itself inert.
        var start = active
        if start > writer.position { start = UTF8Reading.previous(base, start) }
        writer.copy(to: start)
        var position = start
        pending.removeAll(keepingCapacity: true)
        repeat {
          let (scalar, next) = UTF8Reading.scalar(base, position)
          table.decompose(scalar) { pending.append(($0, $1 ? 0 : 1, table.combiningClass(of: $0))) }
          position = next
        } while position < end
          && (position <= active || table.isActive(UTF8Reading.scalar(base, position).value, composes))
        Self.sort(&pending)
        if composes { pending = Self.compose(pending, table) }
        for item in pending { writer.write(item.scalar, change: item.change) }
        writer.position = position
        guard let next = table.firstActive(base, from: position, end: end, composes: composes) else { break }
        active = next
      }
      writer.copy(to: end)
    }
  }

  /// Puts each run of combining characters in the order of their classes, equal classes in the order of the text.
  private static func sort(_ items: inout [Change]) {
    for i in items.indices where items[i].combiningClass != 0 {
      let item = items[i]
      var j = i
      while j > 0, items[j - 1].combiningClass > item.combiningClass {
        items[j] = items[j - 1]
        j -= 1
      }
      items[j] = item
    }
  }

  /// Joins each starter with the unblocked characters after it that it has a composite with.
  private static func compose(_ items: [Change], _ table: NormalizationTable) -> [Change] {
    var result: [Change] = []
    var starter: Int?
    var lastClass: UInt8?
    for item in items {
      guard let s = starter else {
        if item.combiningClass == 0 { starter = result.count }
        result.append(item)
        continue
      }
      let isBlocked = lastClass.map { $0 >= item.combiningClass } ?? false
      if !isBlocked, let composite = table.composite(result[s].scalar, item.scalar) {
        result[s].scalar = composite
        result[s].change += item.change - 1
        continue
      }
      if item.combiningClass == 0 {
        starter = result.count
        lastClass = nil
      } else {
        lastClass = item.combiningClass
      }
      result.append(item)
    }
    return result
  }
}
