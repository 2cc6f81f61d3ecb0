import Activations
import Checkpoints
import Foundation
import TestFiles
import Testing
import Tokenization
import Transformer

private let shippedModel = ShippedFiles.models.find("unfold-mini")

/// Captures of text with the model that ships.
@Suite(.enabled(if: shippedModel != nil)) struct CaptureTextTests {
  private func load() throws -> (Model, Tokenizer) {
    let folder = try #require(shippedModel)
    return (try Model.load(folder), try Tokenizer(folder: folder))
  }

  private let texts = [
    "The café in Zürich opens at nine; 京都 is far away.", "e\u{301}tude 🙂 done\r\n\r\nnext",
    "def f(x):\n  return x + 1\n",
  ]

  private func corpus(_ folder: TemporaryFolder, _ texts: [String]) throws -> Corpus {
    let lines = try texts.enumerated().map { index, text in
      let object: [String: String] = ["id": "t\(index)", "text": text, "label": "l\(index)", "kind": "k\(index % 2)"]
      return String(decoding: try JSONEncoder().encode(object), as: UTF8.self)
    }
    let url = try folder.write(gzip(Array((lines.joined(separator: "\n") + "\n").utf8)), "corpus.jsonl.gz")
    return try Corpus([url.path], options: CorpusOptions(labelFields: ["label", "kind"]))
  }

  @Test func offsetsCountScalarsOfEachDocument() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try load()
    let url = folder.url.appending(path: "store")
    let capture = try Capture(
      model: model, tokenizer: tokenizer, corpus: corpus(folder, texts),
      settings: CaptureSettings(sites: "resid_post", layers: "0"))
    _ = try capture.run(to: url)
    let store = try ActivationStore(opening: url)
    let documents = try store.documents
    #expect(documents.ids == ["t0", "t1", "t2"])
    #expect(documents.labels["label"] == [.text("l0"), .text("l1"), .text("l2")])
    #expect(documents.labels["kind"] == [.text("k0"), .text("k1"), .text("k0")])
    let live = try LiveActivations(
      model: model, tokenizer: tokenizer, corpus: corpus(folder, texts),
      settings: CaptureSettings(sites: "resid_post", layers: "0"))
    #expect(live.documents == documents)
    for (index, text) in texts.enumerated() {
      #expect(try store.text(ofDocument: index) == text)
      let tokens = try store.tokens(in: documents.tokens(of: index))
      let encoding = try tokenizer.encode(text)
      #expect(tokens.ids == encoding.ids)
      #expect(tokens.starts == encoding.starts && tokens.ends == encoding.ends)
      #expect(tokens.special == encoding.special.map { $0 ? 1 : 0 })
      #expect(tokens.positions == encoding.ids.indices.map { Int32($0) })
    }
  }

  @Test func piecesCarryTheirOwnTextAndSpecialTokens() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try load()
    let text = (0..<40).map { "Sentence number \($0) about 京都 and café." }.joined(separator: " ")
    for overflow in [CaptureSettings.Overflow.split, .truncate] {
      let live = try LiveActivations(
        model: model, tokenizer: tokenizer, corpus: corpus(folder, [text]),
        settings: CaptureSettings(sites: "resid_post", layers: "0", context: 50, overflow: overflow))
      let documents = live.documents
      #expect(documents.count > 1 || overflow == .truncate)
      let whole = try tokenizer.encode(text)
      var ids: [Int32] = []
      var texts: [String] = []
      for document in 0..<documents.count {
        let own = try #require(try live.text(ofDocument: document))
        let scalars = Array(own.unicodeScalars)
        texts.append(own)
        let tokens = try live.tokens(in: documents.tokens(of: document))
        #expect(tokens.count <= 50)
        // Every piece begins as the whole does.
        let prefix = whole.special.prefix { $0 }.count
        #expect(Array(tokens.ids.prefix(prefix)) == Array(whole.ids.prefix(prefix)))
        for token in 0..<tokens.count {
          #expect(0 <= tokens.starts[token] && tokens.starts[token] <= tokens.ends[token])
          #expect(Int(tokens.ends[token]) <= scalars.count)
          if tokens.special[token] == 0 { ids.append(tokens.ids[token]) }
        }
      }
      let content = whole.ids.indices.filter { !whole.special[$0] }.map { whole.ids[$0] }
      if overflow == .split {
        #expect(texts.joined() == text)
        #expect(ids == content)
      } else {
        #expect(texts == [text])
        #expect(ids == Array(content.prefix(ids.count)))
      }
    }
  }

  @Test func specialTokensAreLeftOutOfStatistics() throws {
    let folder = try TemporaryFolder()
    let (model, tokenizer) = try load()
    guard tokenizer.addsSpecialTokens else { return }
    for counts in [false, true] {
      let url = folder.url.appending(path: "store-\(counts)")
      let capture = try Capture(
        model: model, tokenizer: tokenizer, corpus: corpus(folder, texts),
        settings: CaptureSettings(
          sites: "mlp_post", layers: "1", statisticsOnly: true, countsSpecialTokens: counts))
      let summary = try capture.run(to: url)
      let statistics = try ActivationStore(opening: url).statistics(of: "blocks.1.mlp.hook_post")
      let special = try texts.reduce(0) { try $0 + tokenizer.encode($1).special.count { $0 } }
      #expect(special > 0)
      #expect(statistics?.count == summary.tokens - (counts ? 0 : special))
    }
  }
}
