import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

private typealias B = GGUFBytes

@Suite struct GGUFAttackTests {
  /// What is wrong, the file, and the fault's name.
  private static let attacks: [(String, GGUFBytes, String)] = [
    // The first bytes.
    ("another magic", B(magic: Array("GGUX".utf8)), "checkpoints.header"),
    ("magic reversed", B(magic: Array("FUGG".utf8)), "checkpoints.ggufByteOrder"),
    ("GGML", B(magic: Array("lmgg".utf8)), "checkpoints.ggufVersion"),
    ("GGJT", B(magic: Array("tjgg".utf8)), "checkpoints.ggufVersion"),
    (
      "Git LFS pointer", B(magic: Array("version https://git-lfs.github.com/spec/v1\n".utf8)),
      "file.gitLFSPointer"
    ),
    ("version 0", B(version: 0), "checkpoints.ggufVersion"),
    ("version 1", B(version: 1), "checkpoints.ggufVersion"),
    ("version 4", B(version: 4), "checkpoints.ggufVersion"),
    ("big-endian", B(version: 0x0300_0000), "checkpoints.ggufByteOrder"),
    // Counts.
    ("negative tensor count", B(tensorCount: UInt64.max), "checkpoints.header"),
    ("negative key count", B(keyCount: 1 << 63), "checkpoints.header"),
    ("more tensors than bytes", B(tensorCount: 1 << 40), "checkpoints.truncated"),
    ("more keys than bytes", B(keyCount: UInt64(Int.max)), "checkpoints.truncated"),
    ("a tensor too many", B(tensorCount: 1), "checkpoints.truncated"),
    ("a key too many", B(keyCount: 2, keys: [B.integer("a", 1)]), "checkpoints.truncated"),
    // Keys and their values.
    ("empty key", B(keys: [B.integer("", 1)]), "checkpoints.header"),
    (
      "endless key", B(keys: [B.string("a", length: UInt64(Int.max)) + B.number(UInt32(4)) + B.number(UInt32(1))]),
      "checkpoints.truncated"
    ),
    (
      "key of negative length",
      B(keys: [B.string("a", length: UInt64.max) + B.number(UInt32(4)) + B.number(UInt32(1))]), "checkpoints.header"
    ),
    ("key of 70,000 bytes", B(keys: [B.integer(String(repeating: "k", count: 70_000), 1)]), "checkpoints.header"),
    (
      "key that is not UTF-8", B(keys: [B.string([0xFF, 0xFE]) + B.number(UInt32(4)) + B.number(UInt32(1))]),
      "checkpoints.header"
    ),
    ("duplicate key", B(keys: [B.integer("a", 1), B.integer("a", 1)]), "checkpoints.header"),
    ("value type 13", B(keys: [B.key("a", 13, B.number(UInt32(1)))]), "checkpoints.header"),
    ("boolean 2", B(keys: [B.key("a", 7, [2])]), "checkpoints.header"),
    ("boolean 255 in an array", B(keys: [B.array("a", of: 7, count: 3, [0, 1, 255])]), "checkpoints.header"),
    ("string longer than the file", B(keys: [B.key("a", 8, B.string("b", length: 1000))]), "checkpoints.truncated"),
    ("string of negative length", B(keys: [B.key("a", 8, B.string("b", length: 1 << 63))]), "checkpoints.header"),
    // Arrays.
    (
      "array of arrays", B(keys: [B.array("a", of: 9, count: 1, B.number(UInt32(4)) + B.number(UInt64(0)))]),
      "checkpoints.header"
    ),
    ("array of an unknown type", B(keys: [B.array("a", of: 99, count: 1, [0, 0, 0, 0])]), "checkpoints.header"),
    ("array longer than the file", B(keys: [B.array("a", of: 4, count: 1000, [])]), "checkpoints.truncated"),
    ("array whose size overflows", B(keys: [B.array("a", of: 10, count: (1 << 61) + 1, [])]), "checkpoints.truncated"),
    ("array of negative length", B(keys: [B.array("a", of: 0, count: UInt64.max, [])]), "checkpoints.header"),
    (
      "array of more strings than bytes", B(keys: [B.array("a", of: 8, count: 1 << 60, B.string("b"))]),
      "checkpoints.truncated"
    ),
    (
      "endless string in an array", B(keys: [B.array("a", of: 8, count: 1, B.string("b", length: 1 << 40))]),
      "checkpoints.truncated"
    ),
    // Alignment.
    ("alignment 0", B(keys: [B.integer("general.alignment", 0)]), "checkpoints.metadata"),
    ("alignment 48", B(keys: [B.integer("general.alignment", 48)]), "checkpoints.metadata"),
    ("alignment of 2 MiB", B(keys: [B.integer("general.alignment", 1 << 21)]), "checkpoints.metadata"),
    ("alignment as text", B(keys: [B.text("general.alignment", "32")]), "checkpoints.metadata"),
    (
      "alignment as a float", B(keys: [B.key("general.alignment", 6, B.number(Float(32).bitPattern))]),
      "checkpoints.metadata"
    ),
    // Tensors.
    ("no name", B(tensors: [B.tensor("", [1])], data: 4), "checkpoints.header"),
    ("name of 64 bytes", B(tensors: [B.tensor(String(repeating: "n", count: 64), [1])], data: 4), "checkpoints.header"),
    (
      "name that is not UTF-8",
      B(tensors: [B.string([0xC3]) + B.number(UInt32(0)) + B.number(UInt32(0)) + B.number(UInt64(0))], data: 4),
      "checkpoints.header"
    ),
    (
      "two of one name", B(tensors: [B.tensor("a", [1]), B.tensor("a", [1], offset: 32)], data: 36),
      "checkpoints.header"
    ),
    ("five axes", B(tensors: [B.tensor("a", [1, 1, 1, 1, 1])], data: 4), "checkpoints.header"),
    ("four billion axes", B(tensors: [B.tensor("a", [1], axes: .max)], data: 4), "checkpoints.header"),
    ("negative length", B(tensors: [B.tensor("a", [UInt64.max])], data: 4), "checkpoints.header"),
    ("product that overflows", B(tensors: [B.tensor("a", [1 << 32, 1 << 32])], data: 4), "checkpoints.shapeOverflow"),
    ("bytes that overflow", B(tensors: [B.tensor("a", [1 << 62])], data: 4), "checkpoints.shapeOverflow"),
    (
      "overflow behind a zero", B(tensors: [B.tensor("a", [0, 1 << 40, 1 << 40])], data: 4), "checkpoints.shapeOverflow"
    ),
    ("unknown type", B(tensors: [B.tensor("a", [1], type: 999)], data: 4), "checkpoints.elementType"),
    ("removed type", B(tensors: [B.tensor("a", [32], type: 4)], data: 18), "checkpoints.elementType"),
    ("type that is not read", B(tensors: [B.tensor("a", [256], type: 16)], data: 66), "checkpoints.elementType"),
    ("half a block", B(tensors: [B.tensor("a", [16, 2], type: 2)], data: 18), "checkpoints.header"),
    ("scalar of a block type", B(tensors: [B.tensor("a", [], type: 12)], data: 144), "checkpoints.header"),
    // Where tensors lie.
    ("unaligned offset", B(tensors: [B.tensor("a", [1], offset: 4)], data: 8), "checkpoints.tensorRange"),
    ("a hole", B(tensors: [B.tensor("a", [1]), B.tensor("b", [1], offset: 64)], data: 68), "checkpoints.tensorRange"),
    (
      "overlap", B(tensors: [B.tensor("a", [16]), B.tensor("b", [1], offset: 32)], data: 68), "checkpoints.tensorRange"
    ),
    (
      "offset of 2⁶⁴ − 32", B(tensors: [B.tensor("a", [1], offset: UInt64.max - 31)], data: 4),
      "checkpoints.tensorRange"
    ),
    (
      "order reversed", B(tensors: [B.tensor("a", [1], offset: 32), B.tensor("b", [1])], data: 36),
      "checkpoints.tensorRange"
    ),
    ("data cut off", B(tensors: [B.tensor("a", [2])], data: 7), "checkpoints.truncated"),
    ("tensor beyond the file", B(tensors: [B.tensor("a", [1 << 60])], data: 4), "checkpoints.truncated"),
    ("no data", B(tensors: [B.tensor("a", [1])]), "checkpoints.truncated"),
    ("bytes behind the data", B(tensors: [B.tensor("a", [1])], data: 33), "checkpoints.trailingBytes"),
    ("bytes behind a header alone", B(data: 33), "checkpoints.trailingBytes"),
  ]

  @Test(arguments: attacks.indices)
  func attack(_ index: Int) throws {
    let (what, file, name) = Self.attacks[index]
    let scratch = try TemporaryFolder()
    let url = try scratch.write(file.bytes, "model.gguf")
    let found = fault { try GGUFFile(contentsOf: url) }
    #expect(found?.name == name, "\(what)")
    #expect(found?.kind == .badData, "\(what)")
    #expect(found?.file == url.path, "\(what)")
    #expect(found?.expected != nil && found?.found != nil, "\(what)")
  }

  /// Metadata that contradicts itself or the tensors.
  private static let contradictions: [(String, [[UInt8]], [[UInt8]])] = [
    ("architecture as a number", [B.integer("general.architecture", 1)], []),
    ("architecture that is not UTF-8", [B.key("general.architecture", 8, B.string([0xFF]))], []),
    (
      "fewer blocks than tensors", [B.text("general.architecture", "x"), B.integer("x.block_count", 1)],
      [B.tensor("blk.1.a", [1])]
    ),
    ("negative blocks", [B.text("general.architecture", "x"), B.key("x.block_count", 5, B.number(Int32(-1)))], []),
    ("blocks as text", [B.text("general.architecture", "x"), B.text("x.block_count", "1")], []),
    (
      "another width", [B.text("general.architecture", "x"), B.integer("x.embedding_length", 2)],
      [B.tensor("token_embd.weight", [1, 1])]
    ),
    (
      "more tokens than rows", [B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a", "b"])],
      [B.tensor("token_embd.weight", [1, 1])]
    ),
    (
      "tokens as numbers",
      [B.text("general.architecture", "x"), B.array("tokenizer.ggml.tokens", of: 0, count: 1, [1])], []
    ),
    ("tokens as one string", [B.text("general.architecture", "x"), B.text("tokenizer.ggml.tokens", "a")], []),
    (
      "too few scores",
      [
        B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a"]),
        B.array("tokenizer.ggml.scores", of: 6, count: 0, []),
      ], []
    ),
    (
      "scores as integers",
      [
        B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a"]),
        B.array("tokenizer.ggml.scores", of: 0, count: 1, [1]),
      ], []
    ),
    (
      "token types as text",
      [
        B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a"]),
        B.strings("tokenizer.ggml.token_type", ["a"]),
      ], []
    ),
    (
      "too many token types",
      [
        B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a"]),
        B.array("tokenizer.ggml.token_type", of: 0, count: 2, [1, 1]),
      ], []
    ),
    (
      "merges as numbers",
      [
        B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a"]),
        B.array("tokenizer.ggml.merges", of: 0, count: 1, [1]),
      ], []
    ),
    (
      "special token out of range",
      [
        B.text("general.architecture", "x"), B.strings("tokenizer.ggml.tokens", ["a"]),
        B.integer("tokenizer.ggml.bos_token_id", 1),
      ], []
    ),
  ]

  @Test(arguments: contradictions.indices)
  func contradiction(_ index: Int) throws {
    let (what, keys, tensors) = Self.contradictions[index]
    let scratch = try TemporaryFolder()
    let url = try scratch.write(GGUFBytes(keys: keys, tensors: tensors, data: tensors.isEmpty ? 0 : 4).bytes, "m.gguf")
    let found = fault { try GGUFCheckpoint(url) }
    #expect(found?.name == "checkpoints.metadata", "\(what)")
    #expect(found?.place?.hasPrefix("key ") == true, "\(what)")
    #expect(found?.expected != nil && found?.found != nil, "\(what)")
  }

  /// A file cut off at any byte is refused, and a flipped bit anywhere in the header never ends the process, also not
  /// when everything is read afterwards.
  @Test func damage() throws {
    let scratch = try TemporaryFolder()
    let whole = GGUFBytes(
      keys: [
        B.text("general.architecture", "x"), B.integer("x.block_count", 1), B.key("flag", 7, [1]),
        B.strings("tokenizer.ggml.tokens", ["a", "bc", ""]),
        B.array("tokenizer.ggml.scores", of: 6, count: 3, Array(repeating: 0, count: 12)),
        B.array("bytes", of: 0, count: 2, [1, 2]), B.integer("general.alignment", 32),
      ],
      tensors: [B.tensor("a", [2, 1]), B.tensor("blk.0.b", [32], type: 2, offset: 32), B.tensor("c", [], offset: 64)],
      data: 68
    ).bytes
    #expect(try GGUFCheckpoint(scratch.write(whole, "whole.gguf")).names == ["a", "blk.0.b", "c"])
    for length in whole.indices {
      let found = fault { try GGUFFile(contentsOf: scratch.write(whole[..<length], "cut.gguf")) }
      #expect(found?.kind == .badData, "\(length) bytes")
      #expect(found?.name == "checkpoints.truncated", "\(length) bytes")
    }
    for bit in 0..<whole.count * 8 {
      var flipped = whole
      flipped[bit / 8] ^= 1 << (bit % 8)
      do {
        let checkpoint = try GGUFCheckpoint(scratch.write(flipped, "flipped.gguf"))
        for name in checkpoint.names { _ = try? checkpoint.tensor(named: name)?.floats() }
        for (key, _) in checkpoint.metadata.entries {
          let field = try checkpoint.metadata.required(key)
          _ = (try? field.integers(), try? field.strings(), try? field.numbers(), try? field.string())
        }
        _ = try (checkpoint.digest(), checkpoint.tokenizerDigest())
      } catch let fault as Fault {
        #expect(fault.kind == .badData, "bit \(bit): \(fault)")
      }
    }
  }

  /// Bytes without any sense behind a plausible start.
  @Test func noise() throws {
    let scratch = try TemporaryFolder()
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var bytes = GGUFBytes(tensorCount: .random(in: 0...2), keyCount: .random(in: 0...3)).bytes
      for _ in 0..<Int.random(in: 0...200, using: &generator) {
        // Small numbers are lengths and types, and lead further in than any others.
        bytes.append(Bool.random() ? 0 : UInt8.random(in: 0...(Bool.random() ? 12 : 255)))
      }
      do { _ = try GGUFFile(contentsOf: scratch.write(bytes, "noise.gguf")) } catch let fault as Fault {
        #expect(fault.kind == .badData)
      }
    }
  }
}
