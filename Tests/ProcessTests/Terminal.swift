import Foundation
import Glibc

/// A terminal of a number of columns that a program writes to, and all that it wrote.
final class Terminal {
  private let controller: Int32
  private let device: String

  /// Opens a pseudo-terminal; one of 0 columns does not know its size.
  init(columns: Int) throws {
    controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    // TIOCSPTLCK and TIOCGPTN of asm-generic/ioctls.h: Swift imports no such macros.
    var (isLocked, number): (Int32, UInt32) = (0, 0)
    guard controller >= 0, ioctl(controller, 0x4004_5431, &isLocked) == 0,
      ioctl(controller, 0x8004_5430, &number) == 0
    else { throw CocoaError(.fileNoSuchFile) }
    device = "/dev/pts/\(number)"
    try resize(columns)
  }

  deinit { close(controller) }

  /// Changes the number of columns, as dragging a window does.
  func resize(_ columns: Int) throws {
    var size = winsize(
      ws_row: columns == 0 ? 0 : 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    guard ioctl(controller, UInt(TIOCSWINSZ), &size) == 0 else {
      throw CocoaError(.fileWriteUnknown)
    }
  }

  /// Runs dltrain with its standard output on the terminal; its errors go elsewhere.
  func run(
    _ arguments: [String], processes: Int? = nil, in folder: String,
    environment: [String: String] = [:]
  ) throws -> Screen {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["timeout", "-k", "5", "300"] + Program.launcher(processes) + [Program.path] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var all = ProcessInfo.processInfo.environment
    all["COLUMNS"] = nil
    all["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    all["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    process.environment = all.merging(environment) { $1 }
    let descriptor = open(device, O_RDWR | O_NOCTTY)
    guard descriptor >= 0 else { throw CocoaError(.fileNoSuchFile) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    let errors = folder + "/errors-" + UUID().uuidString
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    close(descriptor)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    // The last writer's end is an error of reading.
    while true {
      let count = read(controller, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    process.waitUntilExit()
    return Screen(
      text: String(decoding: bytes, as: UTF8.self), status: process.terminationStatus,
      errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
  }
}

/// What a terminal was sent.
struct Screen {
  let text: String
  let status: Int32
  let errors: String

  /// The lines, each state of a line that is written over as one of its own.
  var lines: [String] {
    text.replacing("\u{1b}[K", with: "").split { $0.isNewline || $0 == "\r" }.map(String.init)
  }

  /// The widest line.
  var widest: String { lines.max { $0.count < $1.count } ?? "" }

  /// The numbers in the text, with their points and commas.
  var numbers: Set<String> { Screen.numbers(text) }

  static func numbers(_ text: String) -> Set<String> {
    Set(
      text.split { !($0.isASCII && $0.isNumber) && $0 != "." && $0 != "," }
        .map { $0.trimmingCharacters(in: .punctuationCharacters) }.filter { !$0.isEmpty })
  }
}
