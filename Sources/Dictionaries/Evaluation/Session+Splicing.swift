import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Tokenization
import Transformer

extension Session {
  /// A session whose model has what a dictionary rebuilds in the place of the activations that it reads (of a transcoder
  /// what it predicts, in the place of what it predicts): whatever is done with it is done to the spliced model.
  ///
  /// Special tokens keep their activations, as in training and in `SparseAutoencoder.splice`.
  /// - Parameter site: Where the dictionary reads; nil: the site that it names.
  /// - Throws: `dictionary.crosscoder`, `dictionary.modelSite`, `dictionary.otherModel`.
  public func splicing(_ dictionary: SparseAutoencoder, at site: String? = nil) throws -> Session {
    guard !dictionary.isCrosscoder else {
      throw Fault(
        .usage, "dictionary.crosscoder", "A crosscoder is not spliced into a running model",
        expected: "a dictionary of one site", found: dictionary.configuration.hookIn,
        advice: "`unfold sae evaluate` splices it in at each of its sites")
    }
    let input = try dictionary.site(
      site ?? dictionary.configuration.hookIn, width: dictionary.inputWidth, in: model)
    let output =
      dictionary.isTranscoder
      ? try dictionary.site(dictionary.configuration.hookOut, width: dictionary.outputWidth, in: model) : input
    let tokenizer = tokenizer
    let spliced = model.editing { batch in
      let edited = batch.ids.map { tokenizer?.isSpecial($0) != true }
      return dictionary.spliceHooks(input: input, output: output, edited: edited)
    }
    return Session(model: spliced, tokenizer: tokenizer, name: name)
  }
}
