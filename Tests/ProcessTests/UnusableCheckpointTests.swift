import DLFormats
import DLTestSupport
import Foundation
import Testing

/// What `--resume` does with checkpoints that it cannot use: it goes back over damaged ones, and
/// refuses to start anew or to go back where that would destroy what others can still use.
@Suite(.serialized)
struct UnusableCheckpointTests {
  /// Ways in which a checkpoint cannot be used.
  enum Fault: String, CaseIterable, Sendable {
    case newerFormat, damagedByte, cutShort, folderInItsPlace, linkInACircle

    var exitCode: Int32 { [.folderInItsPlace, .linkInACircle].contains(self) ? 74 : 65 }
    var isDamage: Bool { [.damagedByte, .cutShort].contains(self) }
    var reason: String {
      switch self {
      case .newerFormat: "has format dltrain-checkpoint-9"
      case .damagedByte: "fails its checksum"
      case .cutShort: "cut short"
      case .folderInItsPlace: "is not a regular file"
      case .linkInACircle: "Too many levels of symbolic links"
      }
    }

    /// Brings it about.
    func apply(to path: String) throws {
      let files = FileManager.default
      switch self {
      case .newerFormat:
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = try #require(data.range(of: Data("dltrain-checkpoint-1".utf8)))
        data[place.upperBound - 1] = UInt8(ascii: "9")
        try data.write(to: URL(fileURLWithPath: path))
      case .damagedByte:
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        data[data.count - 100] ^= 1
        try data.write(to: URL(fileURLWithPath: path))
      case .cutShort:
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        try data.prefix(data.count * 2 / 3).write(to: URL(fileURLWithPath: path))
      case .folderInItsPlace:
        try files.removeItem(atPath: path)
        try files.createDirectory(atPath: path, withIntermediateDirectories: false)
      case .linkInACircle:
        try files.removeItem(atPath: path)
        try files.createSymbolicLink(atPath: path, withDestinationPath: path)
      }
    }
  }

  static let yaml = """
    name: plain
    seed: 5
    data: {train: "embedded:digits-train", validation: "embedded:digits-validation"}
    model: {layers: [flatten, {linear: {out: 10}}]}
    optimizer: {name: adamw, lr: 0.01}
    batch_size: 15
    steps: 6
    precision: float64
    validate: {every_steps: 100}
    checkpoint: {every_steps: 1, keep: 20}

    """

  /// A run that was stopped at step 3, with a checkpoint of each step.
  private func stopped(_ folder: String) throws -> (configuration: String, run: String) {
    let (configuration, run) = (folder + "/plain.yaml", folder + "/run")
    try Self.yaml.write(toFile: configuration, atomically: true, encoding: .utf8)
    let outcome = try Program.run(
      ["train", configuration, "--out", run, "--stop-at", "3", "--ranks", "1"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    return (configuration, run)
  }

  private func resume(
    _ configuration: String, _ run: String, from source: String = "auto", processes: Int
  ) throws -> Outcome {
    let arguments = ["train", configuration, "--out", run, "--resume", source]
    return processes == 1
      ? try Program.run(arguments + ["--ranks", "1"])
      : try Program.run(arguments, processes: processes)
  }

  /// Every entry below a folder: its number in the file system, when it was last written to, and what
  /// it holds.
  ///
  /// A folder's own time tells of names that came and went.
  private func state(_ folder: String) throws -> [String: String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder) + [""]
    var state: [String: String] = [:]
    for name in names {
      let path = folder + "/" + name
      var status = stat()
      #expect(lstat(path, &status) == 0)
      let isFile = status.st_mode & S_IFMT == S_IFREG
      let content =
        isFile ? try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString() : ""
      state[name] =
        "\(status.st_ino) \(status.st_mode) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(content)"
    }
    return state
  }

  @Test(arguments: Fault.allCases, [1, 2, 4])
  func nothingChangesWhereNoCheckpointCanBeUsed(fault: Fault, processes: Int) throws {
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      for step in 1...3 { try fault.apply(to: Job.checkpoint(run, step: step)) }
      let before = try state(run)
      let outcome = try resume(configuration, run, processes: processes)
      #expect(outcome.status == fault.exitCode, "\(outcome.errors)")
      #expect(outcome.faults.count == 3, "\(outcome.errors)")
      for (line, step) in compared(outcome.faults, [3, 2, 1]) {
        #expect(line.hasPrefix("dltrain: \(Job.checkpoint(run, step: step)): "))
        #expect(line.contains(fault.reason) && line.contains("another --out"), "\(line)")
      }
      #expect(try state(run) == before)
    }
  }

  @Test(arguments: [Fault.newerFormat, .folderInItsPlace, .linkInACircle], [1, 2, 4])
  func aSoundCheckpointIsNotGoneBackOver(fault: Fault, processes: Int) throws {
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      try fault.apply(to: Job.checkpoint(run, step: 3))
      let before = try state(run)
      let outcome = try resume(configuration, run, processes: processes)
      #expect(outcome.status == fault.exitCode, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      let line = outcome.faults.first ?? ""
      #expect(line.contains(Job.checkpoint(run, step: 3) + ": ") && line.contains(fault.reason))
      #expect(line.contains("go on from \(Job.checkpoint(run, step: 2)) with --resume"), "\(line)")
      #expect(try state(run) == before)
      // What the line says works, and leaves the run as it is.
      let elsewhere = try resume(
        configuration, folder + "/other", from: Job.checkpoint(run, step: 2), processes: processes)
      #expect(elsewhere.status == 0, "\(elsewhere.errors)")
      #expect(try state(run) == before)
      let here = try resume(
        configuration, run, from: Job.checkpoint(run, step: 2), processes: processes)
      #expect(here.status == fault.exitCode, "\(here.errors)")
      #expect(try state(run) == before)
      // A folder that is named is one of a run.
      guard fault != .folderInItsPlace else { return }
      let named = try resume(
        configuration, folder + "/third", from: Job.checkpoint(run, step: 3), processes: processes)
      #expect(named.status == fault.exitCode && named.faults.count == 1, "\(named.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/third"))
    }
  }

  @Test(arguments: [Fault.damagedByte, .cutShort], [1, 2, 4])
  func damagedCheckpointsAreGoneBackOverAndKept(fault: Fault, processes: Int) throws {
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      let whole = folder + "/whole"
      try FileManager.default.copyItem(atPath: run, toPath: whole)
      #expect(try resume(configuration, whole, processes: processes).status == 0)
      var damaged: [String: Data] = [:]
      for step in 2...3 {
        let path = Job.checkpoint(run, step: step)
        try fault.apply(to: path)
        damaged[path] = try Data(contentsOf: URL(fileURLWithPath: path))
      }
      let outcome = try resume(configuration, run, processes: processes)
      #expect(outcome.status == 0, "\(outcome.errors)")
      for (path, bytes) in damaged {
        let line = outcome.faults.first { $0.contains(path + ": ") } ?? ""
        #expect(line.contains(fault.reason), "\(outcome.errors)")
        #expect(line.contains("going back to \(Job.checkpoint(run, step: 1))"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".damaged")) == bytes)
      }
      #expect(
        Job.largestDifference(
          try Job.tensors(run, step: 6), try Job.tensors(whole, step: 6)) < 1e-10)
      #expect(try Job.metrics(run).count == Job.metrics(whole).count)
    }
  }

  @Test(arguments: [1, 2, 4])
  func aFolderThatCannotBeListedIsNotEmpty(processes: Int) throws {
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      let checkpoints = run + "/checkpoints"
      try FileManager.default.moveItem(atPath: checkpoints, toPath: folder + "/elsewhere")
      for target in [checkpoints, folder + "/gone"] {
        try FileManager.default.createSymbolicLink(
          atPath: checkpoints, withDestinationPath: target)
        let before = try state(run)
        for source in ["auto", run] {
          let outcome = try resume(configuration, run, from: source, processes: processes)
          #expect(outcome.status == 74, "\(outcome.errors)")
          #expect(outcome.faults.count == 1 && outcome.errors.contains(checkpoints))
        }
        let anew = try Program.run(["train", configuration, "--out", run, "--ranks", "1"])
        #expect(anew.status == 74, "\(anew.errors)")
        #expect(try state(run) == before)
        try FileManager.default.removeItem(atPath: checkpoints)
      }
      // Where there is none by name, a run starts anew.
      let outcome = try resume(configuration, run, processes: processes)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(FileManager.default.fileExists(atPath: Job.checkpoint(run, step: 6)))
    }
  }

  @Test func aLeaseThatCannotBeReadIsNobodysToTake() throws {
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      let lease = run + "/.lease"
      try FileManager.default.removeItem(atPath: lease)
      try FileManager.default.createSymbolicLink(atPath: lease, withDestinationPath: lease)
      let before = try state(run)
      let outcome = try resume(configuration, run, processes: 2)
      #expect(outcome.status == 74 && outcome.errors.contains(lease), "\(outcome.errors)")
      #expect(try state(run) == before)
    }
  }

  @Test func usingARunRefusesAlike() throws {
    try TemporaryFolder.with { folder in
      let (_, run) = try stopped(folder)
      try Fault.damagedByte.apply(to: Job.checkpoint(run, step: 3))
      let passedOver = try Program.run(["evaluate", run])
      #expect(passedOver.status == 0, "\(passedOver.errors)")
      #expect(passedOver.errors.contains("going back to \(Job.checkpoint(run, step: 2))"))
      try Fault.linkInACircle.apply(to: Job.checkpoint(run, step: 3))
      let refused = try Program.run(["evaluate", run])
      #expect(refused.status == 74, "\(refused.errors)")
      let named = "name \(Job.checkpoint(run, step: 2)) with --checkpoint"
      #expect(refused.faults.count == 1 && refused.errors.contains(named), "\(refused.errors)")
      for step in 1...2 { try Fault.newerFormat.apply(to: Job.checkpoint(run, step: step)) }
      let none = try Program.run(["export", run, "-o", folder + "/weights.safetensors"])
      #expect(none.status == 74 && none.faults.count == 3, "\(none.errors)")
    }
  }

  @Test func pruningLeavesWhatTheRunCameFromUntilThereIsANewerOne() throws {
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      try Fault.cutShort.apply(to: Job.checkpoint(run, step: 3))
      // Nothing is saved before the end of this one, and then the last alone is kept.
      let arguments = ["--set", "checkpoint={every_steps: 100, keep: 1}", "--resume", "auto"]
      let stop = try Program.run(
        ["train", configuration, "--out", run, "--stop-at", "2", "--ranks", "1"] + arguments)
      #expect(stop.status == 0, "\(stop.errors)")
      #expect(FileManager.default.fileExists(atPath: Job.checkpoint(run, step: 2)))
      let last = try Program.run(
        ["train", configuration, "--out", run, "--ranks", "1"] + arguments)
      #expect(last.status == 0, "\(last.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
      #expect(
        names.sorted() == [
          "latest", "step-00000003.safetensors.damaged", "step-00000006.safetensors",
        ])
    }
  }

  /// Root reads everything, so this runs the program as another user.
  @Test func filesWithoutPermissionAreThere() throws {
    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    let able = try Program.startCommand(
      user + [Program.path, "--version"], in: nil
    ).wait()
    // Elsewhere than as root with the program in reach, the other tests stand for this one.
    guard able.status == 0 else { return }
    try TemporaryFolder.with { folder in
      let (configuration, run) = try stopped(folder)
      for name in try FileManager.default.subpathsOfDirectory(atPath: folder) + [""] {
        #expect(chown(folder + "/" + name, 65534, 65534) == 0)
      }
      let train = user + [Program.path, "train", configuration, "--out", run, "--ranks", "1"]
      func refuses(_ path: String, _ lines: Int) throws {
        let before = try state(run)
        let outcome = try Program.startCommand(
          train + ["--resume", "auto"], in: folder
        ).wait()
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.faults.count == lines && outcome.errors.contains("Permission denied"))
        #expect(outcome.errors.contains(path) && outcome.errors.contains("check the permissions"))
        #expect(try state(run) == before)
      }
      chmod(Job.checkpoint(run, step: 3), 0)
      try refuses(Job.checkpoint(run, step: 3), 1)
      for step in 1...2 { chmod(Job.checkpoint(run, step: step), 0) }
      try refuses(Job.checkpoint(run, step: 1), 3)
      chmod(run + "/checkpoints", 0)
      try refuses(run + "/checkpoints", 1)
      chmod(run + "/checkpoints", 0o755)
      chmod(run + "/.lease", 0)
      try refuses(run + "/.lease", 1)
    }
  }
}
