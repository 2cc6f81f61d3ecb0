import Activations
import CZlib
import Dictionaries
import Foundation
import LinearAlgebra
import TestSupport

extension Planted {
  /// Latent i is column i less 0.5; latent 6 is never active.
  static func dictionary(digest: String = "0123456789abcdef") -> SparseAutoencoder {
    SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: width, latents: width + 1, hookIn: site,
        origin: Origin(model: "test", modelDigest: digest, version: "test")),
      encoder: axes, encoderBias: [Float](repeating: -0.5, count: width + 1), decoder: axes,
      decoderBias: [Float](repeating: 0.5, count: width))
  }

  /// What the dictionary says at every row; special tokens, which no export reads, as zeros.
  static func latents(_ source: MemorySource) -> Matrix {
    var dense = dictionary().encode(source.values[site] ?? Matrix(zeros: 0, columns: width)).dense
    for row in 0..<dense.rows where source.tokenTable.special[row] != 0 {
      for column in 0..<dense.columns { dense[row, column] = 0 }
    }
    return dense
  }

  static func rows(_ source: MemorySource) -> [Int] {
    source.tokenTable.special.indices.filter { source.tokenTable.special[$0] == 0 }
  }
}

/// The bytes of a gzip file.
func gunzip(_ url: URL) throws -> Data {
  let input = Array(try Data(contentsOf: url))
  var stream = z_stream()
  guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    throw CocoaError(.fileReadUnknown)
  }
  defer { inflateEnd(&stream) }
  var output = [UInt8](repeating: 0, count: 1 << 24)
  let made = input.withUnsafeBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output -> Int in
      stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      return inflate(&stream, Z_FINISH) == Z_STREAM_END ? output.count - Int(stream.avail_out) : -1
    }
  }
  guard made >= 0 else { throw CocoaError(.fileReadCorruptFile) }
  return Data(output[..<made])
}

/// The objects of a file of JSON lines.
func jsonLines(_ data: Data) throws -> [[String: Any]] {
  try data.split(separator: 0x0A).compactMap { try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any] }
}

func floats(_ value: Any?) -> [Float] { (value as? [NSNumber])?.map(\.floatValue) ?? [] }
