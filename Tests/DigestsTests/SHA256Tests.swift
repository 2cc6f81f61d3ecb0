import CKernels
import Digests
import Testing

@Suite struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func vectorsOfTheStandard(text: String, digest: String) {
    #expect(SHA256.hexadecimal(of: text.utf8) == digest)
  }

  @Test func aMillionLetters() {
    var hash = SHA256()
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
    for _ in 0..<1000 { hash.update(piece) }
    #expect(hash.hexadecimal() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func piecesOfAnyLengthGiveTheSameDigest() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let whole = SHA256.hexadecimal(of: bytes)
    for step in [1, 3, 63, 64, 65, 127, 128, 500] {
      var hash = SHA256()
      for start in stride(from: 0, to: bytes.count, by: step) { hash.update(bytes[start..<min(start + step, 1000)]) }
      #expect(hash.hexadecimal() == whole, "pieces of \(step)")
    }
  }

  @Test func theProcessorsInstructionsAgreeWithPlainArithmetic() {
    let bytes = (0..<6400).map { UInt8(truncatingIfNeeded: ($0 &* $0) >> 3) }
    for blocks in [1, 2, 7, 100] {
      var quick: [UInt32] = [1, 2, 3, 4, 5, 6, 7, 8]
      var plain = quick
      unfold_sha256(&quick, bytes, blocks)
      unfold_sha256_portable(&plain, bytes, blocks)
      #expect(quick == plain)
    }
  }
}
