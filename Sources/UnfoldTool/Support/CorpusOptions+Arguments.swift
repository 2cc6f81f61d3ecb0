import ArgumentParser
import Unfold

/// How a corpus is read.
struct CorpusArguments: ParsableArguments {
  @Option(name: .long, help: "The field or column that holds a document's text.")
  var textField = "text"

  @Option(name: .long, help: "A field or column that holds a label; may be given several times.")
  var labelField: [String] = []

  @Option(name: .long, help: "What to do with bytes that are not UTF-8: strict (stop), replace or skip.")
  var invalidUtf8: CorpusOptions.InvalidUTF8 = .strict

  var options: CorpusOptions {
    CorpusOptions(
      textField: textField, labelFields: labelField.isEmpty ? ["label"] : labelField, invalidUTF8: invalidUtf8)
  }
}

extension CorpusOptions.InvalidUTF8: ExpressibleByArgument {}
