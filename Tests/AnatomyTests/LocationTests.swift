import Anatomy
import Architectures
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite("Where an architecture comes from")
struct LocationTests {
  static let mini = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "models/unfold-mini")

  @Test("the shipped model: counted parameters are those in its file")
  func mini() throws {
    guard case .architecture(let architecture, let stored) = try AnatomySubject.named(Self.mini.path) else {
      Issue.record("a folder is an architecture")
      return
    }
    #expect(architecture.name == "unfold-mini")
    #expect(architecture.parameters == stored?.numbers)
  }

  @Test("a configuration alone, and a preset")
  func others() throws {
    guard case .architecture(_, let stored) = try AnatomySubject.named(Self.mini.appending(path: "config.json").path),
      case .architecture(let gpt2, _) = try AnatomySubject.named("GPT-2"),
      case .widthOnly(let opus) = try AnatomySubject.named("claude-3-opus")
    else {
      Issue.record("each has an architecture, or a width")
      return
    }
    #expect(stored == nil)
    #expect(gpt2.parameters == 124_439_808)
    #expect(opus.width == 12_288)
  }

  @Test("a model's folder without weights beside its configuration")
  func folders() throws {
    let folder = try TemporaryFolder()
    let config = try String(contentsOf: Self.mini.appending(path: "config.json"), encoding: .utf8)
    _ = try folder.write(config, "config.json")
    guard case .architecture(let architecture, let stored) = try AnatomySubject.named(folder.url.path) else { return }
    #expect(stored == nil && architecture.name == folder.url.standardizedFileURL.lastPathComponent)
  }

  @Test("names that mean nothing, and files that are no configuration")
  func names() throws {
    let unknown = try #require(throws: Fault.self) { try AnatomySubject.named("gpt2-smal") }
    #expect(unknown.kind == .noInput)
    let near = try #require(throws: Fault.self) { try AnatomySubject.named("gpt2-mediun") }
    #expect(near.advice?.contains("gpt2-medium") == true)
    let folder = try TemporaryFolder()
    let empty = try #require(throws: Fault.self) { try AnatomySubject.named(folder.url.path) }
    #expect(empty.name == "architectures.missingConfig" && empty.kind == .noInput)
    let weights = try folder.write("weights", "model.safetensors")
    let wrong = try #require(throws: Fault.self) { try AnatomySubject.named(weights.path) }
    #expect(wrong.name == "anatomy.noConfiguration" && wrong.kind == .badData)
    let cut = try folder.write("GGUF", "other/model.gguf")
    for path in [cut.path, cut.deletingLastPathComponent().path] {
      #expect(try #require(throws: Fault.self) { try AnatomySubject.named(path) }.kind == .badData)
    }
    let broken = try folder.write("{\"model_type\": ", "config.json")
    let invalid = try #require(throws: Fault.self) { try AnatomySubject.named(broken.path) }
    #expect(invalid.name == "json.invalid")
  }
}
