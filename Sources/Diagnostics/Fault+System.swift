import Foundation

extension Fault {
  /// What an error of the system or of a decoder says, in a few words.
  public static func words(of error: any Error) -> String {
    if let context = (error as? DecodingError)?.context {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
    let system = error as NSError
    let cause = system.userInfo[NSUnderlyingErrorKey] as? NSError ?? system
    return cause.domain == NSPOSIXErrorDomain
      ? String(cString: strerror(Int32(cause.code))) : error.localizedDescription
  }

  /// What to do about a code of the system (`errno`), nil where there is nothing to say.
  public static func advice(forSystem code: Int32) -> String? {
    switch code {
    case ENOSPC, EDQUOT: "make room, then run the same command again"
    case EFBIG: "allow larger files (`ulimit -f unlimited`), or choose another file system"
    case EMFILE, ENFILE: "allow more open files (`ulimit -n 1024`)"
    case EACCES, EPERM: "check the permissions, or choose another place"
    case EROFS: "choose a folder that may be written"
    case ENOENT, ENOTDIR: "check that the folder exists"
    case ENAMETOOLONG: "choose a shorter name"
    case EIO: "check the disk: the system could not read or write it"
    case ENOMEM: "close other programs, or allow more memory"
    default: nil
    }
  }
}

extension DecodingError {
  fileprivate var context: Context? {
    switch self {
    case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
      .valueNotFound(_, let context):
      context
    @unknown default: nil
    }
  }
}

extension String {
  /// The text, or its first `count` characters and how many there are.
  public func shortened(to count: Int) -> String {
    guard utf8.count > count, self.count > count else { return self }
    return "\(prefix(count))… (\(self.count) characters)"
  }

  /// The text with control characters written as `\u{1B}`: what a file holds is never sent to a terminal as a command. The
  /// end of a line and a tab stay.
  public var withoutControls: String {
    guard unicodeScalars.contains(where: Self.isControl) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if Self.isControl(scalar) {
        text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    // C0, DEL and C1, and the marks that turn the direction of what follows.
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
