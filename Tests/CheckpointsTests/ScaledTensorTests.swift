import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct ScaledTensorTests {
  /// Tensors with scales of their own are one, with the values of NumPy and ml_dtypes, whole and in parts.
  @Test(arguments: ["scaled", "inferred"])
  func values(_ folder: String) throws {
    let source = try openTensorSource(at: Fixture.url(folder))
    let expected = try SafetensorsFile(contentsOf: Fixture.url("\(folder)/expected.safetensors"))
    let others = folder == "inferred" ? ["other_blocks", "other_scales"] : []
    #expect(source.names == (expected.tensors.map(\.name) + others).sorted())
    for reference in expected.tensors {
      let tensor = try #require(source.tensor(named: reference.name))
      #expect(tensor.shape == reference.shape)
      #expect(tensor.count == reference.count)
      let whole = try reference.floats()
      #expect(sameBits(try tensor.floats(), whole), "\(reference.name)")
      for start in stride(from: 0, to: whole.count, by: 5) {
        for end in stride(from: start, through: whole.count, by: 11) {
          let part = [Float](unsafeUninitializedCapacity: end - start) { buffer, count in
            if let base = buffer.baseAddress { tensor.read(start..<end, into: base) }
            count = end - start
          }
          #expect(sameBits(part, Array(whole[start..<end])), "\(reference.name) \(start)..<\(end)")
        }
      }
    }
  }

  @Test func whereScalesLie() throws {
    let source = try openTensorSource(at: Fixture.url("inferred"))
    let tall = try #require(source.tensor(named: "tall.weight"))
    #expect(tall.type == .float8e4m3)
    #expect(tall.scales?.name == "tall.weight_scale_inv")
    #expect(tall.scales?.layout == .tiles(rows: 128, columns: 128, type: .float32))
    #expect(tall.byteCount == 390 + 8)
    let experts = try #require(source.tensor(named: "mlp.experts.up"))
    #expect(experts.type == .mxfp4)
    #expect(experts.scales?.layout == .exponents)
    #expect(experts.byteCount == 192 + 12)
    experts.advise(.soon)
    experts.advise(.done)
  }

  private func bytes(_ name: String, _ type: ElementType, _ shape: [Int]) -> SafetensorsWriter.Tensor {
    .init(
      name: name, type: type, shape: shape, bytes: Array(repeating: 1, count: shape.reduce(type.size, *)))
  }

  @Test func scalesThatDoNotFit() throws {
    let cases: [(String, [SafetensorsWriter.Tensor])] = [
      ("", [bytes("w", .float8e4m3, [130, 3]), bytes("w_scale_inv", .float32, [3, 2])]),
      ("", [bytes("w", .float8e4m3, [130, 3]), bytes("w_scale_inv", .float32, [2])]),
      ("", [bytes("w", .float8e4m3, [2, 130, 3]), bytes("w_scale_inv", .float32, [1, 2, 1])]),
      ("", [bytes("w", .float8e4m3, [130, 3]), bytes("w_scale_inv", .int32, [2, 1])]),
      ("[64, 64]", [bytes("w", .float8e4m3, [130, 3]), bytes("w_scale_inv", .float32, [2, 1])]),
      ("[128, 128]", [bytes("w", .float8e4m3, [130, 3])]),
      ("", [bytes("w_blocks", .uint8, [4, 2, 16]), bytes("w_scales", .uint8, [4, 3])]),
      ("", [bytes("w_blocks", .uint8, [4, 2, 16]), bytes("w_scales", .uint8, [4, 2]), bytes("w", .uint8, [1])]),
    ]
    for (sizes, tensors) in cases {
      let scratch = try TemporaryFolder()
      try SafetensorsWriter.write(tensors, to: scratch.file("model.safetensors"))
      if !sizes.isEmpty {
        try scratch.write("{\"quantization_config\": {\"weight_block_size\": \(sizes)}}", "config.json")
      }
      let found = fault { try Checkpoint(scratch.url) }
      #expect(found?.name == "checkpoints.scales")
      #expect(found?.place != nil && found?.expected != nil && found?.found != nil && found?.advice != nil)
    }
    for sizes in ["[128]", "[0, 128]", "128", "[1.5, 2]"] {
      let scratch = try TemporaryFolder()
      try SafetensorsWriter.write(cases[0].1, to: scratch.file("model.safetensors"))
      try scratch.write("{\"quantization_config\": {\"weight_block_size\": \(sizes)}}", "config.json")
      #expect(fault { try Checkpoint(scratch.url) }?.name == "json.unexpected")
    }
  }

  /// Elements and scales may lie in different shards, and the index lists both.
  @Test func acrossShards() throws {
    let scratch = try TemporaryFolder()
    try SafetensorsWriter.write([bytes("w_blocks", .uint8, [2, 1, 16])], to: scratch.file("model-1.safetensors"))
    try SafetensorsWriter.write([bytes("w_scales", .uint8, [2, 1])], to: scratch.file("model-2.safetensors"))
    try scratch.write(
      "{\"weight_map\": {\"w_blocks\": \"model-1.safetensors\", \"w_scales\": \"model-2.safetensors\"}}",
      "model.safetensors.index.json")
    let checkpoint = try Checkpoint(folder: scratch.url)
    #expect(checkpoint.names == ["w"])
    #expect(checkpoint.tensor(named: "w")?.shape == [2, 32])
    #expect(checkpoint.tensor(named: "w_blocks") == nil)
    let low = Float(0.5) * 0x1p-126
    let expected = (0..<64).map { Float($0 % 2 == 0 ? low : 0) }
    #expect(try checkpoint.tensor(named: "w")?.floats() == expected)
  }

  /// No float8 file can claim a type that safetensors lacks.
  @Test func blockTypesAreNotSafetensors() throws {
    let scratch = try TemporaryFolder()
    let header = "{\"a\":{\"dtype\":\"Q4_0\",\"shape\":[32],\"data_offsets\":[0,18]}}"
    let url = try scratch.write(safetensors(header, data: 18), "model.safetensors")
    #expect(fault { try SafetensorsFile(contentsOf: url) }?.name == "checkpoints.elementType")
  }
}
