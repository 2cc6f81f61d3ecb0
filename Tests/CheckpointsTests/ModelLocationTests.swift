import Checkpoints
import Diagnostics
import Foundation
import TestFiles
import Testing

@Suite struct ModelLocationTests {
  private func surroundings(_ scratch: TemporaryFolder, _ environment: [String: String] = [:]) -> Surroundings {
    Surroundings(
      environment: environment, executableFolder: scratch.url.appending(path: "package/.build/x86/release"),
      workingFolder: scratch.url.appending(path: "work/deep"), home: scratch.url.appending(path: "home"),
      sourceRoot: scratch.url.appending(path: "source"))
  }

  @Test func aPathComesFirst() throws {
    let scratch = try TemporaryFolder()
    try scratch.write("{}", "work/deep/mini/config.json")
    try scratch.write("{}", "package/models/mini/config.json")
    let found = try ModelLocation.resolve("mini", in: surroundings(scratch))
    #expect(found.standardizedFileURL.path == scratch.url.appending(path: "work/deep/mini").standardizedFileURL.path)
    let home = try scratch.write("{}", "home/m/config.json").deletingLastPathComponent()
    #expect(try ModelLocation.resolve("~/m", in: surroundings(scratch)).path == home.path)
  }

  @Test(arguments: [
    "package/models", "package/.build/share/unfold/models", "work/models", "source/models", "elsewhere",
  ])
  func modelsThatShip(_ place: String) throws {
    let scratch = try TemporaryFolder()
    let folder = try scratch.write("{}", "\(place)/mini/config.json").deletingLastPathComponent()
    let setting = scratch.url.appending(path: "elsewhere").path
    let here = surroundings(scratch, ["UNFOLD_MODELS": "/nowhere:\(setting)"])
    #expect(try ModelLocation.resolve("mini", in: here).standardizedFileURL.path == folder.standardizedFileURL.path)
    #expect(ShippedFiles.models.names(in: here) == ["mini"])
    let found = fault { try ModelLocation.resolve("minu", in: here) }
    #expect(found?.name == "checkpoints.modelNotFound")
    #expect(found?.advice == "did you mean \"mini\"?")
  }

  @Test func datasetsThatShip() throws {
    let scratch = try TemporaryFolder()
    try scratch.write("", "package/datasets/code.jsonl")
    try scratch.write("", "package/datasets/prose.jsonl.gz")
    try scratch.write("", "package/datasets/folder/1.txt")
    try scratch.write("", "package/datasets/README.md")
    let here = surroundings(scratch)
    #expect(ShippedFiles.datasets.find("code", in: here)?.lastPathComponent == "code.jsonl")
    #expect(ShippedFiles.datasets.find("prose", in: here)?.lastPathComponent == "prose.jsonl.gz")
    #expect(ShippedFiles.datasets.find("folder", in: here)?.lastPathComponent == "folder")
    #expect(ShippedFiles.datasets.find("../datasets/code", in: here) == nil)
  }

  @Test func theHubCache() throws {
    let scratch = try TemporaryFolder()
    let model = "home/.cache/huggingface/hub/models--org--name"
    try scratch.write("abc123\n", "\(model)/refs/main")
    let here = surroundings(scratch)
    let incomplete = fault { try ModelLocation.resolve("org/name", in: here) }
    #expect(incomplete?.name == "checkpoints.incompleteCache")
    let snapshot = try scratch.write("{}", "\(model)/snapshots/abc123/config.json").deletingLastPathComponent()
    #expect(try ModelLocation.resolve("org/name", in: here).path == snapshot.path)
    #expect(try ModelLocation.resolve("org/name@main", in: here).path == snapshot.path)
    #expect(try ModelLocation.resolve("org/name@abc123", in: here).path == snapshot.path)
    #expect(fault { try ModelLocation.resolve("org/name@other", in: here) }?.name == "checkpoints.incompleteCache")
    #expect(fault { try ModelLocation.resolve("org/absent", in: here) }?.name == "checkpoints.modelNotFound")

    try scratch.write("{}", "hub/models--gpt2/snapshots/1/config.json")
    try scratch.write("1", "hub/models--gpt2/refs/main")
    for environment in [["HF_HUB_CACHE": scratch.url.path + "/hub", "HF_HOME": "/x"], ["HF_HOME": scratch.url.path]] {
      let found = try ModelLocation.resolve("gpt2", in: surroundings(scratch, environment))
      #expect(found.path.hasSuffix("hub/models--gpt2/snapshots/1"))
    }
  }

  @Test func aReferenceCannotLeadElsewhere() throws {
    let scratch = try TemporaryFolder()
    let model = "home/.cache/huggingface/hub/models--org--name"
    try scratch.write("../../../..", "\(model)/refs/main")
    try scratch.write("", "\(model)/snapshots/x")
    #expect(fault { try ModelLocation.resolve("org/name", in: surroundings(scratch)) }?.kind == .noInput)
    #expect(fault { try ModelLocation.resolve("../name", in: surroundings(scratch)) }?.kind == .noInput)
    #expect(fault { try ModelLocation.resolve("", in: surroundings(scratch)) }?.kind == .noInput)
  }
}
