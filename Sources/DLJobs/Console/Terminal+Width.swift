import Foundation
import Glibc

extension Terminal {
  /// The columns of the terminal that standard output is shown on; nil for files and pipes, which
  /// take lines of any length.
  ///
  /// It is asked for at each line, since people change the size of their windows. A terminal that
  /// does not know its size has those of the variable `COLUMNS`, or 80.
  package static var width: Int? {
    guard isTerminal else { return nil }
    if let columns = columns(of: STDOUT_FILENO) { return columns }
    // mpirun gives its ranks a terminal without a size, and passes on what they write.
    if isRank {
      guard let launcher = launcherTerminal else { return nil }
      let descriptor = open(launcher, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
      defer { if descriptor >= 0 { close(descriptor) } }
      if descriptor >= 0, let columns = columns(of: descriptor) { return columns }
    }
    let variable = getenv("COLUMNS").flatMap { Int(String(cString: $0)) } ?? 0
    return variable > 0 ? variable : 80
  }

  private static var isRank: Bool { getenv("OMPI_COMM_WORLD_RANK") != nil }

  /// The terminal that the process above writes to; nil where that is none.
  private static var launcherTerminal: String? {
    let link = "/proc/\(getppid())/fd/1"
    guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
      return nil
    }
    return path.hasPrefix("/dev/pts/") || path.hasPrefix("/dev/tty") ? path : nil
  }

  private static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
