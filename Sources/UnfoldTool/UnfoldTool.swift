import ArgumentParser
import Foundation
import Unfold

@main
struct UnfoldTool: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unfold",
    abstract: "Look inside language models: capture activations, train probes, find neurons.",
    discussion: """
      Start with the whole journey on the model and data that ship:

        unfold demo
      """,
    version: "unfold \(UnfoldVersion.current)",
    subcommands: [
      DemoCommand.self, CaptureCommand.self, TokenizeCommand.self, RunCommand.self, ProbeCommand.self,
      NeuronsCommand.self, SAECommand.self, SuperpositionCommand.self, AnatomyCommand.self, GeometryCommand.self,
      FitCommand.self, LensCommand.self, HeadsCommand.self, PatchCommand.self, AblateCommand.self,
      SteerCommand.self, GenerateCommand.self, ReportCommand.self, ServeCommand.self, NotebookCommand.self,
      ExportCommand.self, StoreCommand.self,
    ])

  /// Parses and runs; every way to fail ends with the exit code of its class and a message that says what to do next.
  static func main() async {
    let arguments = joiningNegatives(Array(CommandLine.arguments.dropFirst()))
    do {
      var command = try parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let fault as Fault {
      FaultReport(fault).write(asJSON: arguments.contains("--json"))
      Foundation.exit(fault.kind.rawValue)
    } catch let error where isArgumentParsers(error) {
      exit(withError: error)
    } catch {
      FaultReport(Fault(describing: error)).write(asJSON: arguments.contains("--json"))
      Foundation.exit(Fault.Kind.software.rawValue)
    }
  }

  /// The arguments with `-n -5` written as `-n=-5`: ArgumentParser would take the number for an option, and miss a value.
  private static func joiningNegatives(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    var isOver = false
    for argument in arguments {
      if !isOver, let last = joined.last, last.wholeMatch(of: /--?[A-Za-z][A-Za-z-]*/) != nil,
        argument.wholeMatch(of: /-[0-9.][0-9.eE+-]*/) != nil
      {
        joined[joined.count - 1] = "\(last)=\(argument)"
      } else {
        joined.append(argument)
      }
      isOver = isOver || argument == "--"
    }
    return joined
  }

  /// Help, the version and complaints about the command line, which ArgumentParser prints itself.
  private static func isArgumentParsers(_ error: any Error) -> Bool {
    error is ExitCode || error is CleanExit || error is ValidationError
      || String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
  }
}
