import ArgumentParser
import Unfold

/// How a corpus is read.
struct CorpusArguments: ParsableArguments {
  @Option(name: .long, help: "The field or column that holds a document's text.")
  var textField = "text"

  @Option(name: .long, help: "A field or column that holds a label; may be given several times.")
  var labelField: [String] = []

  @Option(
    name: .long,
    help: "What labels are: text, number, or auto (numbers where that loses nothing, so 3.10 and 007 are texts).")
  var labelType: LabelType = .automatic

  @Option(name: .long, help: "What to do with bytes that are not UTF-8: strict (stop), replace or skip.")
  var invalidUtf8: CorpusOptions.InvalidUTF8 = .strict

  var options: CorpusOptions {
    CorpusOptions(
      textField: textField, labelFields: labelField.isEmpty ? ["label"] : labelField, labelType: labelType,
      invalidUTF8: invalidUtf8)
  }
}

extension CorpusOptions.InvalidUTF8: ExpressibleByArgument {}
extension LabelType: ExpressibleByArgument {}
