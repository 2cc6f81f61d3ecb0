import ArgumentParser
import Foundation
import Unfold

extension NotebookTopic: ExpressibleByArgument {}

struct NotebookCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notebook",
    abstract: "Write a Jupyter notebook that opens a store, a probe or a dictionary with h5py, NumPy and pandas.",
    discussion: """
      Examples:
        unfold notebook store -o tour.ipynb
        unfold notebook store --topic neurons -o neurons.ipynb
        unfold notebook store --topic training -o training.ipynb
        unfold notebook questions.safetensors --store store -o probe.ipynb
        unfold notebook dictionary --store store -o features.ipynb

      The notebook names its files from the folder that it lies in. Run it with Jupyter; it needs h5py, numpy, pandas and
      matplotlib, and for the topic training scikit-learn. Five that were run lie in notebooks-export/.
      """)

  @Argument(
    help: ArgumentHelp("A store, a probe's file or a dictionary's folder.", valueName: "store|probe|dictionary"))
  var subject: String
  @Option(name: .long, help: "Of a store: tour, neurons or training (default: tour).") var topic: NotebookTopic?
  @Option(name: .long, help: "A store to use a probe or a dictionary on.") var store: String?
  @Option(name: .shortAndLong, help: "The notebook to write (.ipynb).") var output: String
  @Flag(name: .long, help: "Replace the notebook if it is there.") var force = false
  @OptionGroup var common: CommonOptions

  private struct Summary: Encodable {
    var file: String
    var cells: Int
  }

  func validate() throws {
    if !output.hasSuffix(".ipynb") { throw ValidationError("-o takes a name that ends in .ipynb.") }
  }

  func run() throws {
    common.apply()
    let file = URL(filePath: output)
    let notebook = try Notebook.about(
      URL(filePath: subject), topic: topic, store: store.map { URL(filePath: $0) }, output: file)
    try notebook.write(to: file, replaces: force)
    try common.show(Summary(file: output, cells: notebook.cells.count)) { _ in
      "\(output): \(notebook.cells.count) cells; open it with jupyter lab \(output)"
    }
  }
}
