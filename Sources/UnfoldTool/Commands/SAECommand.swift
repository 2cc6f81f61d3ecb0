import ArgumentParser

struct SAECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sae",
    abstract: "Train, judge, read and exchange sparse autoencoders and transcoders.",
    subcommands: [
      SAETrainCommand.self, SAEEvaluateCommand.self, SAEFeaturesCommand.self, SAEEncodeCommand.self,
      SAEExportCommand.self, SAESyntheticCommand.self, SAEBenchmarkCommand.self,
    ])
}
