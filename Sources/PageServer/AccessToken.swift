/// A secret that only who may look knows.
struct AccessToken: Sendable {
  /// 64 hexadecimal digits: 256 bits.
  let text: String

  /// A new one, from the system's generator.
  init() {
    var generator = SystemRandomNumberGenerator()
    text = (0..<4).map { _ in
      let digits = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Whether this is the secret, in a time that does not tell how much of it is right.
  func matches(_ other: String) -> Bool {
    let (own, given) = (Array(text.utf8), Array(other.utf8.prefix(256)))
    var difference = own.count ^ given.count
    for place in own.indices { difference |= Int(own[place] ^ (place < given.count ? given[place] : 0)) }
    return difference == 0
  }
}
