import Foundation

/// How text is coloured: with escape sequences, or not at all.
public struct TerminalStyle: Sendable {
  public let isColored: Bool
  /// The columns of a line.
  public let width: Int

  public init(isColored: Bool, width: Int) {
    self.isColored = isColored
    self.width = width
  }

  /// Text without any escape sequence, in lines of 100 columns: for files and pipes.
  public static let plain = TerminalStyle(isColored: false, width: 100)

  /// The style for a file descriptor: coloured where it is a terminal, `NO_COLOR` is unset and `TERM` is not `dumb`
  /// (https://no-color.org); `CLICOLOR_FORCE` colours a pipe too.
  public static func detect(
    descriptor: Int32, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> TerminalStyle {
    let isTerminal = isatty(descriptor) == 1
    let refused = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
    let forced = !(environment["CLICOLOR_FORCE"] ?? "").isEmpty && environment["CLICOLOR_FORCE"] != "0"
    var size = winsize()
    var width = environment["COLUMNS"].flatMap(Int.init) ?? 0
    if width <= 0, isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 { width = Int(size.ws_col) }
    return TerminalStyle(isColored: !refused && (isTerminal || forced), width: width > 20 ? width : 100)
  }

  public func bold(_ text: String) -> String { wrapped(text, "1") }
  public func dim(_ text: String) -> String { wrapped(text, "2") }
  public func red(_ text: String) -> String { wrapped(text, "31") }
  public func green(_ text: String) -> String { wrapped(text, "32") }
  public func yellow(_ text: String) -> String { wrapped(text, "33") }
  public func blue(_ text: String) -> String { wrapped(text, "34") }
  public func cyan(_ text: String) -> String { wrapped(text, "36") }

  /// Text on a background whose strength follows `intensity` in −1 … 1: warm above zero, cool below.
  public func shaded(_ text: String, intensity: Double) -> String {
    guard isColored, intensity.isFinite, abs(intensity) > 0.08 else { return text }
    // Steps of the 256-colour cube, from pale to full.
    let warm = [230, 223, 216, 209, 202]
    let cool = [195, 153, 117, 75, 33]
    let step = min(4, Int(min(1, abs(intensity)) * 5))
    return "\u{1B}[30;48;5;\(intensity > 0 ? warm[step] : cool[step])m\(text)\u{1B}[0m"
  }

  private func wrapped(_ text: String, _ code: String) -> String {
    isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
