import Activations
import Diagnostics
import Foundation
import HDF5
import LinearAlgebra
import TestFiles
import Testing

@Suite struct StoreWritingTests {
  @Test func everythingComesBackAsWritten() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("store")
    let synthetic = SyntheticRun()
    try synthetic.capture(to: url)
    let store = try ActivationStore(opening: url)
    #expect(store.isComplete)
    #expect(store.run == synthetic.run)
    let documents = try store.documents
    #expect(documents.count == synthetic.documents)
    #expect(store.tokenCount == (0..<synthetic.documents).reduce(0) { $0 + synthetic.length($1) })
    #expect(documents.ids[20] == "document-20")
    #expect(documents.labels["label"]?[1] == .text("odd"))
    #expect(documents.labels["label"]?[3] == .some(nil))
    #expect(try store.text(ofDocument: 1) == "Text № 1, é\u{1F600}")
    #expect(try store.text(ofDocument: 4) == nil)
    #expect(try store.spans.rows.map(\.document) == stride(from: 0, to: 23, by: 3).map(Int32.init))
    #expect(try store.spans.spans(of: 3).first?.label == .text("span 3"))
    let tokens = try store.tokens(in: 0..<store.tokenCount)
    for document in 0..<documents.count {
      let range = documents.tokens(of: document)
      #expect(range.count == synthetic.length(document))
      #expect(tokens.ids[range.lowerBound] == Int32(document * 100))
      #expect(tokens.documents[range].allSatisfy { $0 == Int32(document) })
    }
    for (index, site) in SyntheticRun.sites.enumerated() {
      var next = 0
      try store.stream([site.name], maximumRows: 7) { block in
        #expect(block.rows.lowerBound == next)
        next = block.rows.upperBound
        for (offset, row) in block.rows.enumerated() {
          for column in 0..<site.width {
            #expect(block.values[0][offset, column] == SyntheticRun.value(site: index, row: row, column: column))
          }
        }
      }
      #expect(next == store.rowCount)
      let some = [store.rowCount - 1, 0, 41, 40, 39, 0]
      let values = try store.read(site.name, rows: some)
      for (offset, row) in some.enumerated() {
        #expect(values[offset, site.width - 1] == SyntheticRun.value(site: index, row: row, column: site.width - 1))
      }
    }
    #expect(H5Library.openObjectCount(inFolder: url.path) == 0, "every HDF5 object was closed")
    let fault = #expect(throws: Fault.self) { try store.stream(["blocks.0.hook_resid_pos"], maximumRows: 1) { _ in } }
    #expect(fault?.name == "activations.unknownSite")
    #expect(fault?.expected?.contains("blocks.0.hook_resid_post") == true)
  }

  @Test func mergedStatisticsAreThoseOfAllRows() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("store")
    try SyntheticRun().capture(to: url)
    let store = try ActivationStore(opening: url)
    for (index, site) in SyntheticRun.sites.enumerated() {
      let merged = try #require(try store.statistics(of: site.name))
      let whole = SyntheticRun.statistics(site, index, 0..<store.rowCount)
      #expect(merged.count == whole.count)
      #expect(merged.minimum == whole.minimum && merged.maximum == whole.maximum)
      #expect(merged.histogram == whole.histogram)
      #expect(merged.top == whole.top)
      #expect(merged.sample == whole.sample)
      for column in 0..<site.width {
        #expect(abs(merged.mean[column] - whole.mean[column]) < 1e-9)
        #expect(abs(merged.variance[column] - whole.variance[column]) < 1e-7)
        #expect(abs(merged.skewness[column] - whole.skewness[column]) < 1e-9)
        #expect(abs(merged.kurtosis[column] - whole.kurtosis[column]) < 1e-9)
        if !site.gated { #expect(abs(merged.firing[column] - whole.firing[column]) < 1e-12) }
      }
      // The index holds the same bits.
      let index = try H5File(opening: url.appendingPathComponent("index.h5").path)
      #expect(try index.dataset("statistics/\(site.name)/mean").read(as: Double.self) == merged.mean)
      let values = try PlainHDF5.numbers(
        "activations/\(site.name)", in: url.appendingPathComponent("index.h5").path)
      #expect(values.shape == [store.rowCount] + site.shape)
    }
  }

  /// Fails at every step in turn, once as an error that is tidied up after and once as a kill; the resumed run must end
  /// with the same bytes as an undisturbed one, having computed at most one shard again.
  @Test(arguments: [false, true])
  func failingAtAnyStepLosesNothing(killed: Bool) throws {
    let folder = try TemporaryFolder()
    var synthetic = SyntheticRun()
    synthetic.documents = 15
    let whole = folder.url.appendingPathComponent("whole")
    try synthetic.capture(to: whole)
    let expected = try contents(of: whole)
    var step = 0
    while true {
      step += 1
      let url = folder.url.appendingPathComponent("run-\(step)")
      let breaker = Breaker(failingAt: step, staysBroken: killed)
      do {
        try synthetic.capture(to: url, operations: breaker.operations)
      } catch let fault as Fault {
        #expect(fault.name == "test.broken")
      }
      let again = try synthetic.capture(to: url, resume: true)
      #expect(try contents(of: url) == expected, "step \(step)")
      #expect(again <= synthetic.documents)
      try FileManager.default.removeItem(at: url)
      if !breaker.reached { break }
    }
    #expect(step > 50)
  }

  @Test func resumeBeginsAtTheLastShardsEnd() throws {
    let folder = try TemporaryFolder()
    let synthetic = SyntheticRun()
    let url = folder.url.appendingPathComponent("store")
    try synthetic.capture(to: url, stopAfter: 15)
    let partial = try ActivationStore(opening: url)
    #expect(!partial.isComplete)
    let done = partial.documentCount
    #expect(done > 0 && done <= 15)
    #expect(try synthetic.capture(to: url, resume: true) == synthetic.documents - done)
    #expect(try synthetic.capture(to: url, resume: true) == 0, "a complete store is left alone")
  }

  @Test func anotherRunIsRefused() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("store")
    try SyntheticRun().capture(to: url, stopAfter: 15)
    #expect(#expect(throws: Fault.self) { try SyntheticRun().capture(to: url) }?.name == "store.exists")
    func refused(_ change: (inout StoreRun) -> Void) -> Fault? {
      var other = SyntheticRun()
      change(&other.run)
      return #expect(throws: Fault.self) { try other.capture(to: url, resume: true) }
    }
    #expect(refused { $0.origin.modelDigest = "01" }?.place == "model digest")
    #expect(refused { $0.origin.corpusDigest = "12" }?.place == "corpus digest")
    #expect(refused { $0.settings["context"] = "256" }?.place == "context")
    #expect(refused { $0.seed = 8 }?.place == "seed")
    #expect(refused { $0.sites.removeLast() }?.place == "sites")
  }

  @Test func aSecondWriterIsRefused() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("store")
    let first = try StoreWriter(at: url, run: SyntheticRun().run, resume: false)
    let fault = #expect(throws: Fault.self) { try StoreWriter(at: url, run: SyntheticRun().run, resume: true) }
    #expect(fault?.name == "store.inUse")
    first.abandon()
  }

  @Test func tooLittleSpaceIsSaidBeforeTheStart() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("store")
    let fault = #expect(throws: Fault.self) {
      try StoreWriter(at: url, run: SyntheticRun().run, resume: false, expectedBytes: 1 << 60)
    }
    #expect(fault?.name == "store.notEnoughSpace")
    #expect(fault?.kind == .inputOutput)
    #expect(fault?.expected?.contains("1,152,921,504,606,846,976") == true)
  }

  @Test func onePlainFile() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("all.h5")
    let synthetic = SyntheticRun()
    try synthetic.capture(to: url, stopAfter: 12)
    #expect(!FileManager.default.fileExists(atPath: url.path))
    try synthetic.capture(to: url, resume: true)
    #expect(try synthetic.capture(to: url, resume: true) == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["all.h5"])
    let shards = folder.url.appendingPathComponent("store")
    try synthetic.capture(to: shards)
    let one = try ActivationStore(opening: url)
    let many = try ActivationStore(opening: shards)
    #expect(one.run == many.run)
    #expect(try one.documents == many.documents)
    #expect(try one.spans == many.spans)
    #expect(try one.tokens(in: 0..<one.tokenCount) == many.tokens(in: 0..<many.tokenCount))
    for site in SyntheticRun.sites {
      #expect(try one.read(site.name, rows: 0..<one.rowCount) == many.read(site.name, rows: 0..<many.rowCount))
      #expect(try one.statistics(of: site.name) == many.statistics(of: site.name))
    }
  }

  @Test func pooledRowsAndStatisticsAlone() throws {
    let folder = try TemporaryFolder()
    let pooled = folder.url.appendingPathComponent("pooled")
    try SyntheticRun(rowKind: .document).capture(to: pooled)
    #expect(try ActivationStore(opening: pooled).rowCount == 23)
    let alone = folder.url.appendingPathComponent("alone")
    try SyntheticRun(sites: []).capture(to: alone)
    let store = try ActivationStore(opening: alone)
    #expect(try store.statistics(of: SyntheticRun.sites[0].name)?.count == store.tokenCount)
  }

  @Test func wholeChunksGoStraightToTheFile() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("store")
    var synthetic = SyntheticRun(
      shardTokens: 1 << 20,
      sites: [StoredSite(name: "wide", axes: ["d"], shape: [70_000], storage: .float16)])
    synthetic.run.statisticsSites = []
    synthetic.documents = 6
    try synthetic.capture(to: url)
    let file = try H5File(opening: url.appendingPathComponent("shard-00000.h5").path)
    let dataset = try file.dataset("activations/wide")
    #expect(dataset.chunk == [14, 70_000])
    let store = try ActivationStore(opening: url)
    let values = try store.read("wide", rows: 0..<store.rowCount)
    for row in 0..<store.rowCount {
      #expect(values[row, 69_999] == SyntheticRun.value(site: 0, row: row, column: 69_999))
    }
  }
}
