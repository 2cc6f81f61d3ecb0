import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

@Suite struct CaptureTests {
  /// All rows of a site.
  private func rows(_ source: some ActivationSource, _ site: String) throws -> [[Float]] {
    var rows: [[Float]] = []
    try source.stream([site], maximumRows: 7) { block in
      #expect(block.rows.lowerBound == rows.count)
      for row in 0..<block.values[0].rows {
        rows.append((0..<block.values[0].columns).map { block.values[0][row, $0] })
      }
    }
    return rows
  }

  private func values(_ source: some ActivationSource, _ sites: [String]) throws -> [[Float]] {
    var values = sites.map { _ in [Float]() }
    try source.stream(sites, maximumRows: 7) { block in
      for index in sites.indices { values[index] += block.values[index].elements }
    }
    return values
  }

  private func capture(
    _ model: Model, _ documents: [Document], _ settings: CaptureSettings, to url: URL
  ) throws -> ActivationStore {
    let capture = try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
    _ = try capture.run(to: url)
    return try ActivationStore(opening: url)
  }

  @Test func storesWhatTheModelComputes() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(23, lengths: 1...32)
    let settings = CaptureSettings(
      sites: "resid_post,mlp_post,z,ln1_scale,pattern,attn_scores,result,logits", storage: .float32, batchTokens: 100,
      shardTokens: 150)
    let store = try capture(model, documents, settings, to: folder.url.appending(path: "store"))
    #expect(store.isComplete)
    #expect(try store.documents.ids == documents.map(\.id))
    #expect(try store.documents.labels["label"] == documents.map { $0.labels["label"] })
    let tokens = try store.tokens(in: 0..<store.tokenCount)
    #expect(tokens.ids == documents.flatMap { $0.tokens ?? [] })
    #expect(try store.spans.count == 6)
    let longest = documents.compactMap { $0.tokens?.count }.max() ?? 0
    for stored in store.sites {
      let site = try #require(model.architecture.site(named: stored.name))
      let found = try rows(store, stored.name)
      var next = 0
      for document in documents {
        let batch = TokenBatch(documents: [document.tokens ?? []])
        try model.run(
          batch,
          hooks: [
            Hook(site) { value in
              let own = value.copy()
              for row in 0..<value.rows.count {
                var wanted = Array(own[row * value.width..<(row + 1) * value.width])
                if site.kind == .pattern || site.kind == .scores {
                  let filling = site.kind == .scores ? -Float.infinity : 0
                  wanted = (0..<2).flatMap { head in
                    wanted[head * batch.count..<(head + 1) * batch.count]
                      + Array(repeating: filling, count: longest - batch.count)
                  }
                }
                let here = found[next + value.rows.lowerBound + row]
                guard here != wanted else { continue }
                #expect(here.count == wanted.count)
                // Other batches, other rounding in the last bits.
                #expect(zip(here, wanted).allSatisfy { $0 == $1 || abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
              }
            }
          ])
        next += batch.count
      }
      #expect(found.count == next)
    }
  }

  @Test(arguments: [false, true], [CaptureSettings.Pooling?.none, .mean])
  func statisticsAreThoseOfTheStoredValues(gated: Bool, pool: CaptureSettings.Pooling?) throws {
    let folder = try TemporaryFolder()
    let model = try gated ? TinyModel.llama(in: folder) : TinyModel.gpt2(in: folder)
    let documents = randomDocuments(60, lengths: 1...32)
    let settings = CaptureSettings(
      sites: "mlp_post,resid_mid", storage: .float32, pool: pool, batchTokens: 90, shardTokens: 300, top: 4, sample: 20)
    let store = try capture(model, documents, settings, to: folder.url.appending(path: "store"))
    let table = try store.documents
    let tokens = try store.tokens(in: 0..<store.tokenCount)
    for site in store.sites {
      #expect(site.gated == (gated && site.name.hasSuffix("mlp.hook_post")))
      let statistics = try #require(try store.statistics(of: site.name))
      let values = try rows(store, site.name)
      #expect(statistics.count == values.count)
      let top = try #require(statistics.top)
      #expect((statistics.bottom != nil) == site.gated)
      for column in 0..<site.width {
        let own = values.map { Double($0[column]) }
        let n = Double(own.count)
        let mean = own.reduce(0, +) / n
        let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
        let z = own.map { ($0 - mean) / variance.squareRoot() }
        #expect(abs(statistics.mean[column] - mean) < 1e-9)
        #expect(abs(statistics.variance[column] - variance) < 1e-9 * max(1, variance))
        #expect(abs(statistics.skewness[column] - z.reduce(0) { $0 + $1 * $1 * $1 } / n) < 1e-6)
        #expect(abs(statistics.kurtosis[column] - z.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n) < 1e-6)
        #expect(Double(statistics.minimum[column]) == own.min())
        #expect(Double(statistics.maximum[column]) == own.max())
        let largest = own.map { abs($0) }.max() ?? 0
        let firing = Double(own.count { site.gated ? abs($0) > largest / 10 : $0 > 0 }) / n
        // Gated: the threshold is known at the end alone, so values are counted in bins.
        #expect(abs(statistics.firing[column] - firing) < (site.gated ? 0.06 : 1e-12))
        let histogram = try #require(statistics.histogram)
        let counts = histogram.counts[column * histogram.bins..<(column + 1) * histogram.bins]
        #expect(counts.reduce(0, +) == Int64(own.count))

        var best: [(value: Float, row: Int, document: Int)] = []
        for (row, value) in values.enumerated() {
          let document = pool == nil ? Int(tokens.documents[row]) : row
          if best.last?.document == document {
            if value[column] > best[best.count - 1].value { best[best.count - 1] = (value[column], row, document) }
          } else {
            best.append((value[column], row, document))
          }
        }
        let wanted = best.sorted { ($1.value, $0.row) < ($0.value, $1.row) }.prefix(4)
        let places = column * 4..<column * 4 + 4
        #expect(Array(top.values[places]) == wanted.map(\.value))
        #expect(Array(top.rows[places]) == wanted.map { Int64($0.row) })
        #expect(Array(top.documents[places]) == wanted.map { Int32($0.document) })
      }
      let sample = try #require(statistics.sample)
      #expect(sample.count == 20)
      for index in 0..<sample.count {
        let row = Int(sample.rows[index])
        #expect(Array(sample.values[index * site.width..<(index + 1) * site.width]) == values[row])
        #expect(Int(sample.documents[index]) == (pool == nil ? Int(tokens.documents[row]) : row))
      }
      #expect(Set(sample.rows).count == 20)
    }
    #expect(table.count == documents.count)
  }

  @Test func statisticsAloneEqualThoseOfAStore() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(40, lengths: 1...32)
    var settings = CaptureSettings(storage: .float32, batchTokens: 90, shardTokens: 300, top: 4)
    let whole = try capture(model, documents, settings, to: folder.url.appending(path: "whole"))
    settings.statisticsOnly = true
    let alone = try capture(model, documents, settings, to: folder.url.appending(path: "alone"))
    #expect(alone.sites.isEmpty)
    #expect(alone.tokenCount == whole.tokenCount)
    for site in whole.sites {
      #expect(try alone.statistics(of: site.name) == whole.statistics(of: site.name))
    }
  }

  @Test(arguments: [StorageType.float16, .bfloat16])
  func storageTypes(_ storage: StorageType) throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(10, lengths: 1...32)
    let exact = try capture(model, documents, CaptureSettings(storage: .float32), to: folder.url.appending(path: "a"))
    let store = try capture(model, documents, CaptureSettings(storage: storage), to: folder.url.appending(path: "b"))
    let precision: Float = storage == .float16 ? 0x1p-11 : 0x1p-8
    for site in store.sites {
      #expect(site.storage == storage)
      for (rounded, value) in zip(try rows(store, site.name), try rows(exact, site.name)) {
        #expect(zip(rounded, value).allSatisfy { abs($0 - $1) <= max(precision * abs($1), 0x1p-24) })
      }
    }
  }

  @Test func pooling() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(25, lengths: 1...32)
    let site = "blocks.1.hook_resid_post"
    let settings = CaptureSettings(sites: site + ",logits", storage: .float32, batchTokens: 64)
    let tokens = try capture(model, documents, settings, to: folder.url.appending(path: "tokens"))
    let table = try tokens.documents
    for name in [site, "unembed.hook_out"] {
      let values = try rows(tokens, name)
      for pool in CaptureSettings.Pooling.allCases {
        var pooled = settings
        pooled.pool = pool
        let store = try capture(model, documents, pooled, to: folder.url.appending(path: "\(pool)-\(name)"))
        #expect(store.rowKind == .document && store.rowCount == 25)
        let found = try rows(store, name)
        let live = try LiveActivations(
          model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: pooled)
        #expect(try rows(live, name) == found)
        for document in 0..<25 {
          let own = table.tokens(of: document).map { values[$0] }
          for column in own[0].indices {
            let wanted: Double =
              switch pool {
              case .mean: own.reduce(0) { $0 + Double($1[column]) } / Double(own.count)
              case .max: Double(own.map { $0[column] }.max() ?? 0)
              case .last: Double(own[own.count - 1][column])
              }
            #expect(abs(Double(found[document][column]) - wanted) < 1e-6)
          }
        }
      }
    }
  }

  @Test func liveActivationsEqualAStore() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.llama(in: folder)
    let documents = randomDocuments(25, lengths: 1...60)
    let settings = CaptureSettings(sites: "mlp_post,pattern", storage: .float32, batchTokens: 64)
    let store = try capture(model, documents, settings, to: folder.url.appending(path: "store"))
    let live = try LiveActivations(
      model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
    #expect(live.documents == (try store.documents))
    #expect(live.spans == (try store.spans))
    #expect(live.sites == store.sites)
    #expect(live.origin == store.origin)
    #expect(live.rowCount == store.rowCount)
    #expect(try live.tokens(in: 5..<90) == store.tokens(in: 5..<90))
    // Together the sites are computed as in the capture, to the bit.
    let all = live.sites.map(\.name)
    #expect(try values(live, all) == values(store, all))
    // Alone, a site's last bits may differ: a pattern that nobody asked for is mixed in blocks.
    for site in live.sites {
      for (own, stored) in zip(try rows(live, site.name).joined(), try rows(store, site.name).joined()) {
        #expect(abs(own - stored) <= 1e-5 * max(1, abs(stored)))
      }
    }
    #expect(#expect(throws: Fault.self) { try rows(live, "blocks.9.x") }?.name == "activations.unknownSite")
  }

  @Test func longDocuments() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    var documents = randomDocuments(3, lengths: 70...80)
    documents[1].spans = [.init(start: 30, end: 40, label: .number(1))]
    var settings = CaptureSettings(sites: "resid_post", storage: .float32, batchTokens: 40)
    let split = try capture(model, documents, settings, to: folder.url.appending(path: "split"))
    let table = try split.documents
    #expect(table.ids == ["d0", "d0", "d0", "d1", "d1", "d1", "d2", "d2", "d2"])
    #expect(table.pieces == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    #expect(table.tokenCounts.prefix(2) == [32, 32])
    let tokens = try split.tokens(in: 0..<split.tokenCount)
    #expect(tokens.ids == documents.flatMap { $0.tokens ?? [] })
    #expect(tokens.positions[32] == 0)
    // The span from 30 to 40 of the second document lies in its first piece and its second.
    #expect(
      try split.spans.rows.filter { $0.document == 3 || $0.document == 4 }.map { [$0.start, $0.end] } == [
        [30, 32], [0, 8],
      ])

    settings.overflow = .truncate
    let cut = try capture(model, documents, settings, to: folder.url.appending(path: "cut"))
    #expect(try cut.documents.tokenCounts == [32, 32, 32])
    settings.overflow = .refuse
    let found = #expect(throws: Fault.self) {
      try capture(model, documents, settings, to: folder.url.appending(path: "refused"))
    }
    #expect(found?.name == "capture.documentTooLong")
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "refused").path))
  }

  @Test func theSummaryCountsDocumentsPiecesAndWhatWasCut() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    var documents = randomDocuments(4, lengths: 70...80)
    documents[3].tokens = [1, 2, 3]
    let corpus = Corpus(documents: documents)
    func summary(_ overflow: CaptureSettings.Overflow) throws -> CaptureSummary {
      var settings = CaptureSettings(sites: "resid_post")
      settings.overflow = overflow
      return try Capture(model: model, tokenizer: nil, corpus: corpus, settings: settings)
        .run(to: folder.url.appending(path: overflow.rawValue))
    }
    let split = try summary(.split)
    #expect(split.documents == 4 && split.pieces == 10 && split.cutDocuments == 0 && split.cutTokens == 0)
    let cut = try summary(.truncate)
    #expect(cut.documents == 4 && cut.pieces == 4 && cut.cutDocuments == 3)
    #expect(cut.cutTokens == split.tokens - cut.tokens)
  }

  @Test func shares() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let documents = randomDocuments(11, lengths: 1...32)
    var ids: [String] = []
    for index in 0..<3 {
      let settings = CaptureSettings(sites: "resid_post", share: .init(index: index, count: 3))
      let store = try capture(model, documents, settings, to: folder.url.appending(path: "s\(index)"))
      ids += try store.documents.ids
    }
    #expect(ids.sorted() == documents.map(\.id).sorted())
    #expect(ids.prefix(4) == ["d0", "d3", "d6", "d9"])
  }

  @Test func overflowNamesTheValue() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    // One bias beyond float16: every token overflows in column 5.
    try TinyModel.enlarge("h.1.mlp.c_proj.bias", element: 5, to: 70_000, in: folder)
    let changed = try Model.load(model.folder)
    let documents = randomDocuments(4, lengths: 3...9)
    let url = folder.url.appending(path: "store")
    let found = #expect(throws: Fault.self) {
      try capture(changed, documents, CaptureSettings(sites: "resid_post"), to: url)
    }
    #expect(found?.name == "capture.overflow")
    #expect(found?.place == "blocks.1.hook_resid_post, column 5, document \"d0\", token 0")
    #expect(found?.advice?.contains("bfloat16") == true)
    #expect((try? FileManager.default.contentsOfDirectory(atPath: url.path))?.contains { $0.hasSuffix(".h5") } != true)
    let wide = try capture(
      changed, documents, CaptureSettings(sites: "resid_post", storage: .bfloat16),
      to: folder.url.appending(path: "wide"))
    #expect(wide.isComplete)
  }

  @Test(arguments: [
    (CaptureSettings(sites: "resid_pots"), "transformer.unknownSite"),
    (CaptureSettings(context: 33), "capture.context"),
    (CaptureSettings(context: 0), "capture.context"),
    (CaptureSettings(sites: "pattern", pool: .mean), "capture.pool"),
    (CaptureSettings(sites: "pattern", statisticsOnly: true), "capture.setting"),
    (CaptureSettings(storage: .uint8), "capture.setting"),
    (CaptureSettings(batchTokens: 0), "capture.setting"),
    (CaptureSettings(top: -1), "capture.setting"),
  ])
  func settingsThatCannotBeUsed(_ settings: CaptureSettings, name: String) throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    let found = #expect(throws: Fault.self) {
      try Capture(
        model: model, tokenizer: nil, corpus: Corpus(documents: randomDocuments(2, lengths: 1...3)),
        settings: settings)
    }
    #expect(found?.name == name)
    #expect(found?.kind == .usage)
  }

  @Test func tokensBeyondTheVocabularyAndTextWithoutTokenizer() throws {
    let folder = try TemporaryFolder()
    let model = try TinyModel.gpt2(in: folder)
    for (document, name) in [
      (Document(id: "a", tokens: [1, 50]), "capture.token"), (Document(id: "a", text: "x"), "capture.noTokenizer"),
    ] {
      let found = #expect(throws: Fault.self) {
        try Capture(
          model: model, tokenizer: nil, corpus: Corpus(documents: [document]), settings: CaptureSettings())
      }
      #expect(found?.name == name)
    }
  }
}
