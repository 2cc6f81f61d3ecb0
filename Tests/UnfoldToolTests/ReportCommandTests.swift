import Foundation
import TestFiles
import Testing

/// Pages of a small store, made by the tool once and looked at in a real browser where there is one.
@Suite("unfold report", .serialized)
struct ReportCommandTests {
  private static let hostile = "<script>alert(1)</script> \u{0600}<img src=x onerror=alert(2)> & \\\"quoted\\\""

  /// A store of some of the demo's documents and a few full of HTML, a dictionary and a probe.
  nonisolated(unsafe) private static let made = Result {  // The suite runs one test at a time.
    let tool = try Tool()
    let shipped = RecipesTests.root.appending(path: "datasets/demo-corpus.jsonl")
    var lines = try String(contentsOf: shipped, encoding: .utf8).split(separator: "\n").prefix(120).map(String.init)
    for number in 0..<6 {
      lines.append("{\"id\": \"hostile-\(number)\", \"label\": \"<b>bad</b>\", \"text\": \"\(number) \(hostile)\"}")
    }
    try tool.write(lines.joined(separator: "\n") + "\n", to: "corpus.jsonl")
    for arguments in [
      [
        "capture", "unfold-mini", "corpus.jsonl", "-o", "store", "--sites", "resid_post,mlp_post", "--layers", "1,2",
        "-q",
      ],
      [
        "sae", "train", "store", "--sites", "resid_post", "--layers", "2", "-o", "dictionary", "--latents", "256",
        "--k",
        "8", "--batch", "512", "--tokens", "20000", "-q",
      ],
      [
        "probe", "train", "store", "--positive", "korean", "--sites", "resid_post", "--layers", "2", "--controls",
        "words",
        "-o", "korean.safetensors", "-q",
      ],
    ] {
      let outcome = try tool.run(arguments)
      try #require(outcome.code == 0, "\(arguments.joined(separator: " ")): \(outcome.errors)")
    }
    return tool
  }

  private static let pages: [String: [String]] = [
    "store": ["store"], "neuron": ["store", "--neuron", "L2.30", "--ablate", "--domain-documents", "2"],
    "neuron-features": ["store", "--neuron", "L2.3", "--dictionary", "dictionary"],
    "dictionary": ["store", "--dictionary", "dictionary", "-n", "4"],
    "feature": ["store", "--dictionary", "dictionary", "--feature", "17"],
    "probe": ["store", "--probe", "korean.safetensors", "--depth", "-n", "4"],
    "run": ["unfold-mini", "--text", "The <b>dog</b> saw the cat because it was \u{0600}<i>"],
    "patch": [
      "unfold-mini", "--clean", "The hands of the king", "--corrupt", "The hand of the king", "--right", " were",
      "--wrong", " was",
    ],
    "anatomy": ["unfold-mini", "--anatomy"], "superposition": ["dictionary", "--superposition"],
  ]

  @Test("Every kind of page is written, says what it is of, and is small", arguments: pages.keys.sorted())
  func written(_ name: String) throws {
    let tool = try Self.made.get()
    let arguments = try #require(Self.pages[name])
    let outcome = try tool.run(["report"] + arguments + ["-o", "\(name).html", "--json", "--force"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let html = try String(contentsOf: tool.folder.file("\(name).html"), encoding: .utf8)
    #expect(html.hasPrefix("<!doctype html>") && html.utf8.count < 4 << 20)
    #expect(!html.unicodeScalars.split(separator: "<").contains { $0.starts(with: "img".unicodeScalars) })
    for attack in ["<b>bad</b>", "<script>alert", "<i>"] {
      // Found byte by byte: a mark in front of a tag makes one character of the two.
      #expect(html.range(of: attack, options: .literal) == nil)
    }
    #expect(!html.contains(tool.folder.url.path), "no path of the machine")
    switch name {
    case "neuron": #expect(html.contains("data-l=") && html.contains("What is lost without it"))
    case "neuron-features": #expect(html.contains("Features of the dictionary that load most on it"))
    case "dictionary": #expect(html.contains("All latents") && html.contains("id=\"latent-"))
    case "feature": #expect(html.contains("Over its whole range") && html.contains("Which concepts it tells"))
    case "probe": #expect(html.contains("When not to believe it") && html.contains("Where in the depth"))
    case "run": #expect(html.contains("data-maps") && html.contains("What the answer is the sum of"))
    case "store": #expect(html.contains("&lt;b&gt;bad&lt;/b&gt;"))
    default: break
    }
  }

  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["UNFOLD_BROWSER_PYTHON"]
    let usual = RecipesTests.root.appending(path: "build/browser/venv/bin/python").path
    return [named, usual].compactMap(\.self).first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  @Test(
    "In a real browser: no fault, no request, no serious fault of accessibility, and everything moves",
    .enabled(if: python != nil, "no browser's environment: make it with Scripts/browser/setup.sh"),
    .timeLimit(.minutes(10)))
  func browser() throws {
    let tool = try Self.made.get()
    for name in Self.pages.keys.sorted() {
      let outcome = try tool.run(["report"] + Self.pages[name, default: []] + ["-o", "\(name).html", "--force", "-q"])
      try #require(outcome.code == 0, "\(outcome.errors)")
    }
    let check = RecipesTests.root.appending(path: "Scripts/browser/check.py").path
    let outcome = try tool.run(
      URL(filePath: try #require(Self.python)),
      [check] + Self.pages.keys.sorted().map { tool.folder.file("\($0).html").path }, in: tool.folder.url)
    #expect(outcome.code == 0, "\(outcome.output) \(outcome.errors)")
  }

  @Test("A folder of pages: each is there that another leads to")
  func folder() throws {
    let tool = try Self.made.get()
    let outcome = try tool.run(
      "report", "store", "--all", "--dictionary", "dictionary", "-n", "3", "-o", "pages", "--force", "--json")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let folder = tool.folder.file("pages")
    let files = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    #expect(files.count == 5 && files.isSuperset(of: ["index.html", "dictionary.html"]))
    for file in files {
      let html = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      for match in html.matches(of: /href="([^"#]+)"/) { #expect(files.contains(String(match.1)), "\(match.1)") }
    }
  }

  @Test("An older export is replaced as a whole, and a pooled store is refused where tokens are needed")
  func exports() throws {
    let tool = try Self.made.get()
    for _ in 0..<2 {
      let outcome = try tool.run(
        "export", "neuron-records", "store", "--neuron", "L2.3", "-o", "records", "--force", "-q")
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: tool.folder.file("records.old").path))
    let pooled = try tool.run(
      "capture", "unfold-mini", "corpus.jsonl", "-o", "pooled", "--sites", "mlp_post", "--layers", "2", "--pool",
      "mean", "-q")
    try #require(
      pooled.code == 0 || FileManager.default.fileExists(atPath: tool.folder.file("pooled").path), "\(pooled.errors)")
    for arguments in [
      ["report", "pooled", "--neuron", "L2.3", "-o", "x.html"], ["export", "neuron-records", "pooled", "-o", "x"],
    ] {
      let outcome = try tool.run(arguments + ["--json"])
      #expect(outcome.code == 65 && outcome.faultName == "activations.pooled", "\(outcome.output)")
    }
    #expect(try tool.run("report", "pooled", "-o", "pooled.html", "--force").code == 0)
    let capture = [
      "capture", "unfold-mini", "corpus.jsonl", "-o", "statistics", "--sites", "mlp_post", "--layers", "2",
    ]
    #expect(try tool.run(capture + ["--statistics-only", "-q"]).code == 0)
    #expect(try tool.run("export", "table", "statistics", "-o", "statistics.csv", "-q").code == 0)
    let lines = try String(contentsOf: tool.folder.file("statistics.csv"), encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 1 + 1024)
    let labels = try tool.run("export", "table", "statistics", "--table", "labels", "-o", "labels.csv", "--json")
    #expect(labels.code == 65 && labels.faultName == "export.noSites", "\(labels.output)")
  }

  @Test("A store whose capture was stopped is named on every page made of it")
  func unfinished() throws {
    let tool = try Self.made.get()
    let store = tool.folder.file("unfinished")
    try FileManager.default.copyItem(at: tool.folder.file("store"), to: store)
    // A store whose run did not end has no last line.
    let manifest = store.appending(path: "manifest.jsonl")
    let lines = try String(contentsOf: manifest, encoding: .utf8).split(separator: "\n").dropLast()
    try (lines.joined(separator: "\n") + "\n").write(to: manifest, atomically: true, encoding: .utf8)
    for arguments in [
      [], ["--neuron", "L2.30"], ["--dictionary", "dictionary", "-n", "2"],
      ["--dictionary", "dictionary", "--feature", "17"],
      ["--probe", "korean.safetensors"],
    ] {
      let outcome = try tool.run(["report", "unfinished", "-o", "unfinished.html", "--force"] + arguments)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let html = try String(contentsOf: tool.folder.file("unfinished.html"), encoding: .utf8)
      #expect(html.contains("The store is not complete"), "\(arguments)")
    }
    let finished = try tool.run("report", "store", "--neuron", "L2.30", "-o", "finished.html", "--force")
    #expect(finished.code == 0)
    #expect(
      try !String(contentsOf: tool.folder.file("finished.html"), encoding: .utf8).contains("The store is not complete"))
  }

  @Test("What cannot be used is named, with what can")
  func messages() throws {
    let tool = try Self.made.get()
    for (arguments, words) in [
      (
        ["export", "delphi", "dictionary", "store", "-o", "x", "--filler", "9999999999"],
        ["--filler", "9999999999", "2147483647"]
      ),
      (["export", "delphi", "dictionary", "store", "-o", "x", "--filler", "-1"], ["--filler", "not -1"]),
      (["export", "table", "store", "-o", "x.xlsx"], [".csv", ".xlsx"]),
      (["export", "neuronpedia", "dictionary", "store", "-o", "x", "--latents", ""], ["--latents names none"]),
      (["export", "neuronpedia", "dictionary", "store", "-o", "x", "--latents", "a"], ["not “a”"]),
      (["export", "tensors", "store", "-o", "x.npz", "--parts", ""], ["--parts names none"]),
      (["export", "neuron-records", "store", "-o", "x", "--neuron", ","], ["--neuron names none"]),
      (["report", "store", "-o", "x", "-n", "-5"], ["--count must be from 1 to 1000, not -5"]),
      (["serve", "store", "--port", "99999"], ["--port", "99999", "65535"]),
      (["serve", "store", "--host", "bad"], ["an address of this machine", "bad", "leave the host out"]),
    ] {
      let outcome = try tool.run(arguments)
      #expect(outcome.code == 64, "\(arguments): \(outcome.code)")
      for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(outcome.errors)") }
      // Nothing is said of who can reach an address that there is not.
      #expect(!outcome.errors.contains("warning"), "\(outcome.errors)")
    }
  }

  @Test("A model that is not the store's is named as what it is")
  func otherModel() throws {
    let tool = try Self.made.get()
    let other = tool.folder.file("other-model")
    try? FileManager.default.removeItem(at: other)
    try FileManager.default.copyItem(at: RecipesTests.root.appending(path: "models/unfold-mini"), to: other)
    // A model is told from others by its configuration.
    let configuration = other.appending(path: "config.json")
    let text = try String(contentsOf: configuration, encoding: .utf8)
    try (text + "\n").write(to: configuration, atomically: true, encoding: .utf8)
    let outcome = try tool.run(
      "report", "store", "--neuron", "L2.3", "--model", "other-model", "-o", "x.html", "--json")
    #expect(outcome.code == 65 && outcome.faultName == "tool.otherModel", "\(outcome.errors)")
    #expect(outcome.errors.contains("found:    other-model ("), "\(outcome.errors)")
    #expect(outcome.errors.contains("expected: unfold-mini ("), "\(outcome.errors)")
  }

  @Test("Bad input is a clear error, and no page is written")
  func faults() throws {
    let tool = try Self.made.get()
    for (arguments, code, name) in [
      (["report", "absent", "-o", "x.html"], 66, "tool.noStore"),
      (["report", "unfold-mini", "-o", "x.html"], 66, "tool.noStore"),
      (["report", "store", "--neuron", "L2.5000", "-o", "x.html"], 64, "neurons.noSuchNeuron"),
      (
        ["report", "store", "--dictionary", "dictionary", "--feature", "256", "-o", "x.html"], 64,
        "dictionary.noSuchLatent"
      ),
      (["report", "store", "--dictionary", "store", "-o", "x.html"], 65, nil),
      (["report", "store", "--probe", "absent.safetensors", "-o", "x.html"], 66, nil),
      (["report", "store", "-o", "corpus.jsonl"], 73, "file.exists"),
      (["report", "store", "-o", "absent/x.html"], 73, "file.cannotCreate"),
      (["report", "store", "--label", "nope", "-o", "x.html"], 64, "tool.noSuchLabel"),
      (
        ["report", "store", "--probe", "korean.safetensors", "-o", "korean.safetensors", "--force"], 64,
        "tool.outputIsInput"
      ),
      (["report", "store", "-o", "dictionary", "--force"], 73, "file.notAFile"),
      // Whatever --force says, nothing is replaced that no export has written.
      (["export", "delphi", "dictionary", "store", "-o", "store", "--force"], 73, "export.notAnExport"),
      (["export", "neuronpedia", "dictionary", "store", "-o", ".", "--force"], 73, "export.notAnExport"),
    ] as [([String], Int32, String?)] {
      let outcome = try tool.run(arguments + ["--json"])
      #expect(outcome.code == code, "\(arguments): \(outcome.code) \(outcome.output)")
      if let name { #expect(outcome.faultName == name, "\(arguments): \(outcome.faultName ?? "none")") }
      #expect(!FileManager.default.fileExists(atPath: tool.folder.file("x.html").path))
    }
    #expect(try tool.run("store", "verify", "store").code == 0)
    #expect(try tool.run("sae", "evaluate", "dictionary", "store", "-q").code == 0)
    for arguments in [
      ["report", "store", "--neuron", "L2.3", "--probe", "p", "-o", "x.html"],
      ["report", "store", "--feature", "3", "-o", "x.html"],
      ["report", "store", "-n", "0", "-o", "x.html"], ["report", "unfold-mini", "--clean", "a", "-o", "x.html"],
    ] {
      #expect(try tool.run(arguments).code == 64, "\(arguments)")
    }
  }
}
