import Activations
import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing
import Transformer

/// Captures whose model does not fit the memory that they may take.
struct CaptureMemoryTests {
  private struct Killed: Error {}

  private let settings = CaptureSettings(sites: "resid_post,mlp_post", shardTokens: 2000, top: 3, sample: 10)
  private let documents = randomDocuments(900, lengths: 20...32)

  private func capture(_ model: Model, _ settings: CaptureSettings, documents count: Int = 900) throws -> Capture {
    try Capture(
      model: model, tokenizer: nil, corpus: Corpus(documents: Array(documents.prefix(count))), settings: settings)
  }

  /// As much memory as all weights but a part of them need.
  private func tight(_ folder: URL, documents count: Int = 900) throws -> Int {
    let plan = try capture(Model.load(folder, memory: 1 << 30), settings, documents: count).memory
    return plan.total - plan.weights * 3 / 4
  }

  private func files(_ store: URL) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: store.path) where name.hasSuffix(".h5") {
      files[name] = FileManager.default.contents(atPath: store.appending(path: name).path)
    }
    return files
  }

  @Test func withRoomForAllWeightsBatchesAreUsual() throws {
    let folder = try TemporaryFolder()
    let model = try Model.load(try TinyModel.llama(in: folder).folder, memory: 1 << 30)
    let plan = try capture(model, settings).memory
    #expect(plan.batchTokens == 4096)
    #expect(plan.rereadBytes == 0)
    #expect(plan.total <= plan.limit && plan.limit == 1 << 30)
    #expect(plan.total == plan.weights + plan.reading + plan.batch + plan.statistics + plan.store + plan.program)
  }

  @Test func batchesGrowWhereWeightsAreReadAnew() throws {
    let folder = try TemporaryFolder()
    let location = try TinyModel.llama(in: folder).folder
    let few = 100
    let limit = try tight(location, documents: few)
    let model = try Model.load(location, memory: limit)
    let small = try capture(model, settings, documents: few)
    #expect(small.memory.batchTokens > 4096)
    #expect(small.memory.rereadBytes > 0 && small.memory.rereadBytes <= small.memory.weightFileBytes)
    #expect(small.memory.total <= limit)
    let summary = try small.run(to: folder.url.appending(path: "small"))
    #expect(summary.batchTokens == small.memory.batchTokens)
    #expect(summary.secondsWaitingForWeights >= 0 && summary.secondsWaitingForWeights < summary.seconds)

    // The same bytes as with everything kept.
    var same = settings
    same.batchTokens = summary.batchTokens
    let whole = folder.url.appending(path: "whole")
    _ = try capture(Model.load(location), same, documents: few).run(to: whole)
    #expect(try files(whole) == files(folder.url.appending(path: "small")))

    // What the user says holds.
    same.batchTokens = 500
    let said = try capture(model, same, documents: few)
    #expect(said.memory.batchTokens == 500)
    _ = try said.run(to: folder.url.appending(path: "said"))
    #expect(model.weightBytesRead > model.checkpoint.byteCount)
  }

  @Test func aResumedRunKeepsItsBatches() throws {
    let folder = try TemporaryFolder()
    let location = try TinyModel.llama(in: folder).folder
    let enough = try tight(location)
    // Less than the usual batch needs.
    let limit = enough - (1 << 20)
    let undisturbed = folder.url.appending(path: "undisturbed")
    let summary = try capture(Model.load(location, memory: limit), settings).run(to: undisturbed)
    for (first, then) in [(limit, nil), (nil, enough)] as [(Int?, Int?)] {
      let url = folder.url.appending(path: "stopped-\(first ?? 0)")
      var seen = 0
      #expect(throws: Killed.self) {
        _ = try capture(Model.load(location, memory: first), settings).run(to: url) {
          false
        } progress: { _ in
          seen += 1
          if seen == 2 { throw Killed() }
        }
      }
      let resumed = try capture(Model.load(location, memory: then), settings).run(to: url, resume: true)
      #expect(summary.batchTokens != 4096)
      #expect(resumed.batchTokens == (first == nil ? 4096 : summary.batchTokens))
      if first != nil { #expect(try files(url) == files(undisturbed)) }
    }
  }

  @Test func tooLittleForAnythingIsSaidBeforeTheStart() throws {
    let folder = try TemporaryFolder()
    let model = try Model.load(try TinyModel.llama(in: folder).folder, memory: 1 << 20)
    let store = folder.url.appending(path: "store")
    let fault = #expect(throws: Fault.self) { try capture(model, settings).run(to: store) }
    #expect(fault?.name == "transformer.notEnoughMemory")
    #expect(fault?.found == "1 MiB allowed")
    #expect(!FileManager.default.fileExists(atPath: store.path))
  }
}
