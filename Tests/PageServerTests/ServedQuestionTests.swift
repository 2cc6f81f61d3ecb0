import Diagnostics
import Neurons
import Testing

@testable import PageServer

@Suite("What an address asks for")
struct ServedQuestionTests {
  private func question(_ address: String) throws -> ServedQuestion {
    let parts = address.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return try ServedQuestion(
      IncomingRequest(method: "GET", path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : ""))
  }

  private func fault(_ address: String) -> Fault? {
    do {
      _ = try question(address)
      return nil
    } catch { return error as? Fault }
  }

  @Test("Every question has an address that asks for it") func addresses() throws {
    let neuron = try #require(NeuronReference("L2.30"))
    let hostile = "a&b=c?d#e/f%41 +\n<script>é“”\u{1F600}"
    let all: [ServedQuestion] =
      [
        .overview, .neuron(neuron), .neuron(try #require(NeuronReference("blocks.1.mlp.hook_post.7"))),
        .neuron(try #require(NeuronReference("blocks.1.hook_resid_post.7"))),
        .neuron(try #require(NeuronReference("L2.E5.43"))),
        .attempt(text: "x", on: .neuron(try #require(NeuronReference("blocks.2.attn.hook_pattern.5")))), .dictionary,
        .feature(17), .probe, .run(text: hostile), .patch(clean: hostile, corrupt: "b", right: " c", wrong: "+"),
        .steer(SteeringQuestion(prompt: hostile, feature: 3, className: nil, strength: -1.5, count: 40)),
        .steer(SteeringQuestion(prompt: "x", feature: nil, className: "a b", strength: 2, count: 1)),
        .search(hostile, .text), .search("korean", .label), .attempt(text: hostile, on: .neuron(neuron)),
        .attempt(text: "x", on: .feature(4)), .attempt(text: "x", on: .probe),
      ] + ServedQuestion.FormKind.allCases.map { .form($0) }
    for question in all {
      #expect(try self.question(question.address) == question)
      // With the number of its work it is still the same question.
      let mark = question.address.contains("?") ? "&" : "?"
      #expect(try self.question(question.address + mark + "job=3") == question)
    }
    // And no two of them the same one.
    #expect(Set(all.map(\.address)).count == all.count)
  }

  @Test("As forms send it") func forms() throws {
    #expect(try question("/neuron?name=L2.30") == question("/neuron/L2.30"))
    #expect(try question("/feature?number=+17") == .feature(17))
    #expect(try question("/run?text=a+b%0D%0Ac") == .run(text: "a b\nc"))
    #expect(
      try question("/steer?text=a&by=probe&strength=1e0&count=2&class=").address
        == "/steer?text=a&by=probe&strength=1.0&count=2")
  }

  @Test(
    "What is no page is not found",
    arguments: [
      "/etc/passwd", "/neuron/L2.30/x", "/nonsense", "/neurons", "/feature/1/2", "/index.html", "/favicon.ico",
    ])
  func missing(address: String) {
    #expect(fault(address)?.name == "server.noPage")
    #expect(fault(address)?.status == 404)
  }

  @Test(
    "What cannot be read is refused",
    arguments: [
      "/../../etc/passwd", "/neuron/..", "/neuron/%2e%2e", "/%2e%2e%2fetc", "/neuron/a%2Fb", "/neuron/a%5Cb", "//run",
      "/run/", "/run?text=%", "/run?text=%4", "/run?text=%zz", "/run?text=%FF", "/run?text=a%00b", "/run?text=a&text=b",
      "http://evil.example/run", "*", "", "/run?other=1", "/run?text=", "/neuron/L2", "/neuron/x", "/feature/-1",
      "/feature/1.5", "/feature/99999999999999999999", "/steer?text=a&by=probe&strength=nan",
      "/steer?text=a&by=probe&strength=1e9", "/steer?text=a&by=x&strength=1",
      "/steer?text=a&by=1&strength=1&count=100000",
      "/search?q=a&by=other", "/try?text=a", "/try?text=a&on=nothing", "/patch?clean=a&corrupt=b&right=c",
    ])
  func bad(address: String) {
    #expect(fault(address)?.status == 400, "\(fault(address)?.name ?? "no fault")")
  }

  @Test("Sizes are bounded") func sizes() throws {
    let most = String(repeating: "a", count: ServedQuestion.longestText)
    #expect(throws: Never.self) { try question("/run?text=\(most)") }
    #expect(fault("/run?text=\(most)a")?.status == 413)
    #expect(fault("/run?text=" + String(repeating: "%41", count: 30_000))?.status == 413)
    #expect(fault("/" + String(repeating: "a", count: 100_000))?.status == 413)
    let many = (0..<100).map { "a\($0)=b" }.joined(separator: "&")
    #expect(fault("/run?\(many)")?.status == 400)
  }
}
