import Foundation
import TestFiles
import Testing

@Suite("unfold patch", .serialized)
struct PatchCommandTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  static let pair = [
    "--clean", "The hands of the king", "--corrupt", "The hand of the king", "--right", " were", "--wrong", " was",
  ]

  @Test("The grid of a pair, as scripts read it")
  func grid() throws {
    let outcome = try tool.run(
      ["patch", "unfold-mini"] + Self.pair + ["--sites", "resid_pre,z", "--json", "--figure", "patch.svg"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let document = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let clean = try #require(document["clean"] as? Double)
    let corrupt = try #require(document["corrupt"] as? Double)
    #expect(clean > corrupt)
    let tokens = try #require(document["clean_tokens"] as? [String])
    let sites = try #require(document["sites"] as? [[String: Any]])
    #expect(sites.map { $0["site"] as? String } == ["resid_pre", "z"])
    let restored = try #require(sites[0]["restored"] as? [[Double]])
    #expect(restored.count == 4 && restored.allSatisfy { $0.count == tokens.count })
    // All that differs at the first layer is the word itself.
    #expect(restored[0].map { abs($0 - 1) < 1e-3 ? 1 : abs($0) < 1e-3 ? 0 : -1 }.reduce(0, +) == 1)
    #expect((sites[1]["axes"] as? [String]) == ["layer", "head"])
    let figure = try String(contentsOf: tool.folder.file("patch.svg"), encoding: .utf8)
    #expect(figure.contains("resid_pre") && figure.contains("</svg>"))
  }

  @Test("Pairs of a file, with intervals, in words")
  func pairs() throws {
    let words = [
      ("hands", "hand", "king"), ("men", "man", "house"), ("children", "child", "town"), ("men", "man", "king"),
    ]
    let lines = words.map { many, one, end in
      #"{"clean": "The \#(many) of the \#(end)", "corrupt": "The \#(one) of the \#(end)", "right": " were", "wrong": " was"}"#
    }
    try tool.write(lines.joined(separator: "\n") + "\n\n", to: "pairs.jsonl")
    let outcome = try tool.run("patch", "unfold-mini", "--pairs", "pairs.jsonl", "--sites", "z", "--noise", "-q")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("mean of 4 pairs"))
    #expect(outcome.output.contains("p (Holm)"))
    #expect(outcome.output.contains("taken away"))
    let path = try tool.run(
      "patch", "unfold-mini", "--pairs", "pairs.jsonl", "--sites", "z,mlp_out", "--layers", "0-2", "--path-to", "logits"
    )
    #expect(path.code == 0, "\(path.errors)")
  }

  @Test(
    "What cannot be patched is said",
    arguments: [
      (
        ["--clean", "The hands", "--corrupt", "The hand of a king", "--right", " were", "--wrong", " was"],
        "patching.lengths"
      ),
      (["--clean", "a", "--corrupt", "a", "--right", " were", "--wrong", " was"], "patching.sameTexts"),
      (["--clean", "a", "--corrupt", "b", "--right", " were and more", "--wrong", " was"], "session.notOneToken"),
      (pair + ["--sites", "logits"], "patching.site"), (pair + ["--sites", "resid_pots"], "transformer.unknownSite"),
      (pair + ["--sites", "z", "--heads", "99"], "patching.part"),
      (pair + ["--sites", "z", "--path-to", "L9.q"], "patching.receiver"),
      (pair + ["--sites", "z", "--path-to", "L1.q"], "patching.sender"),
      (["--pairs", "absent.jsonl"], "patching.noPairs"), (["--pairs", "bad.jsonl"], "patching.badPair"),
    ])
  func faults(_ arguments: [String], _ name: String) throws {
    try tool.write(#"{"clean": "a"}"#, to: "bad.jsonl")
    let outcome = try tool.run(["patch", "unfold-mini", "--json"] + arguments)
    #expect(outcome.code != 0)
    #expect(outcome.faultName == name, "\(outcome.output)")
  }

  @Test("Half a pair is no pair")
  func usage() throws {
    let outcome = try tool.run("patch", "unfold-mini", "--clean", "a", "--right", "b")
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("--pairs"))
  }
}
