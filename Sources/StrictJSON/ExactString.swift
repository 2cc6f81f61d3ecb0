/// A string that equals another only when their UTF-8 bytes are the same.
///
/// Swift's own `==` follows canonical equivalence ("é" equals "e" + U+0301), which would merge tokens and tensor names
/// that files keep apart.
public struct ExactString: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let string: String

  public init(_ string: String) { self.string = string }

  public static func == (a: Self, b: Self) -> Bool {
    a.string.utf8.count == b.string.utf8.count && a.string.utf8.elementsEqual(b.string.utf8)
  }

  public static func < (a: Self, b: Self) -> Bool { a.string.utf8.lexicographicallyPrecedes(b.string.utf8) }

  public func hash(into hasher: inout Hasher) {
    let hashed: Void? = string.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if hashed == nil { for byte in string.utf8 { hasher.combine(byte) } }
    hasher.combine(0xFF as UInt8)
  }

  public var description: String { string }
}

extension ExactString: ExpressibleByStringLiteral {
  public init(stringLiteral value: String) { self.init(value) }
}
