import Checkpoints
import Foundation
import TestFiles
import Testing

/// Lends a copy of a reference's model whose configuration and tensors are changed first.
func withChangedModel<Result>(
  _ name: String, config: (inout [String: Any]) -> Void = { _ in },
  tensors: (inout [SafetensorsWriter.Tensor]) -> Void = { _ in }, body: (URL) throws -> Result
) throws -> Result {
  let folder = try TemporaryFolder()
  let source = Reference.folder(name)
  let data = try Data(contentsOf: source.appending(path: "config.json"))
  var values = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  config(&values)
  try JSONSerialization.data(withJSONObject: values).write(to: folder.file("config.json"))
  let file = try SafetensorsFile(contentsOf: source.appending(path: "model.safetensors"))
  var copies = file.tensors.map { tensor in
    SafetensorsWriter.Tensor(
      name: tensor.name, type: tensor.type, shape: tensor.shape, bytes: tensor.withUnsafeBytes { [UInt8]($0) })
  }
  tensors(&copies)
  try SafetensorsWriter.write(copies, to: folder.file("model.safetensors"))
  return try body(folder.url)
}
