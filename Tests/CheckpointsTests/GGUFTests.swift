import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct GGUFTests {
  private func types() throws -> GGUFFile { try GGUFFile(contentsOf: Fixture.url("gguf/types.gguf")) }

  /// Every type's values are those of the `gguf` package, to the bit.
  @Test func elementTypes() throws {
    let file = try types()
    let expected = try SafetensorsFile(contentsOf: Fixture.url("gguf/expected.safetensors"))
    #expect(expected.tensors.count == 17)
    for reference in expected.tensors {
      let tensor = try #require(file[reference.name])
      #expect(tensor.type.rawValue == reference.name)
      #expect(tensor.shape == reference.shape)
      #expect(tensor.count == reference.count)
      #expect(sameBits(try tensor.floats(), try reference.floats()), "\(reference.name)")
    }
    for name in ["I8", "I16", "I32", "I64"] {
      let tensor = try #require(file[name])
      #expect(tensor.shape == [7])
      #expect(fault { try tensor.floats() }?.name == "checkpoints.elementType")
    }
    #expect(file.version == 3)
    #expect(file.alignment == 32)
  }

  /// Any range of elements gives the same as the whole tensor, and writes nothing beyond it.
  @Test func ranges() throws {
    let file = try types()
    for tensor in file.tensors where tensor.type.isFloatingPoint {
      let whole = try tensor.floats()
      let ends = [0, 1, 7, 31, 32, 33, 64, 95, 96, 255, 256, 257, whole.count - 1, whole.count]
      for start in ends where 0...whole.count ~= start {
        for end in ends where start...whole.count ~= end {
          var target = Array(repeating: Float(12345), count: end - start + 2)
          target.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { tensor.read(start..<end, into: base + 1) }
          }
          #expect(target.first == 12345 && target.last == 12345)
          #expect(sameBits(Array(target.dropFirst().dropLast()), Array(whole[start..<end])), "\(tensor.name)")
        }
      }
    }
  }

  @Test func metadata() throws {
    let metadata = try types().metadata
    func integer(_ key: String) throws -> Int { try metadata.required("test.\(key)").integer() }
    #expect(try metadata.required("general.architecture").string() == "test")
    #expect(try integer("uint8") == 200)
    #expect(try integer("int8") == -100)
    #expect(try integer("uint16") == 60000)
    #expect(try integer("int16") == -30000)
    #expect(try integer("uint32") == 4_000_000_000)
    #expect(try integer("int32") == -2_000_000_000)
    #expect(try integer("int64") == -1 << 62)
    #expect(try metadata.required("test.uint64").number() == 0x1p64)
    guard case .large(let large)? = metadata["test.uint64"] else { return #expect(Bool(false)) }
    #expect(large == UInt64.max)
    #expect(try metadata.required("test.float32").number() == Double(Float(0.1)))
    #expect(try metadata.required("test.float64").number() == 0.1)
    #expect(try metadata.required("test.yes").bool())
    #expect(try !metadata.required("test.no").bool())
    #expect(try metadata.required("test.integers").integers() == [1, -2, 3])
    #expect(try metadata.required("test.numbers").numbers() == [0.5, -0.25])
    #expect(try metadata.required("test.bools").bools() == [true, false, true])
    let tokens = try metadata.required("tokenizer.ggml.tokens")
    #expect(try tokens.byteStrings() == [[0x61], [0xC3, 0xA9], [0xFF, 0xFE], [], [0x65, 0xCC, 0x81]])
    guard case .string(let token) = try tokens.array()[1] else { return #expect(Bool(false)) }
    #expect(token.text == "é")
    #expect(try metadata.required("tokenizer.ggml.merges").strings() == ["a b", "c d"])
    #expect(try metadata.required("tokenizer.ggml.scores").numbers() == [0, -1, -2, -3, -4])
    #expect(metadata["absent"] == nil)
    #expect(metadata.entries.first?.key == "general.architecture")
  }

  @Test func metadataOfAnotherType() throws {
    let metadata = try types().metadata
    let complaints = [
      fault { try metadata.required("test.uint64").integer() },
      fault { try metadata.required("general.name").integer() },
      fault { try metadata.required("test.float64").integer() },
      fault { try metadata.required("test.uint8").string() },
      fault { try metadata.required("test.uint8").bool() },
      fault { try metadata.required("test.yes").number() },
      fault { try metadata.required("test.yes").array() },
      fault { try metadata.required("test.numbers").integers() },
      fault { try metadata.required("test.numbers").strings() },
      fault { try metadata.required("test.bools").numbers() },
      fault { try metadata.required("test.integers").bools() },
      // The third token is not UTF-8.
      fault { try metadata.required("tokenizer.ggml.tokens").strings() },
    ]
    for found in complaints {
      #expect(found?.name == "checkpoints.metadata")
      #expect(found?.place?.hasPrefix("key ") == true)
      #expect(found?.file?.hasSuffix("types.gguf") == true)
    }
    #expect(complaints.last??.found?.contains("index 2") == true)
    #expect(fault { try metadata.required("general.nam") }?.name == "checkpoints.metadataMissing")
  }

  /// A vocabulary of 262,144 tokens and 500,000 merges opens in far less than the time a person notices.
  @Test func aLargeVocabulary() throws {
    let scratch = try TemporaryFolder()
    let tokens = (0..<262_144).map { "token \($0)" }
    let merges = (0..<500_000).map { "left\($0 % 977) right\($0)" }
    let url = try scratch.write(
      GGUFBytes(keys: [
        GGUFBytes.strings("tokenizer.ggml.tokens", tokens), GGUFBytes.strings("tokenizer.ggml.merges", merges),
        GGUFBytes.array(
          "tokenizer.ggml.scores", of: 6, count: 262_144,
          (0..<262_144).flatMap { GGUFBytes.number(Float($0).bitPattern) }),
      ]).bytes, "vocabulary.gguf")
    let clock = ContinuousClock()
    var file: GGUFFile?
    let opening = try clock.measure { file = try GGUFFile(contentsOf: url) }
    var (read, joined, scores): ([String], [String], [Double]) = ([], [], [])
    let reading = try clock.measure {
      read = try file?.metadata.required("tokenizer.ggml.tokens").strings() ?? []
      joined = try file?.metadata.required("tokenizer.ggml.merges").strings() ?? []
      scores = try file?.metadata.required("tokenizer.ggml.scores").numbers() ?? []
    }
    #expect(read == tokens && joined == merges && scores.last == 262_143)
    // Ten times what it takes, for machines under load.
    #expect(opening < .milliseconds(300) && reading < .seconds(2), "\(opening), \(reading)")
  }

  @Test func legalRarities() throws {
    let scratch = try TemporaryFolder()
    // Version 2, an alignment of its own, a scalar, no elements, a name of 63 bytes, no padding behind the last.
    let name = String(repeating: "n", count: 63)
    let bytes = GGUFBytes(
      version: 2, keys: [GGUFBytes.integer("general.alignment", 8)],
      tensors: [
        GGUFBytes.tensor("scalar", []), GGUFBytes.tensor("none", [3, 0], offset: 8),
        GGUFBytes.tensor(name, [2, 1, 1, 1], type: 24, offset: 8),
      ], alignment: 8, data: 10
    ).bytes
    let file = try GGUFFile(contentsOf: scratch.write(bytes, "rare.gguf"))
    #expect(file.version == 2 && file.alignment == 8)
    #expect(file["scalar"]?.count == 1 && file["scalar"]?.shape == [])
    #expect(file["none"]?.count == 0 && file["none"]?.shape == [0, 3])
    #expect(file[name]?.shape == [1, 1, 1, 2])
    #expect(file[name]?.withUnsafeBytes { Array($0) } == [8, 9])
    #expect(try GGUFFile(contentsOf: scratch.write(GGUFBytes().bytes, "empty.gguf")).tensors.isEmpty)
  }

  @Test(.enabled(if: SharedData.has("gguf-vocabularies"))) func realVocabularies() throws {
    let folder = "gguf-vocabularies"
    let files = try FileManager.default.contentsOfDirectory(atPath: SharedData.file(folder).path)
      .filter { $0.hasSuffix(".gguf") }
    #expect(files.count >= 5)
    for name in files {
      let checkpoint = try GGUFCheckpoint(SharedData.file("\(folder)/\(name)"))
      let tokens = try checkpoint.metadata.required("tokenizer.ggml.tokens").byteStrings()
      #expect(tokens.count > 1000, "\(name)")
      #expect(try checkpoint.tokenizerDigest()?.utf8.count == 64)
      #expect(checkpoint.names.isEmpty == name.hasPrefix("ggml-vocab"))
      for tensor in checkpoint.names.compactMap(checkpoint.tensor(named:)) {
        #expect(try tensor.floats().allSatisfy(\.isFinite))
      }
    }
  }
}

/// Equal to the bit, save that any NaN equals any other.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}
