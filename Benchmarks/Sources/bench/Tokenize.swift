import Foundation
import Tokenization

extension Bench {
  /// `tokenize TOKENIZER.JSON TEXT`: encodes the documents of a file, which zero bytes separate, on one thread.
  static func tokenize(_ arguments: [String]) throws {
    guard arguments.count >= 2 else { usage() }
    let tokenizer = try Tokenizer(contentsOf: URL(filePath: arguments[0]))
    let text = String(decoding: try Data(contentsOf: URL(filePath: arguments[1])), as: UTF8.self)
    let documents = text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    _ = try tokenizer.encode(documents[0])
    var count = 0
    let processor = processorSeconds
    let time = try seconds {
      for document in documents { count += try tokenizer.encode(document).ids.count }
    }
    let bytes = documents.reduce(0) { $0 + $1.utf8.count }
    print(
      "{\"bytes\": \(bytes), \"processor\": \(processorSeconds - processor), \"seconds\": \(time), \"tokens\": \(count)}"
    )
  }
}
