import Foundation
import TestFiles
import Testing

/// Runs the built tool as a user would.
struct Tool {
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String

    /// The stable name of the error in the JSON document.
    var faultName: String? {
      let document = try? JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
      return (document?["error"] as? [String: Any])?["name"] as? String
    }
  }

  /// The executable lies beside the test bundle.
  static let executable: URL = {
    var folder = Bundle.module.bundleURL.deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appending(path: "unfold")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      folder.deleteLastPathComponent()
    }
    return URL(filePath: "unfold")
  }()

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  /// - Parameter input: the file that standard input is.
  func run(
    _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(Self.executable, arguments, in: folder.url, input: input, environment: environment)
  }

  /// Runs a program that is built beside the tool.
  func run(program name: String, in folder: URL) throws -> Outcome {
    try run(Self.executable.deletingLastPathComponent().appending(path: name), [], in: folder)
  }

  func run(
    _ program: URL, _ arguments: [String], in place: URL, input: String? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    if !environment.isEmpty {
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    }
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = place
    // Output goes to files: a pipe that nobody reads would fill up.
    let (output, errors) = (folder.file("stdout"), folder.file("stderr"))
    for file in [output, errors] { FileManager.default.createFile(atPath: file.path, contents: nil) }
    if let input { process.standardInput = try FileHandle(forReadingFrom: folder.file(input)) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  func write(_ text: String, to name: String) throws { try folder.write(text, name) }
}

@Suite("The command line", .serialized)
struct CommandLineTests {
  @Test(
    "Bad input ends with its class's code and a stable name",
    arguments: [
      (["capture", "no-such-model", "demo-corpus", "-o", "s"], 66, "checkpoints.modelNotFound"),
      (["capture", "unfold-mini", "absent.jsonl", "-o", "s"], 66, "corpus.notFound"),
      (["capture", "unfold-mini", "half.jsonl", "-o", "s"], 65, nil),
      (["capture", "unfold-mini", "untexted.jsonl", "-o", "s"], 65, nil),
      (["capture", "unfold-mini", "twice.jsonl", "-o", "s"], 65, nil),
      (["capture", "unfold-mini", "two.jsonl", "-o", "s", "--sites", "resid_pots"], 64, "transformer.unknownSite"),
      (["capture", "unfold-mini", "two.jsonl", "-o", "s", "--layers", "9"], 64, "transformer.layers"),
      (["capture", "unfold-mini", "two.jsonl", "-o", "half.jsonl"], 73, nil),
      (["probe", "sweep", "unfold-mini", "two.jsonl"], 65, "probe.singleClass"),
      (["probe", "apply", "absent.safetensors", "unfold-mini", "x"], 66, nil),
      (["store", "info", "absent"], 66, nil),
      (["neurons", "show", "absent", "L1.2"], 66, nil),
      (["run", "unfold-mini", "a text", "--attend", "absent"], 64, "session.noSuchToken"),
      (["run", "unfold-mini", "a text", "--attribute", "not one token"], 64, "session.notOneToken"),
      (["superposition", "pack", "1", "3"], 64, "superposition.vectors"),
      (["superposition", "toy", "polygon"], 64, "superposition.unknownExperiment"),
      (["superposition", "measure", "absent.safetensors"], 66, nil),
      (["fit", "circel"], 64, "fitting.unknownShape"),
    ] as [([String], Int32, String?)])
  func badInput(arguments: [String], code: Int32, name: String?) throws {
    let tool = try Tool()
    try tool.write("{\"text\": \"a", to: "half.jsonl")
    try tool.write("{\"id\": \"a\"}\n", to: "untexted.jsonl")
    try tool.write("{\"id\": \"a\", \"text\": \"x\"}\n{\"id\": \"a\", \"text\": \"y\"}\n", to: "twice.jsonl")
    try tool.write(
      "{\"text\": \"one\", \"label\": \"a\"}\n{\"text\": \"two\", \"label\": \"a\"}\n", to: "two.jsonl")
    let outcome = try tool.run(arguments + ["--json"])
    #expect(outcome.code == code, "\(outcome.errors)")
    #expect(outcome.errors.contains("error: "))
    #expect(outcome.faultName != nil)
    if let name { #expect(outcome.faultName == name) }
    #expect(!FileManager.default.fileExists(atPath: tool.folder.file("s").path))
  }

  @Test("Usage errors end with code 64") func usage() throws {
    let tool = try Tool()
    for arguments in [
      ["nonsense"], ["capture"], ["run", "unfold-mini", "x", "--top", "0"], ["tokenize", "unfold-mini"],
    ] {
      #expect(try tool.run(arguments).code == 64)
    }
  }

  @Test("A run tells tokens, loss and next tokens") func run() throws {
    let tool = try Tool()
    let outcome = try tool.run("run", "unfold-mini", "The king and the", "--json", "--top", "4")
    #expect(outcome.code == 0)
    let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    let loss = try #require(document?["loss"] as? [String: Any])
    let tokens = try #require(document?["tokens"] as? [Int])
    #expect(loss["predictions"] as? Int == tokens.count - 1)
    let (total, mean) = (try #require(loss["total"] as? Double), try #require(loss["mean"] as? Double))
    #expect(abs(total / Double(tokens.count - 1) - mean) < 1e-9 * total)
    #expect((document?["next"] as? [[String: Any]])?.count == 4)
  }

  @Test("The journey: capture, verify, probe, neurons, and a resume that has nothing to do") func journey() throws {
    let tool = try Tool()
    let capture = ["capture", "unfold-mini", "citations", "-o", "store", "--quiet", "--layers", "1,2"]
    for arguments in [
      capture, capture + ["--resume"], ["store", "verify", "store", "--quiet"], ["store", "info", "store", "--json"],
      [
        "probe", "train", "store", "--sites", "resid_post", "--layers", "2", "-o", "p.safetensors", "--bootstrap", "20",
      ],
      ["probe", "show", "p.safetensors"],
      ["probe", "apply", "p.safetensors", "unfold-mini", "Smith, J. (1990). On rain. Oxford."],
      ["neurons", "top", "store", "--concept", "citation"], ["neurons", "top", "store", "--neuron", "L2.10"],
      ["neurons", "top", "unfold-mini", "--text", "Smith (1990)", "--statistics", "store", "--layers", "1,2"],
      ["neurons", "show", "store", "L1.3"], ["neurons", "rank", "store", "-n", "3", "--no-labels"],
      ["store", "pack", "store", "-o", "small"],
      ["store", "verify", "small"],
    ] {
      let outcome = try tool.run(arguments)
      #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
      #expect(!outcome.output.isEmpty)
    }
    // What is there is never written over.
    #expect(try tool.run(capture).code == 73)
    // Another setting is not the run that was begun.
    let other = try tool.run(capture + ["--resume", "--top", "3", "--json"])
    #expect(other.faultName == "store.differs")
  }
}
