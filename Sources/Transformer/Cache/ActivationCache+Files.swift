import Checkpoints
import Foundation

extension ActivationCache {
  /// Writes all values into one file that Python opens: `.npz` for NumPy, `.safetensors` otherwise. Each array has its
  /// site's name; the tokens are `tokens`.
  ///
  /// - Throws: `Fault`: `file.cannotCreate`, `file.write`.
  public func write(to url: URL) throws {
    let ids = SafetensorsWriter.Tensor(
      name: "tokens", type: .int32, shape: [tokens.count],
      bytes: tokens.flatMap { id in withUnsafeBytes(of: id.littleEndian) { Array($0) } })
    let tensors = [ids] + values.map { .init(name: $0.site.name, shape: $0.shape, floats: $0.elements) }
    if url.pathExtension.lowercased() == "npz" {
      try NumPyArchive.write(tensors, to: url)
    } else {
      try SafetensorsWriter.write(tensors, to: url)
    }
  }
}
