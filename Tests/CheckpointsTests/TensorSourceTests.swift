import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct TensorSourceTests {
  private func copy(_ names: [String], to scratch: TemporaryFolder) throws {
    for name in names { try scratch.write(Data(contentsOf: Fixture.url("gguf/\(name)")), name) }
  }

  private let parts = (1...3).map { "parts-0000\($0)-of-00003.gguf" }

  @Test func whatLiesThereDecides() throws {
    let folder = try TemporaryFolder()
    try copy(["types.gguf"], to: folder)
    let file = folder.file("types.gguf")
    for url in [folder.url, file] {
      let source = try openTensorSource(at: url)
      #expect(source is GGUFCheckpoint)
      #expect(source.location.lastPathComponent == "types.gguf")
      #expect(source.tensor(named: "Q4_K")?.type == .q4K)
      #expect(source.tensor(named: "q4_k") == nil)
      #expect(source.byteCount == (try Data(contentsOf: file)).count)
      #expect(source.names == source.names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }
    // An image encoder beside it is passed over; GGUF under another name is known by its first bytes.
    try folder.write(GGUFBytes().bytes, "mmproj-model.gguf")
    #expect(try openTensorSource(at: folder.url).location.lastPathComponent == "types.gguf")
    try folder.write(GGUFBytes().bytes, "blob")
    #expect(try openTensorSource(at: folder.file("blob")) is GGUFCheckpoint)
    // Safetensors come first.
    try SafetensorsWriter.write([.init(name: "w", shape: [1], floats: [1])], to: folder.file("model.safetensors"))
    for url in [folder.url, folder.file("model.safetensors")] {
      let source = try openTensorSource(at: url)
      #expect(source is Checkpoint)
      #expect(source.names == ["w"])
      #expect(source.location.standardizedFileURL.path == url.standardizedFileURL.path)
    }
  }

  @Test func whatCannotBeOpened() throws {
    let scratch = try TemporaryFolder()
    #expect(fault { try openTensorSource(at: scratch.file("absent")) }?.name == "checkpoints.missingFolder")
    #expect(fault { try openTensorSource(at: scratch.url) }?.name == "checkpoints.noWeights")
    try scratch.write(GGUFBytes().bytes, "one.gguf")
    try scratch.write(GGUFBytes().bytes, "two.gguf")
    let several = fault { try openTensorSource(at: scratch.url) }
    #expect(several?.name == "checkpoints.severalModels")
    #expect(several?.found == "one.gguf, two.gguf")
    let text = try scratch.write("no model", "three.gguf")
    #expect(fault { try openTensorSource(at: text) }?.name == "checkpoints.header")
    let inDisguise = try scratch.write(GGUFBytes().bytes, "model.safetensors")
    #expect(fault { try Checkpoint(inDisguise) }?.name == "checkpoints.gguf")
  }

  @Test func splitFiles() throws {
    let scratch = try TemporaryFolder()
    try copy(parts, to: scratch)
    for url in [scratch.url] + parts.map({ scratch.file($0) }) {
      let source = try #require(try openTensorSource(at: url) as? GGUFCheckpoint)
      #expect(source.files.count == 3)
      #expect(source.location.lastPathComponent == parts[0])
      #expect(source.names == ["t0", "t1", "t2", "t3", "t4"])
      for number in 0..<5 {
        #expect(try source.tensor(named: "t\(number)")?.floats() == Array(repeating: Float(number), count: 4))
      }
      #expect(try source.metadata.required("general.name").string() == "split")
    }
    try FileManager.default.moveItem(at: scratch.file(parts[1]), to: scratch.file("renamed.gguf"))
    let missing = fault { try GGUFCheckpoint(scratch.file(parts[2])) }
    #expect(missing?.name == "checkpoints.missingShard")
    #expect(missing?.found == "2; missing: \(parts[1])")
    #expect(fault { try GGUFCheckpoint(scratch.file("renamed.gguf")) }?.name == "checkpoints.partsDisagree")
    // A part in another's place.
    try FileManager.default.copyItem(at: scratch.file(parts[2]), to: scratch.file(parts[1]))
    #expect(fault { try GGUFCheckpoint(scratch.file(parts[0])) }?.name == "checkpoints.partsDisagree")
    // A million parts are not looked for; the name is one of a plain file that is not there.
    let many = fault { try GGUFCheckpoint(scratch.file("parts-00001-of-99999.gguf")) }
    #expect(many?.name == "checkpoints.missingShard")
    #expect(many?.found?.hasSuffix("and 99995 more") == true)
    for name in ["parts-00000-of-00003.gguf", "parts-00004-of-00003.gguf", "parts-1-of-3.gguf"] {
      #expect(fault { try GGUFCheckpoint(scratch.file(name)) }?.name == "checkpoints.missingFile")
    }
  }

  /// The digest's first part sees the header and the size, its second every byte; names do not matter.
  @Test func digests() throws {
    let scratch = try TemporaryFolder()
    let bytes = Array(try Data(contentsOf: Fixture.url("gguf/types.gguf")))
    func digests(_ bytes: [UInt8], _ name: String) throws -> [String?] {
      let source = try GGUFCheckpoint(scratch.write(bytes, name))
      return try source.digest().split(separator: ".").map(String.init) + [source.tokenizerDigest()]
    }
    let original = try digests(bytes, "a.gguf")
    #expect(try digests(bytes, "b.gguf") == original)
    var changed = bytes
    changed[bytes.count - 200] ^= 1
    let weight = try digests(changed, "c.gguf")
    #expect(weight[0] == original[0] && weight[1] != original[1] && weight[2] == original[2])
    changed = bytes
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: "one tensor".utf8) })
    changed[place] ^= 1
    let name = try digests(changed, "d.gguf")
    #expect(name[0] != original[0] && name[1] != original[1] && name[2] == original[2])
    let merge = try #require(bytes.indices.first { bytes[$0...].starts(with: "c d".utf8) })
    changed = bytes
    changed[merge] ^= 2
    #expect(try digests(changed, "e.gguf")[2] != original[2])
    #expect(try GGUFCheckpoint(scratch.write(GGUFBytes().bytes, "f.gguf")).tokenizerDigest() == nil)
  }
}
