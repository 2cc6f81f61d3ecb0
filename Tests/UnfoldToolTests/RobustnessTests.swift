import Foundation
import TestFiles
import Testing

/// What surrounds a command: its standard input and output, signals, and names that are taken.
@Suite("The command line: hostile surroundings", .serialized, .timeLimit(.minutes(5)))
struct RobustnessTests {
  /// Runs the tool by a shell, which `$0` names, with redirections behind.
  private func shell(_ tool: Tool, _ line: String) throws -> Tool.Outcome {
    try tool.run(URL(filePath: "/bin/sh"), ["-c", line, Tool.executable.path], in: tool.folder.url)
  }

  @Test(
    "Standard input that cannot be read",
    arguments: [
      ("exec \"$0\" run unfold-mini - <&-", 66, "cannot be read"),
      ("exec \"$0\" generate unfold-mini - < .", 66, "cannot be read"),
      ("head -c 5000000 /dev/zero | \"$0\" run unfold-mini -", 65, "longer than the model can take"),
    ] as [(String, Int32, String)])
  func input(line: String, code: Int32, says: String) throws {
    let outcome = try shell(Tool(), line)
    #expect(outcome.code == code)
    #expect(outcome.errors.contains(says) && outcome.errors.contains("  try:"))
  }

  @Test(
    "Results that cannot be written end with code 74",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")),
    arguments: ["run unfold-mini hi", "run unfold-mini hi --json", "--help", "--version", "generate unfold-mini hi"])
  func output(arguments: String) throws {
    let outcome = try shell(Tool(), "exec \"$0\" \(arguments) > /dev/full")
    #expect(outcome.code == 74)
    #expect(outcome.errors.contains("cannot be written"))
  }

  @Test(
    "With too little memory for products a command ends and says so, in place of waiting for it for ever",
    arguments: [300_000, 350_000, 400_000, 500_000, 700_000])
  func memory(kibibytes: Int) throws {
    let outcome = try shell(
      Tool(), "ulimit -v \(kibibytes) && exec timeout 60 \"$0\" run unfold-mini 'a text' --threads 2")
    // A file of the model that cannot be mapped is a fault of its own.
    #expect([0, 66, 71, 74].contains(outcome.code), "\(outcome.code): \(outcome.errors)")
    if outcome.code == 71 { #expect(outcome.errors.contains("gives no memory for")) }
  }

  @Test("A text of one token has no loss") func oneToken() throws {
    let outcome = try Tool().run("run", "unfold-mini", "")
    #expect(outcome.code == 0 && outcome.output.contains("probability") && !outcome.output.contains("loss"))
  }

  @Test("A file that is there is replaced only with --force") func taken() throws {
    let tool = try Tool()
    try tool.write("{\"text\": \"one two three\"}\n", to: "corpus.jsonl")
    for command in [
      ["anatomy", "gpt2", "--diagram", "svg", "-o", "taken"], ["fit", "circle", "--neurons", "1", "--figure", "taken"],
      ["probe", "sweep", "sentiment", "--model", "unfold-mini", "--table", "taken"],
      ["sae", "encode", "absent", "unfold-mini", "corpus.jsonl", "-o", "taken"],
    ] {
      try tool.write("mine", to: "taken")
      let outcome = try tool.run(command + ["--json"])
      #expect(outcome.code == 73 && outcome.faultName == "file.exists", "\(command): \(outcome.errors)")
      #expect(try String(contentsOf: tool.folder.file("taken"), encoding: .utf8) == "mine")
    }
    #expect(try tool.run("anatomy", "gpt2", "--diagram", "svg", "-o", "taken", "--force").code == 0)
    #expect(try String(contentsOf: tool.folder.file("taken"), encoding: .utf8).hasPrefix("<svg"))
  }

  @Test("A signal ends any command with code 75, and leaves nothing unfinished", arguments: [SIGINT, SIGTERM, SIGHUP])
  func signals(signal: Int32) throws {
    let tool = try Tool()
    let process = Process()
    process.executableURL = Tool.executable
    process.arguments = ["probe", "train", "sentiment", "--model", "unfold-mini", "-o", "p.safetensors", "--quiet"]
    process.currentDirectoryURL = tool.folder.url
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    usleep(400_000)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 75)
    #expect(try FileManager.default.contentsOfDirectory(atPath: tool.folder.url.path).isEmpty)
  }

  @Test("What nohup has told the process to ignore stays ignored") func hangUp() throws {
    let outcome = try shell(
      Tool(), "trap '' HUP; \"$0\" run unfold-mini 'a text' > out & sleep 0.1; kill -HUP $!; wait $!")
    #expect(outcome.code == 0)
  }

  @Test("A configuration that Git LFS has not fetched is named as such") func pointer() throws {
    let tool = try Tool()
    try FileManager.default.createDirectory(at: tool.folder.file("model"), withIntermediateDirectories: true)
    try tool.write("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n", to: "model/config.json")
    let outcome = try tool.run("run", "model", "a text", "--json")
    #expect(outcome.code == 65 && outcome.faultName == "file.gitLFSPointer")
  }

  @Test("A capture that fails before its first shard leaves no folder") func failsAtOnce() throws {
    let tool = try Tool()
    try tool.write("{\"text\": \"a text\"}\n{\"text\": 3}\n", to: "bad.jsonl")
    #expect(try tool.run("capture", "unfold-mini", "bad.jsonl", "-o", "store", "--quiet").code == 65)
    #expect(!FileManager.default.fileExists(atPath: tool.folder.file("store").path))
  }

  @Test("A misspelt command, flag or label is answered with the one that was meant") func didYouMean() throws {
    let tool = try Tool()
    #expect(try tool.run("captre").errors.contains("Did you mean 'capture'?"))
    #expect(try tool.run("store", "inof").errors.contains("Did you mean 'info'?"))
    #expect(try tool.run("run", "unfold-mini", "x", "--sitess", "embed").errors.contains("Did you mean '--sites'?"))
    let label = try tool.run("probe", "sweep", "unfold-mini", "sentiment", "--positive", "positve")
    #expect(label.code == 64 && label.errors.contains("did you mean positive?"))
    #expect(!(try tool.run("nonsense").errors.contains("Did you mean")))
  }

  @Test("Old names of flags are understood, and the new ones named") func oldNames() throws {
    let tool = try Tool()
    let old = try tool.run("probe", "sweep", "unfold-mini", "sentiment", "--pooling=nonsense")
    let new = try tool.run("probe", "sweep", "unfold-mini", "sentiment", "--pool", "nonsense")
    #expect(old.code == 64 && new.code == 64)
    #expect(old.errors.contains("--pooling is called --pool now"))
    #expect(old.errors.hasSuffix(new.errors))
  }

  @Test("Examples in the help fit a line of 80 columns, so that they can be pasted") func examples() throws {
    let dump = try Tool().run("--experimental-dump-help").output
    let document = try #require(try JSONSerialization.jsonObject(with: Data(dump.utf8)) as? [String: Any])
    var commands = [try #require(document["command"] as? [String: Any])]
    var examples = 0
    while let command = commands.popLast() {
      commands += command["subcommands"] as? [[String: Any]] ?? []
      let lines = (command["discussion"] as? String ?? "").split(separator: "\n")
      for line in lines where line.hasPrefix("  unfold ") || line.hasSuffix(" \\") {
        examples += 1
        #expect(line.count <= 80, "\(line)")
      }
    }
    #expect(examples > 100)
  }
}
