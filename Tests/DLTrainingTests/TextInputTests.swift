import DLConfiguration
import DLCore
import DLFormats
import DLJobs
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Texts that a user's editor wrote: byte-order marks, line ends of Windows, marks behind separators.
@Suite struct TextInputTests {
  private let folder = TemporaryFolder()

  private func withFile<R>(_ bytes: [UInt8], _ body: (String) throws -> R) throws -> R {
    let path = try folder.write(bytes, to: "\(UUID().uuidString).yaml")
    return try body(path)
  }

  private let job = "name: plain\ndata: {train: x}\nmodel: {name: lenet5}\nbatch_size: 7\n"

  @Test func aMarkedConfigurationIsTheSame() throws {
    let plain = try withFile(Array(job.utf8)) { try Configuration.load(path: $0) }
    let windows = job.split(separator: "\n").joined(separator: "\r\n")
    for text in ["\u{feff}" + job, "\u{feff}" + windows + "\r\n", windows] {
      let other = try withFile(Array(text.utf8)) { try Configuration.load(path: $0) }
      #expect(other.yaml() == plain.yaml())
    }
  }

  @Test func placesAreThoseBehindTheMark() throws {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration.load(yaml: "\u{feff}bacth: 1\r\n\tx: 2\r\n" + job, source: "job.yaml")
    }
    #expect(error?.lines[0].hasPrefix("job.yaml:2:1: not YAML") == true, "\(error?.lines ?? [])")
    #expect(error?.lines[0].contains("not by tabs") == true)
  }

  @Test func otherFilesAreNamed() throws {
    let utf16: [UInt8] = [0xff, 0xfe] + job.utf8.flatMap { [$0, 0] }
    let zip = Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0xff, count: 40)
    for (bytes, kind) in [(utf16, "UTF-16 text"), (zip, "a ZIP archive")] {
      let error = #expect(throws: ConfigurationError.self) {
        try withFile(bytes) { try Configuration.load(path: $0) }
      }
      #expect(error?.lines[0].contains("this is \(kind), not UTF-8 text") == true)
    }
  }

  @Test func marksBehindSeparatorsAreContent() throws {
    let loaded = try Configuration.load(
      yaml: job, source: "job.yaml", folder: "/data", overrides: ["name=\u{301}run"])
    #expect(loaded.name?.hasScalars(of: "\u{301}run") == true)
    let paths = try ["/\u{301}x", "./\u{301}x", "x"].map { path in
      try Configuration.load(
        yaml: job.replacing("{train: x}", with: "{train: \"\(path)\"}"), folder: "/data"
      ).data.train
    }
    #expect(paths == ["/\u{301}x", "/data/\u{301}x", "/data/x"])
  }

  @Test func hostfilesOfWindowsAreRead() throws {
    let plain = "node1 slots=4\nnode2 slots=2 # the second\n"
    let expected = try Hostfile(parsing: plain, source: "hosts")
    let windows = "\u{feff}node1 slots=4\r\nnode2 slots=2 #\u{301} the second\r\n"
    let read = try withFile(Array(windows.utf8)) { try Hostfile(path: $0) }
    #expect(read.hosts == expected.hosts)
    // mpirun is given a file of its own then.
    #expect(!read.isPlain && expected.isPlain)
    #expect(try withFile(Array(plain.utf8)) { try Hostfile(path: $0) }.isPlain)
    let utf16: [UInt8] = [0xff, 0xfe] + plain.utf8.flatMap { [$0, 0] }
    let error = #expect(throws: FormatError.self) {
      try withFile(utf16) { try Hostfile(path: $0) }
    }
    #expect(error?.what.contains("UTF-16") == true)
  }
}
