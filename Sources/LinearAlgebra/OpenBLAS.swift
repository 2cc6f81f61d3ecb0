import CKernels
import COpenBLAS
import Foundation

/// OpenBLAS as the house uses it: with the right kernels, and on the thread that calls.
enum OpenBLAS {
  /// The name of its kernels after any correction, such as "Haswell". The first use prepares the library: one thread,
  /// since the pool of `Threads` calls it from several, and other kernels where it chose wrong ones.
  ///
  /// A release of OpenBLAS that is older than the processor takes the kernels of the newest processor that it knows and
  /// so may leave half the speed. It reads OPENBLAS_CORETYPE only when it is loaded, before `main`; builds that choose
  /// at run time export the two functions that undo and repeat the choice.
  static let coreName: String = {
    requireMemory()
    let chosen = String(cString: openblas_get_corename())
    let level = String(cString: unfold_kernel_level())
    if getenv("OPENBLAS_CORETYPE") == nil,
      let better = betterCore(than: chosen, level: level, bfloat: unfold_has_bfloat_products())
    {
      chooseAgain(better)
    }
    openblas_set_num_threads(1)
    return String(cString: openblas_get_corename())
  }()

  /// Ends the process where the library would not get its memory: each thread that multiplies maps a buffer of 128 MiB, and
  /// one whose mapping fails tries again for ever, at full load.
  private static func requireMemory() {
    let bytes = Threads.count * ((128 << 20) + 8192)
    let place = mmap(nil, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard place != MAP_FAILED else { OutOfMemory.end(bytes, for: "the buffers of matrix products") }
    munmap(place, bytes)
  }

  /// The version that the library tells of itself, such as "0.3.21".
  static let version: String = {
    let words = String(cString: openblas_get_config()).split(separator: " ")
    return words.count > 1 ? String(words[1]) : "unknown"
  }()

  /// The kernels to ask for instead, or nil where the choice uses the processor's widest vectors already.
  static func betterCore(than chosen: String, level: String, bfloat: Bool) -> String? {
    let narrow: Set = [
      "prescott", "core2", "penryn", "dunnington", "nehalem", "atom", "nano", "athlon", "opteron", "opteron_sse3",
      "barcelona", "bobcat", "katmai", "coppermine", "northwood", "banias", "generic",
    ]
    let middle: Set = ["sandybridge", "bulldozer", "piledriver", "steamroller", "excavator"]
    let wide: Set = ["haswell", "zen"]
    let name = chosen.lowercased()
    switch level {
    case "avx512":
      return narrow.contains(name) || middle.contains(name) || wide.contains(name)
        ? (bfloat ? "COOPERLAKE" : "SKYLAKEX") : nil
    case "avx2": return narrow.contains(name) || middle.contains(name) ? "HASWELL" : nil
    default: return nil
    }
  }

  private static func chooseAgain(_ core: String) {
    typealias Function = @convention(c) () -> Void
    guard let program = dlopen(nil, RTLD_LAZY) else { return }
    defer { dlclose(program) }
    guard let quit = dlsym(program, "gotoblas_dynamic_quit"), let start = dlsym(program, "gotoblas_dynamic_init")
    else { return }
    setenv("OPENBLAS_CORETYPE", core, 1)
    unsafeBitCast(quit, to: Function.self)()
    unsafeBitCast(start, to: Function.self)()
    unsetenv("OPENBLAS_CORETYPE")
  }
}
