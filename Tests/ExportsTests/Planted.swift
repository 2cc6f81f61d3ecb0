import Activations
import CZlib
import Dictionaries
import Foundation
import LinearAlgebra
import TestSupport

/// A source whose columns are features with known meanings, and a dictionary that reads each off as a latent.
enum Planted {
  static let width = 6
  static let site = "blocks.0.hook_resid_post"
  static let neurons = "blocks.0.mlp.hook_post"

  /// Latent i is column i less 0.5; latent 6 is never active.
  static func dictionary(digest: String = "0123456789abcdef") -> SparseAutoencoder {
    var weights = Matrix(zeros: width + 1, columns: width)
    for column in 0..<width { weights[column, column] = 1 }
    return SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: width, latents: width + 1, hookIn: site,
        origin: Origin(model: "test", modelDigest: digest, version: "test")),
      encoder: weights, encoderBias: [Float](repeating: -0.5, count: width + 1), decoder: weights,
      decoderBias: [Float](repeating: 0.5, count: width))
  }

  /// 48 documents of five tokens in three classes, no two with one text.
  static func source() -> MemorySource {
    let labels: [Label] = (0..<48).map { .text(["french", "http", "code"][$0 % 3]) }
    func value(_ document: Int, _ token: Int, _ column: Int) -> Float {
      switch column {
      case 0: document % 3 == 0 && token > 0 ? 1 + Float(document) / 10 + Float(token) / 100 : 0
      case 1: document % 3 == 1 ? 2 : 0
      case 2: token == 2 ? 1 : 0
      case 3: 3
      case 4: document % 6 == 2 && token == 1 ? 4 : 0
      default: 0
      }
    }
    var source = MemorySource.documents(
      [Int](repeating: 5, count: 48), labels: labels, sites: [site: width, neurons: 3]
    ) { name, document, token, column in
      if name == site { return value(document, token, column) }
      return column == 1 ? 2 * value(document, token, 0) : Float((document * 7 + token * 3 + column) % 11) - 5
    }
    source.origin.corpus = ["planted"]
    source.tokenTable.ids = source.tokenTable.ids.indices.map { Int32($0) }
    for index in source.sites.indices { source.sites[index].layer = 0 }
    return source
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
