import CKernels
import Digests
import Testing

@Suite struct CRC32CTests {
  // RFC 3720, appendix B.4, and the customary "123456789".
  @Test(arguments: [
    (Array("123456789".utf8), "e3069283"),
    ([UInt8](repeating: 0, count: 32), "8a9136aa"),
    ([UInt8](repeating: 0xFF, count: 32), "62a8ab43"),
    (Array(UInt8(0)...31), "46dd794e"),
    (Array((UInt8(0)...31).reversed()), "113fdb5c"),
    ([], "00000000"),
  ])
  func vectorsOfTheStandard(bytes: [UInt8], checksum: String) {
    var crc = CRC32C()
    crc.update(bytes)
    #expect(crc.hexadecimal() == checksum)
  }

  @Test func lanesPiecesAndTablesAgree() {
    let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: ($0 &* $0) >> 5) }
    for count in [0, 1, 7, 8, 9, 4096, 12_287, 12_288, 12_289, 24_576, 50_000] {
      let plain = unfold_crc32c_portable(0, bytes, count)
      #expect(unfold_crc32c(0, bytes, count) == plain, "\(count) bytes")
      var pieces = CRC32C()
      for start in stride(from: 0, to: count, by: 777) { pieces.update(bytes[start..<min(start + 777, count)]) }
      #expect(pieces.value == plain, "\(count) bytes in pieces")
    }
  }
}
