import Checkpoints
import Foundation
import TestFiles
import Testing

/// The digest of a model's weights, which is remembered by what the system says of the files.
@Suite struct WeightsDigestTests {
  let folder: TemporaryFolder
  let model: URL
  let weights: URL

  init() throws {
    folder = try TemporaryFolder()
    model = folder.file("model")
    weights = model.appending(path: "model.safetensors")
    try folder.write("{}", "model/config.json")
    try SafetensorsWriter.write(
      [.init(name: "w", shape: [1000], floats: (0..<1000).map { Float($0) })], to: weights)
  }

  private func digest() throws -> [String] {
    try Checkpoint(folder: model).digest().split(separator: ".").map(String.init)
  }

  /// Makes the file old enough to be remembered, which takes a time that no program can set.
  private func settle() { Thread.sleep(forTimeInterval: 4) }

  @Test func anAlteredWeightIsSeenThoughSizeAndTimeAreTheSame() throws {
    let first = try digest()
    #expect(first.count == 2 && first.allSatisfy { $0.utf8.count == 64 })
    settle()
    #expect(try digest() == first)
    #expect(try digest() == first)
    let time = try FileManager.default.attributesOfItem(atPath: weights.path)[.modificationDate]
    let handle = try FileHandle(forUpdating: weights)
    try handle.seek(toOffset: UInt64(handle.seekToEnd()) - 8)
    try handle.write(contentsOf: [0x40])
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: try #require(time)], ofItemAtPath: weights.path)
    let second = try digest()
    #expect(second[0] == first[0] && second[1] != first[1])
    // And at once, before anything is remembered.
    try FileManager.default.removeItem(at: weights)
    try SafetensorsWriter.write(
      [.init(name: "w", shape: [1000], floats: (0..<1000).map { Float($0) })], to: weights)
    #expect(try digest() == first)
  }
}
