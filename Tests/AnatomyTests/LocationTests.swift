import Anatomy
import Foundation
import Testing
import Transformer

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

  @Test("it agrees with the configuration that the model runs with")
  func agreement() throws {
    let running = try Model.load(Self.mini).configuration
    guard case .architecture(let counted, _) = try AnatomySubject.named(Self.mini.path) else { return }
    #expect(counted.width == running.width && counted.layers == running.layers)
    #expect(counted.vocabularySize == running.vocabularySize && counted.context == running.context)
    #expect(counted.mlp.neurons == running.mlp.width && counted.attention.heads == running.attention.heads)
  }
}
