import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing

@testable import Transformer

/// Models in less memory than their weights take.
struct MemoryTests {
  /// Everything that a run shows: all sites' values and the logits.
  private func values(_ model: Model, _ batch: TokenBatch) throws -> [String: [Float]] {
    var found: [String: [Float]] = [:]
    let hooks = model.architecture.sites.map { site in
      Hook(site) { value in value.withUnsafeBuffer { found[site.name, default: []] += $0 } }
    }
    let logits = model.architecture.hasLogits ? Model.LogitRows.all : .none
    found["logits"] = try model.run(batch, hooks: hooks, logits: logits)?.elements
    return found
  }

  /// The least that a model needs for this batch, with everything hooked.
  private func least(_ model: Model, _ batch: TokenBatch) -> Int {
    let hooks = model.architecture.sites.map { Hook($0) { _ in } }
    return model.runBytes(batch, hooks, model.architecture.hasLogits ? .all : .none) + model.store.passingBytes
  }

  /// What all prepared weights are expected to take.
  private func all(_ model: Model) -> Int {
    model.store.table.allMatrices.reduce(0) {
      $0 + PreparedWeights.expectedBytes(outputs: $1.outputs, inputs: $1.inputs ?? 1, type: model.compute)
    }
  }

  /// Families whose weights lie in every way that there is: transposed, joined, by head, in pairs, stacked experts.
  @Test(arguments: [
    "gpt2", "llama", "bert", "bloom", "deepseek_v3", "falcon-new", "gpt_neox", "gpt_oss", "mixtral", "opt-350m",
    "phi3", "qwen2_moe", "stablelm-qk-norm",
  ])
  func nothingChangesWhereNothingIsKept(name: String) throws {
    let reference = try Reference(name)
    let whole = try values(reference.model, reference.batch)
    let least = least(reference.model, reference.batch)
    let small = try Model.load(Reference.folder(name), memory: least)
    #expect(try bits(values(small, reference.batch)) == bits(whole))
    #expect(small.keptWeightBytes == 0)
    // Again: what was read is read anew.
    let before = small.preparedMatrices
    #expect(try bits(values(small, reference.batch)) == bits(whole))
    #expect(small.preparedMatrices > before)
    #expect(small.weightBytesRead > 0)
  }

  @Test(arguments: ["gpt2", "llama", "mixtral"])
  func asMuchIsKeptAsFits(name: String) throws {
    let reference = try Reference(name)
    let whole = try values(reference.model, reference.batch)
    let (all, kept) = (all(reference.model), reference.model.keptWeightBytes)
    let least = least(reference.model, reference.batch)
    for share in 1...6 {
      let budget = all * share / 5
      // A sixteenth of the whole is left to reading ahead.
      let memory = (least + budget) * 16 / 15 + 16
      let model = try Model.load(Reference.folder(name), memory: memory)
      #expect(try bits(values(model, reference.batch)) == bits(whole), "\(share) fifths")
      #expect(model.keptWeightBytes <= memory - least)
      #expect(share < 6 || model.keptWeightBytes == kept)
      #expect(share != 4 || model.keptWeightBytes > 0)
    }
  }

  private func bits(_ values: [String: [Float]]) -> [String: [UInt32]] { values.mapValues { $0.map(\.bitPattern) } }

  @Test func aFaultSaysWhatIsNeeded() throws {
    let reference = try Reference("llama")
    let least = least(reference.model, reference.batch)
    let model = try Model.load(Reference.folder("llama"), memory: least - 1)
    let fault = #expect(throws: Fault.self) { _ = try values(model, reference.batch) }
    #expect(fault?.name == "transformer.notEnoughMemory")
    #expect(fault?.expected?.contains("KiB") == true || fault?.expected?.contains("bytes") == true)
    // Fewer tokens fit.
    _ = try model.run(TokenBatch(documents: [[1, 2]]), logits: .lastOfEachDocument)
  }

  @Test func aLargerRunTakesTheMemoryOfKeptWeights() throws {
    let reference = try Reference("llama")
    _ = try values(reference.model, reference.batch)
    let kept = reference.model.keptWeightBytes
    let small = TokenBatch(documents: [[1, 2, 3]])
    let hooks = reference.model.architecture.sites.map { Hook($0) { _ in } }
    let memory =
      (reference.model.runBytes(small, hooks, .all) + reference.model.store.passingBytes + all(reference.model)) * 16
      / 15 + 16
    let model = try Model.load(Reference.folder("llama"), memory: memory)
    _ = try values(model, small)
    #expect(model.keptWeightBytes == kept)
    let large = TokenBatch(
      documents: Array(repeating: [1, 2, 3, 4, 5, 6], count: memory / 6 / model.architecture.workingBytesPerToken - 40))
    _ = try model.run(large, hooks: [Hook(model.architecture.sites[0]) { _ in }])
    #expect(model.keptWeightBytes < kept)
    #expect(model.keptWeightBytes + large.count * model.architecture.workingBytesPerToken <= memory)
  }

  @Test func generationPreparesEachMatrixOnce() throws {
    let model = try Model.load(Reference.folder("llama"))
    _ = try model.generate(after: [[1, 2]], count: 1)
    let once = model.preparedMatrices
    _ = try model.generate(after: [[1, 2, 3]], count: 6)
    #expect(model.preparedMatrices == once)
    #expect(once == model.store.table.allMatrices.count)
  }

  @Test func runsAtOncePrepareAMatrixOnce() throws {
    let model = try Model.load(Reference.folder("llama"))
    Threads.forEach(4) { _ in
      _ = try? model.run(TokenBatch(documents: [[1, 2, 3]]), logits: .lastOfEachDocument)
    }
    #expect(model.preparedMatrices == model.store.table.allMatrices.count)
  }

  @Test func randomizedModelsKeepTheLimit() throws {
    let reference = try Reference("llama")
    let least = least(reference.model, reference.batch)
    let whole = try values(try reference.model.randomized(seed: 3), reference.batch)
    let small = try Model.load(Reference.folder("llama"), memory: least).randomized(seed: 3)
    #expect(try bits(values(small, reference.batch)) == bits(whole))
    #expect(small.keptWeightBytes == 0)
  }

  // MARK: - The machine

  private func write(_ text: String, _ path: String, in folder: TemporaryFolder) throws {
    let url = folder.url.appending(path: path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: url, atomically: true, encoding: .utf8)
  }

  #if os(Linux)
    @Test func theSystemsFreeMemoryCounts() throws {
      let folder = try TemporaryFolder()
      #expect(MachineMemory(root: folder.url.path).available == nil)
      try write(
        "MemTotal:  24684092 kB\nMemFree: 100 kB\nMemAvailable:   2048 kB\n", "proc/meminfo", in: folder)
      #expect(MachineMemory(root: folder.url.path).available == 2048 << 10)
      try write("0::/\n", "proc/self/cgroup", in: folder)
      #expect(MachineMemory(root: folder.url.path).available == 2048 << 10)
      #expect(MachineMemory(root: folder.url.path).allowance == 0)
    }

    @Test func limitsOfTheSecondVersionCount() throws {
      let folder = try TemporaryFolder()
      let machine = MachineMemory(root: folder.url.path)
      try write("MemAvailable: 16777216 kB\n", "proc/meminfo", in: folder)
      try write("0::/user.slice/session-1.scope\n", "proc/self/cgroup", in: folder)
      let groups = "sys/fs/cgroup/user.slice"
      try write("max\n", groups + "/session-1.scope/memory.max", in: folder)
      try write("7000\n", groups + "/session-1.scope/memory.current", in: folder)
      #expect(machine.available == 16 << 30)
      // The limit of the group above holds too; pages of files are given up when memory is short.
      try write("2147483648\n", groups + "/memory.max", in: folder)
      try write("1147483648\n", groups + "/memory.current", in: folder)
      try write("anon 1\ninactive_file 1000\nactive_file 500\n", groups + "/memory.stat", in: folder)
      #expect(machine.available == 1_000_001_500)
      try write("1000000000\n", groups + "/session-1.scope/memory.max", in: folder)
      #expect(machine.available == 999_993_000)
      try write("5000\n", groups + "/session-1.scope/memory.max", in: folder)
      #expect(machine.available == 0)
    }

    @Test func limitsOfTheFirstVersionCount() throws {
      let folder = try TemporaryFolder()
      let machine = MachineMemory(root: folder.url.path)
      try write("MemAvailable: 16777216 kB\n", "proc/meminfo", in: folder)
      try write("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n", "proc/self/cgroup", in: folder)
      // In a container the group's own folder is not there: its files lie at the mount's root.
      let root = "sys/fs/cgroup/memory"
      try write("9223372036854771712\n", root + "/memory.limit_in_bytes", in: folder)
      try write("10\n", root + "/memory.usage_in_bytes", in: folder)
      #expect(machine.available == 16 << 30)
      try write("4000000\n", root + "/memory.limit_in_bytes", in: folder)
      try write("3000000\n", root + "/memory.usage_in_bytes", in: folder)
      try write(
        "cache 1\ntotal_inactive_file 70000\ntotal_active_file 30000\n", root + "/memory.stat", in: folder)
      #expect(machine.available == 1_100_000)
      try write("nonsense\n", root + "/memory.limit_in_bytes", in: folder)
      #expect(machine.available == 16 << 30)
    }
  #endif

  @Test func weightsAreReadInAnyPieces() throws {
    for name in ["gpt2", "bloom", "gpt_oss", "falcon-new", "phi3", "deepseek_v3", "opt-350m"] {
      let table = try Model.load(Reference.folder(name)).store.table
      for entry in table.allMatrices {
        let (width, whole) = (entry.inputs ?? 1, try entry.floats())
        var pieces = [Float](repeating: 0, count: whole.count)
        for first in stride(from: 0, to: entry.outputs, by: 5) {
          let rows = first..<min(first + 5, entry.outputs)
          try pieces.withUnsafeMutableBufferPointer { try entry.read(rows, into: $0.baseAddress! + first * width) }
          for (part, all) in zip(entry.extents(of: rows), entry.extents()) {
            #expect(part.bytes.lowerBound >= all.bytes.lowerBound && part.bytes.upperBound <= all.bytes.upperBound)
          }
        }
        #expect(pieces == whole, "\(name) \(entry.tensor.name)")
      }
    }
  }
}
