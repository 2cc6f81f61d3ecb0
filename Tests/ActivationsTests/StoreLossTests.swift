import Activations
import Diagnostics
import Foundation
import TestFiles
import Testing

/// What a store does not hold is said, and never taken for all there is.
@Suite struct StoreLossTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func share(_ text: String?, documents: Int = 6, context: String = "512") throws -> URL {
    var run = SyntheticRun(shardTokens: 1000)
    run.documents = documents
    run.run.settings["shard"] = text
    run.run.settings["context"] = context
    let url = folder.file("part-\((text ?? "whole").replacing("/", with: "-"))-\(context)")
    if !FileManager.default.fileExists(atPath: url.path) { try run.capture(to: url) }
    return url
  }

  private func refusal(_ parts: [URL]) -> Fault? {
    let output = folder.file("out")
    defer { #expect(!FileManager.default.fileExists(atPath: output.path)) }
    return #expect(throws: Fault.self) { try ActivationStore.merge(parts, to: output) }
  }

  @Test func aMissingShareIsNamed() throws {
    let fault = try refusal([share("0/3"), share("1/3")])
    #expect(fault?.name == "store.shares" && fault?.kind == .badData)
    #expect(fault?.found?.contains("missing: 2/3") == true)
    #expect(try refusal([share("7/40"), share("9/40")])?.found?.contains("and 30 more") == true)
  }

  @Test func aShareGivenTwiceIsRefused() throws {
    let fault = try refusal([share("0/2"), share("1/2"), share("0/2")])
    #expect(fault?.name == "store.shares" && fault?.found?.contains("0/2") == true)
  }

  @Test func storesThatAreNoSharesOfOneRunAreRefused() throws {
    #expect(try refusal([share(nil), share(nil)])?.name == "store.shares")
    #expect(try refusal([share("0/2"), share(nil)])?.name == "store.shares")
    #expect(try refusal([share("0/2"), share("1/3")])?.name == "store.shares")
    #expect(try refusal([share("0/2"), share("2/2")])?.name == "store.shares")
    #expect(try refusal([share("0/2"), share("1/2", context: "256")])?.name == "store.differs")
  }

  @Test func sharesInAnyOrderAreJoined() throws {
    let merged = try ActivationStore.merge([share("1/2"), share("0/2")], to: folder.file("out"))
    #expect(merged.documentCount == 12 && merged.isComplete)
    #expect(try ActivationStore.verify(merged.url).problems == [])
  }

  @Test func anUnfinishedStoreIsNotPackedAndSaysWhatItHolds() throws {
    var run = SyntheticRun(shardTokens: 20)
    run.documents = 20
    run.run.expectedDocuments = 20
    let url = folder.file("half")
    try run.capture(to: url, stopAfter: 9)
    let store = try ActivationStore(opening: url)
    #expect(!store.isComplete && store.documentCount < 20)
    #expect(store.unfinishedNote?.contains("\(store.documentCount) of 20 documents") == true)
    let output = folder.file("packed")
    let fault = #expect(throws: Fault.self) { try store.pack(to: output, storage: .float16) }
    #expect(fault?.name == "store.incomplete" && fault?.found?.contains("of 20 documents") == true)
    #expect(!FileManager.default.fileExists(atPath: output.path))
    try run.capture(to: url, resume: true)
    #expect(try ActivationStore(opening: url).pack(to: output, storage: .float16).documentCount == 20)
  }

  /// What another program sees where a shard is gone, or the index was copied alone.
  @Test(arguments: [["shard-00001.h5"], ["shard-00000.h5", "shard-00001.h5", "shard-00002.h5"]])
  func theIndexShowsNaNWhereAShardIsMissing(missing: [String]) throws {
    var run = SyntheticRun(shardTokens: 20)
    run.documents = 14
    let url = folder.file("store")
    try run.capture(to: url)
    let index = url.appending(path: "index.h5").path
    let names =
      SyntheticRun.sites.map { "activations/\($0.name)" } + ["tokens/id", "tokens/document", "documents/first_token"]
    let whole = try names.map { try PlainHDF5.numbers($0, in: index).values }
    #expect(whole.allSatisfy { $0.allSatisfy(\.isFinite) })
    for name in missing { try FileManager.default.removeItem(at: url.appending(path: name)) }
    for (name, before) in zip(names, whole) {
      let after = try PlainHDF5.numbers(name, in: index).values
      let changed = zip(before, after).filter { $0 != $1 }.map(\.1)
      #expect(!changed.isEmpty && changed.allSatisfy { $0.isNaN || $0 == -1 || $0 == 65535 }, "\(name)")
    }
  }
}
