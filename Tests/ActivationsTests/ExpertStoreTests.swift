import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

/// The tiny random mixtures of experts that the reference script made, with Hugging Face's values.
enum TinyMixture {
  static let names = ["mixtral", "qwen3_moe", "deepseek_v3", "gpt_oss", "olmoe", "qwen2_moe"]

  static func folder(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "TransformerTests/Fixtures/\(name)")
  }

  static func model(_ name: String) throws -> Model { try Model.load(folder(name)) }

  /// Documents of random tokens of the mixtures' 24.
  static func documents(_ count: Int, lengths: ClosedRange<Int> = 1...20, seed: UInt64 = 4) -> [Document] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { number in
      let length = lengths.lowerBound + generator.integer(below: lengths.count)
      return Document(
        id: "d\(number)", tokens: (0..<length).map { _ in Int32(generator.integer(below: 24)) },
        labels: ["label": .text(["a", "b", "c"][number % 3])],
        spans: number % 2 == 0 ? [.init(start: 0, end: 1, label: .text("first"))] : [])
    }
  }
}

@Suite("Experts in a store") struct ExpertStoreTests {
  private let settings = CaptureSettings(
    sites: "resid_post,router_logits,expert_weights,expert_indices,expert_pre,expert_post", storage: .float32,
    batchTokens: 40, shardTokens: 90, top: 3, sample: 10)

  private func capture(
    _ model: Model, _ documents: [Document], _ settings: CaptureSettings, to url: URL, resume: Bool = false
  ) throws -> ActivationStore {
    _ = try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
      .run(to: url, resume: resume)
    return try ActivationStore(opening: url)
  }

  /// Every row of a site that is there.
  private func rows(_ source: some ActivationSource, _ site: String) throws -> [Int: [Float]] {
    var rows: [Int: [Float]] = [:]
    try source.streamRouted([site], maximumRows: 7) { block in
      let numbers = block.rowNumbers(0)
      #expect(numbers.count == block.values[0].rows && numbers.allSatisfy(block.rows.contains))
      for (place, row) in numbers.enumerated() { rows[row] = block.values[0].row(place) }
    }
    return rows
  }

  @Test("An expert's rows are those of the tokens routed to it", arguments: TinyMixture.names)
  func storesRoutedRows(name: String) throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model(name)
    let documents = TinyMixture.documents(29)
    let store = try capture(model, documents, settings, to: folder.file("store"))
    let live = try LiveActivations(
      model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
    #expect(store.sites.contains(where: \.isRouted) && live.sites.map(\.isRouted) == store.sites.map(\.isRouted))
    var total = 0
    for site in store.sites where site.isRouted {
      let layer = try #require(site.layer)
      let expert = try #require(site.expert)
      let chosen = try rows(store, "blocks.\(layer).mlp.hook_expert_indices")
      #expect(chosen.count == store.tokenCount)
      let expected = chosen.filter { $0.value.contains(Float(expert)) }.keys.sorted()
      let found = try rows(store, site.name)
      #expect(found.keys.sorted() == expected)
      #expect(try store.routedRows(of: site.name) == expected)
      #expect(try live.routedRows(of: site.name) == expected)
      #expect(try rows(live, site.name) == found)
      let asked = Array(0..<store.tokenCount).reversed()
      let read = try store.readRouted(site.name, rows: asked)
      #expect(read.rows == expected && read.values.elements == expected.flatMap { found[$0] ?? [] })
      try checkStatistics(store, site, found)
      total += found.count * (site.rowBytes + 8)
    }
    #expect(try ActivationStore.verify(store.url).problems == [])
    // All experts of a layer together get exactly what its tokens wake.
    let plan = try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
    let dense = store.sites.reduce(0) { $0 + ($1.isRouted ? 0 : $1.rowBytes) }
    let exact = total + store.tokenCount * (dense + 24)
    #expect(abs((plan.expectedBytes ?? 0) - exact) <= 1)
    #expect(try store.info().routedRows?.count == store.sites.count { $0.isRouted })
  }

  private func checkStatistics(_ store: ActivationStore, _ site: StoredSite, _ found: [Int: [Float]]) throws {
    let statistics = try #require(try store.statistics(of: site.name))
    #expect(statistics.count == found.count)
    let tokens = try store.tokens(in: 0..<store.tokenCount)
    for column in [0, site.width - 1] where !found.isEmpty {
      let values = found.values.map { Double($0[column]) }
      let mean = values.reduce(0, +) / Double(values.count)
      #expect(abs(statistics.mean[column] - mean) < 1e-5)
      #expect(statistics.maximum[column] == found.values.map { $0[column] }.max())
      let top = try #require(statistics.top)
      for place in column * top.k..<(column + 1) * top.k where top.rows[place] >= 0 {
        let row = Int(top.rows[place])
        #expect(found[row]?[column] == top.values[place])
        #expect(tokens.documents[row] == top.documents[place])
      }
      #expect(top.values[column * top.k] == statistics.maximum[column])
    }
    let sample = try #require(statistics.sample)
    #expect(sample.count == min(10, found.count))
    for index in 0..<sample.count {
      let row = Int(sample.rows[index])
      #expect(found[row] == Array(sample.values[index * site.width..<(index + 1) * site.width]))
      #expect(tokens.documents[row] == sample.documents[index])
    }
  }

  @Test("Stored rows hold Hugging Face's values", arguments: TinyMixture.names)
  func holdsReferenceValues(name: String) throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model(name)
    let expected = try SafetensorsFile(
      contentsOf: TinyMixture.folder(name).appending(path: "expected.safetensors"))
    func integers(_ name: String) throws -> [Int] {
      let tensor = try #require(expected[name])
      return tensor.withUnsafeBytes { bytes in
        (0..<tensor.count).map { Int(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
      }
    }
    let (ids, lengths, kept) = (try integers("ids"), try integers("lengths"), try integers("rows"))
    var start = 0
    let documents = lengths.enumerated().map { number, length in
      defer { start += length }
      return Document(id: "\(number)", tokens: ids[start..<start + length].map { Int32($0) })
    }
    var settings = settings
    settings.batchTokens = 4096
    let store = try capture(model, documents, settings, to: folder.file("store"))
    var checked = 0
    for site in store.sites where site.isRouted {
      guard let tensor = expected["site/\(site.name)"] else { continue }
      let reference = try tensor.floats()
      let found = try rows(store, site.name)
      // Hugging Face computes nothing for a token that an expert never saw: zeros stand there.
      let values = kept.flatMap { found[$0] ?? [Float](repeating: 0, count: site.width) }.prefix(reference.count)
      let largest = reference.reduce(0) { max($0, abs($1)) }
      let difference = zip(values, reference).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(values.count == reference.count && difference <= 2e-5 * max(largest, 1e-3), "\(site.name)")
      checked += 1
    }
    #expect(checked > 0)
  }

  @Test func aRunThatWasStoppedAnywhereEndsTheSame() throws {
    struct Killed: Error {}
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model("olmoe")
    let documents = TinyMixture.documents(30)
    let whole = try capture(model, documents, settings, to: folder.file("whole"))
    let expected = try contents(of: whole.url)
    #expect(expected.count > 4)
    for stop in [0, 2, 3, 6] {
      let url = folder.file("stopped-\(stop)")
      var seen = 0
      #expect(throws: Killed.self) {
        try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings).run(to: url)
        {
          false
        } progress: { _ in
          seen += 1
          if seen > stop { throw Killed() }
        }
      }
      _ = try capture(model, documents, settings, to: url, resume: true)
      #expect(try contents(of: url) == expected)
    }
  }

  @Test func partsMergeAndPack() throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model("mixtral")
    let documents = TinyMixture.documents(24)
    let site = "blocks.1.mlp.experts.2.hook_post"
    let parts = try (0..<2).map { index in
      var own = settings
      own.share = .init(index: index, count: 2)
      return try capture(model, documents, own, to: folder.file("part-\(index)"))
    }
    let merged = try ActivationStore.merge(parts.map(\.url), to: folder.file("merged"))
    #expect(try ActivationStore.verify(merged.url).problems == [])
    let (first, second) = (try rows(parts[0], site), try rows(parts[1], site))
    let joined = first.merging(Dictionary(uniqueKeysWithValues: second.map { ($0.key + parts[0].rowCount, $0.value) }))
    {
      $1
    }
    #expect(try rows(merged, site) == joined)
    #expect(try merged.statistics(of: site)?.count == joined.count)

    let indices = "blocks.1.mlp.hook_expert_indices"
    for storage in [StorageType.float16, .uint8, .bfloat16] {
      let packed = try merged.pack(to: folder.file("packed-\(storage.rawValue)"), storage: storage)
      #expect(try ActivationStore.verify(packed.url).problems == [])
      #expect(try rows(packed, indices) == rows(merged, indices))
      let values = try rows(packed, site)
      #expect(values.keys.sorted() == joined.keys.sorted())
      for (row, own) in joined {
        for (a, b) in zip(values[row] ?? [], own) { #expect(abs(a - b) < 0.02 * max(1, abs(b))) }
      }
    }
    let labelled = try ActivationStore.label(
      merged.url, with: StoreLabels(columns: ["kind": ["d0": .text("x"), "d1": .text("y")]]))
    #expect(try rows(labelled.store, site) == joined)
  }

  @Test func onePlainFileHoldsThem() throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model("qwen2_moe")
    let documents = TinyMixture.documents(24)
    var settings = settings
    settings.sites = "expert_post"
    let store = try capture(model, documents, settings, to: folder.file("store"))
    let file = try capture(model, documents, settings, to: folder.file("store.h5"))
    #expect(file.rowCount == store.tokenCount && file.sites == store.sites)
    for site in store.sites { #expect(try rows(file, site.name) == rows(store, site.name)) }
    #expect(try ActivationStore.verify(file.url).problems == [])
  }

  @Test func damagedRowNumbersAreFound() throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model("mixtral")
    var settings = settings
    settings.sites = "expert_post"
    let store = try capture(model, TinyMixture.documents(9), settings, to: folder.file("store"))
    let shard = store.url.appending(path: "shard-00000.h5")
    let bytes = try Data(contentsOf: shard)
    let site = try #require(store.sites.first)
    // The row numbers lie little-endian, eight bytes each.
    let numbers = try #require(try store.routedRows(of: site.name))
    var pattern = Data()
    for number in numbers.prefix(4) {
      withUnsafeBytes(of: Int64(number).littleEndian) { pattern.append(contentsOf: $0) }
    }
    let place = try #require(bytes.range(of: pattern))
    var damaged = bytes
    damaged[place.lowerBound] ^= 0x40
    try damaged.write(to: shard)
    #expect(try ActivationStore.verify(store.url).problems.map(\.name) == ["store.shardDamaged"])
    let fault = #expect(throws: Fault.self) { try rows(store, site.name) }
    #expect(["hdf5.checksum", "store.routedRows", "hdf5.damaged"].contains(fault?.name ?? ""))
  }

  @Test func whatNeedsEveryTokenIsRefused() throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model("mixtral")
    let documents = TinyMixture.documents(9)
    let site = "blocks.0.mlp.experts.1.hook_post"
    let store = try capture(model, documents, settings, to: folder.file("store"))
    let live = try LiveActivations(
      model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: settings)
    let faults = [
      #expect(throws: Fault.self) { try store.stream([site], maximumRows: 10) { _ in } },
      #expect(throws: Fault.self) { try live.stream([site], maximumRows: 10) { _ in } },
      #expect(throws: Fault.self) { _ = try store.read(site, rows: 0..<2) },
      #expect(throws: Fault.self) { _ = try store.read(site, rows: [0, 1]) },
    ]
    #expect(faults.map { $0?.name } == [String?](repeating: "activations.routedSite", count: 4))
    var pooled = settings
    pooled.pool = .mean
    let fault = #expect(throws: Fault.self) {
      try Capture(model: model, tokenizer: nil, corpus: Corpus(documents: documents), settings: pooled)
    }
    #expect(fault?.name == "capture.pool")
  }

  @Test func aSourceIsSeenThroughOneExpert() throws {
    let folder = try TemporaryFolder()
    let model = try TinyMixture.model("olmoe")
    let documents = TinyMixture.documents(30)
    let site = "blocks.1.mlp.experts.3.hook_post"
    let store = try capture(model, documents, settings, to: folder.file("store"))
    let own = try RoutedTokens(store, site: site)
    let expected = try #require(try store.routedRows(of: site))
    #expect(own.baseRows == expected && own.rowCount == expected.count)
    let all = try store.tokens(in: 0..<store.tokenCount)
    let tokens = try own.tokens(in: 0..<own.tokenCount)
    #expect(tokens.ids == expected.map { all.ids[$0] } && tokens.documents == expected.map { all.documents[$0] })
    #expect(own.documents.tokenCounts.reduce(0, +) == expected.count)
    for document in 0..<own.documents.count {
      #expect(own.documents.tokens(of: document).allSatisfy { tokens.documents[$0] == Int32(document) })
    }
    let (values, stream) = (try rows(store, site), try rows(store, "blocks.1.hook_resid_post"))
    var seen = 0
    try own.stream([site, "blocks.1.hook_resid_post"], maximumRows: 13) { block in
      for (offset, row) in block.rows.enumerated() {
        #expect(row == seen)
        #expect(block.values[0].row(offset) == values[expected[row]])
        #expect(block.values[1].row(offset) == stream[expected[row]])
        seen += 1
      }
    }
    #expect(seen == expected.count)
    #expect(own.spans.count == expected.count { all.positions[$0] == 0 && all.documents[$0] % 2 == 0 })
    let top = try #require(try own.statistics(of: site)?.top)
    #expect(top.rows.allSatisfy { $0 < Int64(expected.count) })
  }
}
