import Activations
import Diagnostics
import Foundation
import HDF5
import LinearAlgebra
import TestFiles
import Testing

@Suite struct StoreOperationsTests {
  let folder: TemporaryFolder
  let url: URL
  let synthetic: SyntheticRun

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appendingPathComponent("store")
    var run = SyntheticRun()
    run.documents = 14
    synthetic = run
    try run.capture(to: url)
  }

  private func change(_ name: String, _ body: (inout Data) -> Void) throws {
    let file = url.appendingPathComponent(name)
    var bytes = try Data(contentsOf: file)
    body(&bytes)
    try bytes.write(to: file)
  }

  @Test func aSoundStoreIsFoundSound() throws {
    let result = try ActivationStore.verify(url)
    #expect(result.problems == [])
    #expect(result.files == 3)
    let info = try ActivationStore(opening: url).info()
    #expect(info.shards == 2 && info.documents == 14 && info.labels == ["label"] && info.isComplete)
    #expect(try JSONEncoder().encode(info).count > 100)
  }

  /// A flipped bit anywhere in a shard is found by `verify`, and never read as if nothing were.
  @Test func aFlippedBitIsFound() throws {
    let original = try Data(contentsOf: url.appendingPathComponent("shard-00000.h5"))
    let whole = try ActivationStore(opening: url)
    let values = try SyntheticRun.sites.map { try whole.read($0.name, rows: 0..<whole.rowCount) }
    let documents = try whole.documents
    for place in stride(from: 5, to: original.count, by: 2999) {
      try change("shard-00000.h5") { $0[place] ^= 16 }
      let problems = try ActivationStore.verify(url).problems
      #expect(problems.first?.name == "store.shardDamaged", "byte \(place)")
      #expect(problems.first?.file?.hasSuffix("shard-00000.h5") == true)
      do {
        let store = try ActivationStore(opening: url)
        for (site, expected) in zip(SyntheticRun.sites, values) {
          #expect(try store.read(site.name, rows: 0..<store.rowCount) == expected, "byte \(place)")
        }
        #expect(try store.documents == documents, "byte \(place)")
      } catch let fault as Fault {
        #expect(fault.file?.hasSuffix("shard-00000.h5") == true)
      }
      try original.write(to: url.appendingPathComponent("shard-00000.h5"))
    }
    #expect(H5Library.openObjectCount(inFolder: url.path) == 0)
  }

  @Test func aMissingShardIsNeverZeros() throws {
    try FileManager.default.removeItem(at: url.appendingPathComponent("shard-00001.h5"))
    let fault = #expect(throws: Fault.self) { try ActivationStore(opening: url) }
    #expect(fault?.name == "store.missingShard")
    #expect(try ActivationStore.verify(url).problems.first?.name == "store.missingShard")
  }

  @Test func aTruncatedShardIsSeenOnOpening() throws {
    try change("shard-00001.h5") { $0.removeLast(100) }
    #expect(#expect(throws: Fault.self) { try ActivationStore(opening: url) }?.name == "store.shardDamaged")
  }

  @Test func everyPrefixOfTheManifestIsReadOrRefused() throws {
    let whole = try Data(contentsOf: url.appendingPathComponent("manifest.jsonl"))
    let expected = try contents(of: url)
    for length in stride(from: 0, through: whole.count, by: 41) {
      try change("manifest.jsonl") { $0 = whole.prefix(length) }
      do {
        let store = try ActivationStore(opening: url)
        #expect(!store.isComplete || length == whole.count)
        #expect(store.documentCount <= 14)
      } catch let fault as Fault {
        #expect(fault.name == "store.empty", "\(length) bytes")
      }
    }
    // A torn last line is dropped, and the run goes on from the line before.
    try change("manifest.jsonl") { $0 = whole.prefix(whole.count - 20) }
    #expect(try synthetic.capture(to: url, resume: true) == 0)
    #expect(try contents(of: url) == expected)
    for place in stride(from: 0, to: whole.count, by: 97) {
      try change("manifest.jsonl") {
        $0 = whole
        $0[place] ^= 1
      }
      #expect(throws: Fault.self, "byte \(place)") { try ActivationStore(opening: url) }
    }
  }

  @Test func aStaleIndexIsFoundAndMadeAnew() throws {
    let expected = try contents(of: url)
    try change("index.h5") { $0[2000] ^= 1 }
    #expect(try ActivationStore.verify(url).problems.map(\.name) == ["store.indexStale"])
    try ActivationStore.rebuildIndex(url)
    #expect(try contents(of: url) == expected)
  }

  @Test(arguments: StorageType.allCases)
  func packingKeepsTheValues(storage: StorageType) throws {
    let store = try ActivationStore(opening: url)
    let packed = try store.pack(to: folder.url.appendingPathComponent("packed"), storage: storage)
    #expect(packed.isComplete)
    #expect(try packed.documents == store.documents)
    #expect(try packed.tokens(in: 0..<packed.tokenCount) == store.tokens(in: 0..<store.tokenCount))
    for site in SyntheticRun.sites {
      let (before, after) = try (
        store.read(site.name, rows: 0..<store.rowCount), packed.read(site.name, rows: 0..<packed.rowCount)
      )
      // Whole numbers up to 48 are exact but in bytes, whose step is at most 96 / 255.
      let tolerance: Float = storage == .uint8 ? 96.0 / 510 + 1e-4 : 0
      #expect(zip(before.elements, after.elements).allSatisfy { abs($0 - $1) <= tolerance })
      #expect(try packed.statistics(of: site.name) == store.statistics(of: site.name))
    }
    #expect(try ActivationStore.verify(packed.url).problems == [])
  }

  @Test func packingRefusesWhatDoesNotFit() throws {
    let large = folder.url.appendingPathComponent("large")
    var run = SyntheticRun().run
    run.sites = [StoredSite(name: "x", axes: ["d"], shape: [2], storage: .float32)]
    run.statisticsSites = []
    let writer = try StoreWriter(at: large, run: run, resume: false)
    try writer.append(
      documents: [DocumentRow(id: "a", firstToken: 0, tokenCount: 1)],
      tokens: TokenTable(ids: [1], positions: [0], documents: [0], starts: [0], ends: [1], special: [0]), spans: [])
    let block = try writer.makeBlock(site: 0, rows: 1)
    block.bytes.storeBytes(of: 1, as: Float.self)
    block.bytes.storeBytes(of: 70_000, toByteOffset: 4, as: Float.self)
    try writer.append(block)
    _ = try writer.endBatch()
    try writer.finish(cursor: DocumentCursor(documents: 1), statistics: [:])
    let output = folder.url.appendingPathComponent("packed")
    let fault = #expect(throws: Fault.self) { try ActivationStore(opening: large).pack(to: output, storage: .float16) }
    #expect(fault?.name == "store.overflow")
    #expect(fault?.place == "site x, row 0, column 1")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["large", "store"])
  }

  @Test func mergingJoinsThePartsOfARun() throws {
    var urls: [URL] = []
    for part in 0..<2 {
      var run = synthetic
      run.run.settings["shard"] = "\(part)/2"
      urls.append(folder.url.appendingPathComponent("part-\(part)"))
      try run.capture(to: urls[part])
    }
    let merged = try ActivationStore.merge(urls, to: folder.url.appendingPathComponent("merged"))
    let store = try ActivationStore(opening: url)
    #expect(merged.rowCount == 2 * store.rowCount && merged.documentCount == 28)
    let documents = try merged.documents
    #expect(documents.firstTokens[14] == store.tokenCount)
    #expect(documents.ids[14] == "document-0")
    let tokens = try merged.tokens(in: 0..<merged.tokenCount)
    for document in 0..<28 {
      #expect(documents.tokens(of: document).allSatisfy { tokens.documents[$0] == Int32(document) })
    }
    #expect(try merged.spans.rows.map(\.document) == [0, 3, 6, 9, 12, 14, 17, 20, 23, 26])
    let site = SyntheticRun.sites[0].name
    #expect(try merged.statistics(of: site)?.count == 2 * store.rowCount)
    let second = try merged.read(site, rows: store.rowCount..<merged.rowCount)
    #expect(try second.elements == store.read(site, rows: 0..<store.rowCount).elements)
    #expect(try ActivationStore.verify(merged.url).problems == [])
    var other = synthetic
    other.run.origin.modelDigest = "ff"
    let stranger = folder.url.appendingPathComponent("stranger")
    try other.capture(to: stranger)
    #expect(
      #expect(throws: Fault.self) {
        try ActivationStore.merge([url, stranger], to: folder.url.appendingPathComponent("m"))
      }?.name == "store.differs")
  }

  /// Each step fails once, or from then on as a kill would: the store is as it was, or its index is made anew, and the same
  /// command then works and leaves one file of labels.
  @Test(arguments: [false, true]) func labelsThatCannotBeWrittenChangeNothing(staysBroken: Bool) throws {
    let first = StoreLabels(columns: ["topic": ["document-0": .text("a")]])
    let second = StoreLabels(columns: ["topic": ["document-0": .text("b")], "tone": ["document-1": .text("c")]])
    try ActivationStore.label(url, with: first)
    let before = try ActivationStore(opening: url).documents
    var failures = 0
    for step in 1... {
      let breaker = Breaker(failingAt: step, staysBroken: staysBroken)
      do {
        try ActivationStore.label(url, with: second, operations: breaker.operations)
        break
      } catch let fault as Fault where fault.name == "test.broken" {
        failures += 1
      }
      if staysBroken { try ActivationStore.rebuildIndex(url) }
      #expect(try ActivationStore.verify(url).isSound, "step \(step)")
      // What fails behind the manifest's line comes after the labels are there.
      if try ActivationStore(opening: url).documents != before { break }
    }
    #expect(failures > 5)
    try ActivationStore.label(url, with: second)
    #expect(try ActivationStore.verify(url).isSound)
    #expect(try ActivationStore(opening: url).documents.labels["topic"]?[0] == .text("b"))
    #expect(try ActivationStore(opening: url).documents.labels["tone"]?[1] == .text("c"))
  }

  @Test func labelsAreAddedToAFinishedStore() throws {
    let jsonl = try folder.write(
      Array(
        """
        {"id": "document-0", "topic": "zero", "spans": [{"start": 0, "end": 4, "label": "word"}]}
        {"id": "document-3", "topic": "three"}

        """.utf8), "labels.jsonl")
    let csv = try folder.write(Array("id,score,label\ndocument-1,0.5,new\n".utf8), "labels.csv")
    try ActivationStore.label(url, with: StoreLabels(contentsOf: jsonl, fields: ["topic"]))
    let (store, labelled) = try ActivationStore.label(
      url, with: StoreLabels(contentsOf: csv, fields: ["score", "label"]))
    #expect(labelled == ["score": 1, "label": 1])
    let documents = try store.documents
    #expect(documents.labels["topic"]?[0] == .text("zero") && documents.labels["topic"]?[3] == .text("three"))
    #expect(documents.labels["score"]?[1] == .number(0.5))
    #expect(documents.labels["label"]?[1] == .text("new") && documents.labels["label"]?[0] == .some(nil))
    #expect(try store.spans.rows == [SpanRow(document: 0, start: 0, end: 4, label: .text("word"))])
    #expect(try ActivationStore.verify(url).problems == [])
    let scores = try PlainHDF5.numbers("labels/score", in: url.appendingPathComponent("index.h5").path).values
    #expect(scores.count == 14 && scores[1] == 0.5 && scores[0].isNaN)
    let files = try FileManager.default.contentsOfDirectory(atPath: url.path).filter { $0.hasPrefix("labels") }
    #expect(files == ["labels-00001.h5"])
    let fault = #expect(throws: Fault.self) {
      try ActivationStore.label(url, with: StoreLabels(columns: ["x": ["document-99": .number(1)]]))
    }
    #expect(fault?.name == "store.unknownDocument")
  }

  @Test func aForeignFileCannotReachOthers() throws {
    let path = folder.url.appendingPathComponent("foreign.h5").path
    do {
      let file = try H5File(creating: path)
      let group = try file.makeGroup("activations")
      _ = try group.makeVirtualDataset(
        "x", .float32, sources: [.init(file: "/etc/hostname.h5", dataset: "/x", shape: [1, 1])])
    }
    #expect(
      #expect(throws: Fault.self) { try ActivationStore(opening: URL(fileURLWithPath: path)) }?.name
        == "hdf5.foreignStorage")
  }

  /// Needs a small file system, which only root can make; skipped elsewhere.
  @Test(.enabled(if: geteuid() == 0 && FileManager.default.fileExists(atPath: "/bin/mount")))
  func aFullDiskKeepsWhatIsFinished() throws {
    let small = folder.url.appendingPathComponent("small")
    try FileManager.default.createDirectory(at: small, withIntermediateDirectories: true)
    func run(_ arguments: [String]) throws -> Int32 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: arguments[0])
      process.arguments = Array(arguments.dropFirst())
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    guard try run(["/bin/mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", small.path]) == 0 else { return }
    defer { _ = try? run(["/bin/umount", "-l", small.path]) }
    let store = small.appendingPathComponent("store")
    var larger = synthetic
    larger.documents = 60
    let fault = #expect(throws: Fault.self) { try larger.capture(to: store) }
    #expect(fault?.name == "store.outOfSpace")
    #expect(fault?.kind == .inputOutput)
    let kept = try ActivationStore(opening: store).documentCount
    #expect(kept > 0)
    #expect(try !FileManager.default.contentsOfDirectory(atPath: store.path).contains { $0.hasSuffix(".part") })
    #expect(try run(["/bin/mount", "-o", "remount,size=64m", small.path]) == 0)
    #expect(try larger.capture(to: store, resume: true) == 60 - kept)
    let undisturbed = folder.url.appendingPathComponent("undisturbed")
    try larger.capture(to: undisturbed)
    #expect(try contents(of: store) == contents(of: undisturbed))
  }
}
