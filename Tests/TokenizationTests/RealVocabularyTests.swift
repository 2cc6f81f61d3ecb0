import Foundation
import StrictJSON
import Testing
import Tokenization

@Suite("Vocabularies in wide use") struct RealVocabularyTests {
  @Test(
    "The hard cases of each vocabulary give its ids", .enabled(if: SharedData.has("tokenizers/gpt2")),
    arguments: ["gpt2", "llama3", "qwen2", "neox"])
  func hardCases(name: String) throws {
    let tokenizer = try Tokenizer(folder: SharedData.file("tokenizers/\(name)"))
    for entry in try SharedData.json("tokenizers/\(name)/cases.json").array() {
      let text = try entry.required("text").string()
      let encoding = try tokenizer.encode(text, addSpecialTokens: false)
      #expect(encoding.ids == (try entry.required("ids").integers()), "\(text.debugDescription)")
    }
  }

  @Test("A SentencePiece vocabulary with byte fallback", .enabled(if: SharedData.has("models/stories260K")))
  func stories() throws {
    let tokenizer = try Tokenizer(folder: SharedData.file("models/stories260K"))
    #expect(tokenizer.vocabularySize == 512)
    #expect(tokenizer.beginID == 1)
    #expect(tokenizer.endID == 2)
    #expect(tokenizer.addsSpecialTokens)
    let encoding = try tokenizer.encode("  Hé 한국  x\n")
    #expect(
      encoding.ids == [1, 410, 410, 320, 485, 410, 240, 152, 159, 237, 184, 176, 410, 410, 444, 13])
    #expect(encoding.starts == [0, 0, 0, 1, 3, 4, 5, 5, 5, 6, 6, 6, 7, 8, 9, 10])
    #expect(encoding.ends == [0, 1, 1, 3, 4, 5, 6, 6, 6, 7, 7, 7, 8, 9, 10, 11])
    #expect(encoding.special.first == true && !encoding.special.dropFirst().contains(true))
    #expect(try tokenizer.decode(encoding.ids, skipSpecialTokens: true) == "  Hé 한국  x\n")
  }
}
