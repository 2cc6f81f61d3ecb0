import ArgumentParser
import Unfold

@main
struct UnfoldTool: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unfold",
    abstract: "Look inside language models.")
}
