import Activations
import Architectures
import Diagnostics
import Foundation
import StrictJSON
import Transformer

/// Two texts that differ in what is asked of the model, aligned token by token.
public struct PromptPair: Sendable, Equatable {
  /// The text that the right answer follows.
  public let clean: [Int32]
  /// The text that it does not follow.
  public let corrupt: [Int32]
  public let answers: Answers
  /// Where the pair comes from, for messages.
  public let place: String

  /// - Throws: `Fault`: `patching.lengths` where the texts have not as many tokens, `patching.sameTexts`,
  ///   `patching.sameAnswers`.
  public init(clean: [Int32], corrupt: [Int32], answers: Answers, place: String = "the pair") throws {
    guard clean.count == corrupt.count else {
      throw Fault(
        .badData, "patching.lengths", "The texts of a pair have not as many tokens as each other", place: place,
        expected: "\(clean.count) tokens, as the clean text has", found: "\(corrupt.count) in the corrupted text",
        advice: "choose words of as many tokens: `unfold tokenize MODEL TEXT` shows them")
    }
    guard clean != corrupt else {
      throw Fault(
        .badData, "patching.sameTexts", "The texts of a pair are the same", place: place,
        expected: "texts that differ in at least one token", found: "\(clean.count) equal tokens")
    }
    guard answers.right != answers.wrong else {
      throw Fault(
        .badData, "patching.sameAnswers", "The two answers are the same token", place: place,
        expected: "two tokens that differ", found: "token \(answers.right) twice",
        advice: "where the answers begin alike, name the tokens in which they differ")
    }
    self.clean = clean
    self.corrupt = corrupt
    self.answers = answers
    self.place = place
  }

  /// The first token in which the texts differ: before it all values are the same.
  var firstDifference: Int { zip(clean, corrupt).enumerated().first { $1.0 != $1.1 }?.offset ?? 0 }
}

extension Session {
  /// A pair of texts and the answers to each.
  ///
  /// - Parameters:
  ///   - right: The token that follows the clean text; of several tokens the error says which counts.
  /// - Throws: As `PromptPair.init`, and `session.notOneToken`.
  public func pair(
    clean: String, corrupt: String, right: String, wrong: String, place: String = "the pair",
    addSpecialTokens: Bool = true
  ) throws -> PromptPair {
    try PromptPair(
      clean: tokens(of: clean, addSpecialTokens: addSpecialTokens),
      corrupt: tokens(of: corrupt, addSpecialTokens: addSpecialTokens),
      answers: Answers(right: token(named: right), wrong: token(named: wrong)), place: place)
  }

  /// The pairs of a JSON Lines file, one object a line: `clean`, `corrupt`, `right`, `wrong`; texts, or lists of token ids and
  /// an id each.
  ///
  /// - Throws: As `pair`, with the line; `patching.badPair` where a line is something else; `file.read`.
  public func pairs(file: URL, addSpecialTokens: Bool = true) throws -> [PromptPair] {
    let text: String
    do {
      text = try String(contentsOf: file, encoding: .utf8)
    } catch {
      throw Fault(
        .noInput, "patching.noPairs", "The pairs cannot be read", file: file.path,
        expected: "a file of JSON lines in UTF-8", found: error.localizedDescription)
    }
    var pairs: [PromptPair] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { !$0.isWhitespace }) else { continue }
      let place = "line \(number + 1)"
      do {
        let record = try JSONDecoder().decode(PairRecord.self, from: Data(line.utf8))
        let answers = Answers(right: try record.right.token(self), wrong: try record.wrong.token(self))
        pairs.append(
          try PromptPair(
            clean: record.clean.tokens(self, addSpecialTokens), corrupt: record.corrupt.tokens(self, addSpecialTokens),
            answers: answers, place: place))
      } catch var fault as Fault {
        fault.file = file.path
        fault.place = [place, fault.place].compactMap(\.self).filter { $0 != place }.reduce(place) { "\($0), \($1)" }
        throw fault
      } catch {
        throw Fault(
          .badData, "patching.badPair", "This line is no pair", file: file.path, place: place,
          expected: #"{"clean": "…", "corrupt": "…", "right": "…", "wrong": "…"}"#, found: String(line.prefix(80)))
      }
    }
    guard !pairs.isEmpty else {
      throw Fault(
        .badData, "patching.noPairs", "The file holds no pair", file: file.path,
        expected: "at least one line with clean, corrupt, right and wrong", found: "none")
    }
    return pairs
  }
}

private struct PairRecord: Decodable {
  let clean: Words
  let corrupt: Words
  let right: Words
  let wrong: Words

  /// A text, or the ids of its tokens.
  enum Words: Decodable {
    case text(String)
    case ids([Int32])

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let text = try? value.decode(String.self) {
        self = .text(text)
      } else if let id = try? value.decode(Int32.self) {
        self = .ids([id])
      } else {
        self = .ids(try value.decode([Int32].self))
      }
    }

    func tokens(_ session: Session, _ addSpecialTokens: Bool) throws -> [Int32] {
      switch self {
      case .text(let text): try session.tokens(of: text, addSpecialTokens: addSpecialTokens)
      case .ids(let ids): ids
      }
    }

    func token(_ session: Session) throws -> Int32 {
      switch self {
      case .text(let text): return try session.token(named: text)
      case .ids(let ids):
        let vocabulary = session.model.architecture.vocabularySize
        guard ids.count == 1, (0..<vocabulary).contains(Int(ids[0])) else {
          throw Fault(
            .badData, "patching.badPair", "An answer is one token", expected: "an id from 0 to \(vocabulary - 1)",
            found: "\(ids)")
        }
        return ids[0]
      }
    }
  }
}
