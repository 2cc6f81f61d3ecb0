import Activations
import Diagnostics
import Digests
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

@Suite struct CaptureResumeTests {
  /// Thrown by a test to end a run as if the process had been killed there.
  private struct Killed: Error {}

  private func values(_ store: ActivationStore, _ site: String) throws -> [UInt32] {
    var bits: [UInt32] = []
    try store.stream([site], maximumRows: 1 << 20) { bits += $0.values[0].elements.map(\.bitPattern) }
    return bits
  }

  /// Everything that h5py would see in a store, as a checksum of each dataset.
  private func content(_ url: URL) throws -> [String] {
    let store = try ActivationStore(opening: url)
    var lines = ["\(try store.documents)", "\(try store.spans)", "\(try store.tokens(in: 0..<store.tokenCount))"]
    for site in store.sites { lines.append("\(site.name) \(try values(store, site.name))") }
    for site in store.run.statisticsSites { lines.append("\(String(describing: try store.statistics(of: site.name)))") }
    return lines.map { SHA256.hexadecimal(of: $0.utf8) }
  }

  private func shardDates(_ url: URL) throws -> [String: Date] {
    var dates: [String: Date] = [:]
    // Before its first shard a run leaves no folder.
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    for name in names where name.hasPrefix("shard-") {
      let attributes = try FileManager.default.attributesOfItem(atPath: url.appending(path: name).path)
      dates[name] = attributes[.modificationDate] as? Date
    }
    return dates
  }

  private let settings = CaptureSettings(
    sites: "resid_post,mlp_post", storage: .float16, batchTokens: 40, shardTokens: 80, top: 3, sample: 10)

  private func capture(_ model: Model, _ documents: [Document], _ settings: CaptureSettings) throws -> Capture {
    try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
  }

  @Test func aRunThatWasStoppedAnywhereEndsTheSame() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    // Some documents are longer than the context, so that a shard can end within one.
    let documents = randomDocuments(16, lengths: 1...90)
    let whole = folder.url.appending(path: "whole")
    let undisturbed = try capture(model, documents, settings).run(to: whole)
    let expected = try content(whole)
    var batches = 0
    _ = try capture(model, documents, settings).run(to: folder.url.appending(path: "count")) {
      false
    } progress: { _ in
      batches += 1
    }
    #expect(batches > 15)
    for stop in stride(from: 0, to: batches, by: 3) {
      let url = folder.url.appending(path: "stopped-\(stop)")
      var seen = 0
      var computed = 0
      do {
        _ = try capture(model, documents, settings).run(to: url) {
          false
        } progress: {
          seen += 1
          computed = $0.tokens
          if seen > stop { throw Killed() }
        }
        Issue.record("the run was not stopped at batch \(stop)")
      } catch is Killed {}
      let before = try shardDates(url)
      let resumed = try capture(model, documents, settings).run(to: url, resume: true)
      #expect(try content(url) == expected)
      #expect(resumed.documents == undisturbed.documents && resumed.pieces == undisturbed.pieces)
      // No more than one shard (80 tokens and a batch) is computed twice.
      #expect(computed + resumed.computedTokens - undisturbed.computedTokens <= 80 + 40)
      for (name, date) in before { #expect(try shardDates(url)[name] == date) }
    }
  }

  @Test func interruptionClosesTheShardAndSaysHowToGoOn() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(24, lengths: 1...32)
    let url = folder.url.appending(path: "store")
    var batches = 0
    let found = #expect(throws: Fault.self) {
      try capture(model, documents, settings).run(to: url) {
        batches >= 3
      } progress: { _ in
        batches += 1
      }
    }
    #expect(found?.kind == .interrupted)
    #expect(found?.kind.rawValue == 75)
    #expect(found?.advice?.contains("--resume") == true)
    let part = try ActivationStore(opening: url)
    #expect(!part.isComplete)
    let stopped = part.tokenCount
    #expect(stopped > 40)
    let resumed = try capture(model, documents, settings).run(to: url, resume: true)
    #expect(resumed.computedTokens + stopped == resumed.tokens)
    let store = try ActivationStore(opening: url)
    #expect(store.isComplete)
    let whole = folder.url.appending(path: "whole")
    _ = try capture(model, documents, settings).run(to: whole)
    let undisturbed = try ActivationStore(opening: whole)
    #expect(try store.documents == undisturbed.documents)
    for site in store.sites {
      let equal = try values(store, site.name) == values(undisturbed, site.name)
      #expect(equal)
      let (a, b) = (try store.statistics(of: site.name), try undisturbed.statistics(of: site.name))
      // Shards were joined elsewhere: sums differ in their last bits, everything that is chosen or counted does not.
      #expect(a?.top == b?.top && a?.sample == b?.sample && a?.histogram == b?.histogram)
      #expect(a?.count == b?.count && a?.minimum == b?.minimum && a?.maximum == b?.maximum)
      let means = zip(a?.mean ?? [], b?.mean ?? [])
      #expect(means.allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($1)) })
    }
  }

  @Test func aCompleteRunIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(10, lengths: 1...32)
    let url = folder.url.appending(path: "store")
    _ = try capture(model, documents, settings).run(to: url, resume: true)
    let dates = try shardDates(url)
    let again = try capture(model, documents, settings).run(to: url, resume: true)
    #expect(again.wasComplete && again.computedTokens == 0 && again.tokens > 0)
    #expect(try shardDates(url) == dates)
    let found = #expect(throws: Fault.self) { try capture(model, documents, settings).run(to: url) }
    #expect(found?.name == "store.exists")
  }

  @Test func whatDiffersIsRefusedByName() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(24, lengths: 1...32)
    let url = folder.url.appending(path: "store")
    func begin() throws {
      try? FileManager.default.removeItem(at: url)
      var batches = 0
      _ = try? capture(model, documents, settings).run(to: url) {
        batches >= 5
      } progress: { _ in
        batches += 1
      }
    }
    func refusal(_ model: Model, _ documents: [Document], _ settings: CaptureSettings) throws -> Fault? {
      try begin()
      return #expect(throws: Fault.self) { try capture(model, documents, settings).run(to: url, resume: true) }
    }
    var other = settings
    other.context = 16
    #expect(try refusal(model, documents, other)?.description.contains("context") == true)
    other = settings
    other.storage = .float32
    #expect(try refusal(model, documents, other)?.name == "store.differs")
    other = settings
    other.seed = 5
    #expect(try refusal(model, documents, other)?.description.contains("seed") == true)
    other = settings
    other.batchTokens = 41
    #expect(try refusal(model, documents, other)?.description.contains("batch-tokens") == true)

    var changed = documents
    changed[2].tokens?[0] ^= 1
    #expect(try refusal(model, changed, settings)?.description.contains("corpus") == true)
    changed = documents
    changed.append(Document(id: "new", tokens: [1]))
    #expect(try refusal(model, changed, settings)?.description.contains("corpus") == true)

    let elsewhere = try TemporaryFolder()
    let stranger = try TinyModel.gpt2(in: elsewhere)
    try TinyModel.enlarge("wte.weight", element: 0, to: 0.5, in: elsewhere)
    try elsewhere.write(
      Array(
        "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_embd\":16,\"n_head\":4,\"n_positions\":32,\"vocab_size\":50}".utf8),
      "model/config.json")
    let reloaded = try Model.load(stranger.folder)
    #expect(try refusal(reloaded, documents, settings)?.description.contains("model") == true)
  }

  /// A corpus that comes as a stream has no digest of its own: the documents before the cursor are compared.
  @Test func aStreamThatChangedIsRefused() throws {
    let documents = randomDocuments(12, lengths: 1...9)
    let cutter = DocumentCutter(tokenizer: nil, context: 4, overflow: .split, vocabularySize: 50)
    let reader = try PieceReader(Corpus(documents: documents), cutter: cutter, share: nil, cursor: DocumentCursor())
    var pieces: [DocumentPiece] = []
    for _ in 0..<13 { pieces.append(try #require(try reader.next())) }
    let cursor = reader.cursor
    func resume(_ documents: [Document]) throws -> DocumentPiece? {
      try PieceReader(Corpus(documents: documents), cutter: cutter, share: nil, cursor: cursor).next()
    }
    #expect(try resume(documents) == reader.next())
    #expect(cursor.documents >= 4 && cursor.documents < 9)
    var later = documents
    later[9].group = "changed behind the cursor"
    _ = try resume(later)
    for change in 0..<4 {
      var changed = documents
      switch change {
      case 0: changed[3].id = "other"
      case 1: changed[cursor.documents - 1].labels = [:]
      case 2: changed[0].spans = []
      default: changed.removeLast(12 - cursor.documents + 1)
      }
      let found = #expect(throws: Fault.self) { try resume(changed) }
      #expect(found?.name == "capture.corpusChanged")
    }
  }
}
