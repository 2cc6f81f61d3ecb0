import Activations
import Foundation
import LinearAlgebra
import TestFiles
import Testing

/// A Python with h5py, where there is one: `UNFOLD_REFERENCE_PYTHON` or `python3`.
private let referencePython: String? = {
  let named = ProcessInfo.processInfo.environment["UNFOLD_REFERENCE_PYTHON"].map { [$0] } ?? []
  return (named + ["/usr/bin/python3"]).first { path in
    guard FileManager.default.isExecutableFile(atPath: path) else { return false }
    return (try? output(path, ["-c", "import h5py"])) != nil
  }
}()

private struct Failed: Error {}

private func output(_ program: String, _ arguments: [String]) throws -> Data {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw Failed() }
  return data
}

@Suite struct StoreH5pyTests {
  private struct Seen: Decodable {
    struct Dataset: Decodable {
      var dtype: String
      var shape: [Int]
      var virtual: Bool
      var sum: Double?
      var first: [String]?
    }
    var datasets: [String: Dataset]
    var order: [String]
  }

  @Test(.enabled(if: referencePython != nil, "no Python with h5py here"), arguments: ["store", "store.h5"])
  func h5pyReadsTheSame(name: String) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent(name)
    let synthetic = SyntheticRun()
    try synthetic.capture(to: url)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Scripts/references/store.py")
    let python = try #require(referencePython)
    let seen = try JSONDecoder().decode(Seen.self, from: output(python, [script.path, url.path]))
    let store = try ActivationStore(opening: url)
    let types = ["float16", "float32", "uint16", "float16"]
    #expect(seen.order == SyntheticRun.sites.map(\.name))
    for (index, site) in SyntheticRun.sites.enumerated() {
      let dataset = try #require(seen.datasets["/activations/\(site.name)"])
      #expect(dataset.dtype == types[index])
      #expect(dataset.shape == [store.rowCount] + site.shape)
      #expect(dataset.virtual == (name == "store"))
      var sum = 0.0
      for row in 0..<store.rowCount {
        for column in 0..<site.width { sum += Double(SyntheticRun.value(site: index, row: row, column: column)) }
      }
      #expect(dataset.sum == sum)
      #expect(seen.datasets["/statistics/\(site.name)/mean"]?.shape == [site.width])
    }
    for column in ["id", "position", "document", "start", "end", "special"] {
      #expect(seen.datasets["/tokens/\(column)"]?.dtype == "int32")
      #expect(seen.datasets["/tokens/\(column)"]?.shape == [store.tokenCount])
    }
    #expect(seen.datasets["/documents/text"]?.first?[1] == "Text № 1, é\u{1F600}")
    #expect(seen.datasets["/documents/label"]?.first == ["even", "odd", "even", ""])
    #expect(seen.datasets["/spans/label"]?.first?[1] == "span 3")
  }

  @Test(.enabled(if: referencePython != nil, "no Python with h5py here"), arguments: ["store", "store.h5"])
  func h5pyReadsExpertsWithTheirRows(name: String) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent(name)
    let capture = try Capture(
      model: TinyMixture.model("olmoe"), tokenizer: nil, corpus: Corpus(documents: TinyMixture.documents(20)),
      settings: CaptureSettings(
        sites: "resid_post,expert_indices,expert_post", storage: .float32, batchTokens: 40, shardTokens: 60))
    _ = try capture.run(to: url)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Scripts/references/store.py")
    let python = try #require(referencePython)
    let seen = try JSONDecoder().decode(Seen.self, from: output(python, [script.path, url.path]))
    let store = try ActivationStore(opening: url)
    for site in store.sites {
      let dataset = try #require(seen.datasets["/activations/\(site.name)"])
      let numbers = seen.datasets["/rows/\(site.name)"]
      guard site.isRouted, let rows = try store.routedRows(of: site.name) else {
        #expect(numbers == nil && dataset.shape == [store.rowCount] + site.shape)
        continue
      }
      #expect(dataset.shape == [rows.count] + site.shape && dataset.virtual == (name == "store"))
      #expect(numbers?.shape == [rows.count] && numbers?.dtype == "int64")
      #expect(rows.isEmpty || numbers?.sum == Double(rows.reduce(0, +)))
      let values = try store.readRouted(site.name, rows: rows).values.elements
      #expect(rows.isEmpty || abs((dataset.sum ?? .nan) - values.reduce(0.0) { $0 + Double($1) }) < 1e-6)
    }
  }
}
