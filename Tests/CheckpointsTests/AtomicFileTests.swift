import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite("Files that appear when they are whole")
struct AtomicFileTests {
  @Test("Of many writers at once one whole file stays, and nothing beside it") func together() async throws {
    let folder = try TemporaryFolder()
    let url = folder.file("result")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<16 {
        group.addTask {
          let content = [UInt8](repeating: UInt8(writer), count: 1000 * (writer + 1))
          try AtomicFile.write(to: url) { file in
            for first in stride(from: 0, to: content.count, by: 97) {
              try content[first..<min(first + 97, content.count)].withUnsafeBytes { try file.write($0) }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let found = [UInt8](try Data(contentsOf: url))
    let writer = try #require(found.first)
    #expect(found == [UInt8](repeating: writer, count: 1000 * (Int(writer) + 1)))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["result"])
  }

  @Test("What a killed writer has left is removed before the next one; what a living one writes is not")
  func leftovers()
    throws
  {
    let folder = try TemporaryFolder()
    let url = folder.file("result.bin")
    for name in ["result.bin.0123abcd.part", "result.bin.x.part", "other.bin.0123abcd.part"] {
      _ = try folder.write("left", name)
    }
    try AtomicFile.write(to: url) { file in
      try AtomicFile.requireFree(url)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
      #expect(!names.contains("result.bin.0123abcd.part"))
      #expect(names.count { $0.hasPrefix("result.bin.") && $0.utf8.count == 24 } == 1)
      try [1, 2, 3].withUnsafeBytes { try file.write($0) }
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    #expect(names == ["other.bin.0123abcd.part", "result.bin", "result.bin.x.part"])
  }

  @Test("An error leaves the older file and nothing else; what is unfinished can be removed at any moment")
  func failing() throws {
    let folder = try TemporaryFolder()
    let url = folder.file("result")
    try AtomicFile.write("old".utf8, to: url)
    #expect(throws: CancellationError.self) {
      try AtomicFile.write(to: url) { file in
        try [1, 2, 3].withUnsafeBytes { try file.write($0) }
        throw CancellationError()
      }
    }
    try AtomicFile.write("new".utf8, to: folder.file("other"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["other", "result"])
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    #expect(throws: Fault.self) { try AtomicFile.write("x".utf8, to: folder.file("absent/file")) }
  }
}
