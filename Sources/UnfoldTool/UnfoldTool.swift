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
    Interruption.shared.begin()
    let arguments = joiningNegatives(spelt(Array(CommandLine.arguments.dropFirst())))
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
      // Help that cannot be written is a failure like any other.
      let code = exitCode(for: error)
      let text = fullMessage(for: error) + (code.isSuccess ? "" : meant(arguments))
      if !text.isEmpty { Console.write(text + "\n", to: code.isSuccess ? STDOUT_FILENO : STDERR_FILENO) }
      Foundation.exit(code.rawValue)
    } catch {
      FaultReport(Fault(describing: error)).write(asJSON: arguments.contains("--json"))
      Foundation.exit(Fault.Kind.software.rawValue)
    }
  }

  /// Flags that had another name in the last release, which is still understood.
  private static let renamed = ["--pooling": "--pool", "--count-special-tokens": "--special-tokens"]

  /// The arguments as they are spelt today; of each old name a note is given.
  private static func spelt(_ arguments: [String]) -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments.enumerated().map { place, argument in
      let name = argument.prefix { $0 != "=" }
      guard place < end, let new = renamed[String(name)] else { return argument }
      Console.note("\(name) is called \(new) now")
      return new + argument.dropFirst(name.count)
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

  /// The command that a misspelt one is most like, as a line of its own; empty where none is misspelt.
  private static func meant(_ arguments: [String]) -> String {
    var choices = names(configuration.subcommands)
    for argument in arguments where !argument.hasPrefix("-") {
      if choices.isEmpty { return "" }
      guard let next = choices.first(where: { $0.name == argument }) else {
        let near = nearestNames(to: argument, among: choices.map { $0.name }).first
        return near.map { "\n  Did you mean '\($0)'?" } ?? ""
      }
      choices = names(next.subcommands)
    }
    return ""
  }

  private static func names(
    _ commands: [any ParsableCommand.Type]
  ) -> [(name: String, subcommands: [any ParsableCommand.Type])] {
    var names: [(name: String, subcommands: [any ParsableCommand.Type])] = []
    for command in commands { names.append((command._commandName, command.configuration.subcommands)) }
    return names
  }

  /// Help, the version and complaints about the command line, which ArgumentParser prints itself.
  private static func isArgumentParsers(_ error: any Error) -> Bool {
    error is ExitCode || error is CleanExit || error is ValidationError
      || String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
  }
}
