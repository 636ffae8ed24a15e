import DLCluster
import DLCore
import DLFormats
import DLTestSupport
import DLTraining
import Testing

/// Twenty steps of the course's networks against PyTorch's, from the same weights and noise
/// (scripts/golden/make_course.py, make_course_text.py and make_course_chains.py).
@Suite struct CourseTrajectoryTests {
  static let jobs = ["gin", "gat", "bert", "seq2seq", "vae", "gan-minimax", "gan-hinge"]
  static let textJobs = [
    "masked", "lstm-dot", "relu", "copy", "guided", "self-critical", "minimum-risk", "nat",
  ]
  static let chains = [
    "crf", "ctc", "conformer", "pixels", "transformer", "words", "topics", "ngram", "detect",
    "graphsage",
  ]

  @Test(arguments: jobs, [1, 3])
  func lossesAndStateArePyTorchs(job: String, ranks: Int) throws {
    try check(job, of: "course", ranks: ranks)
  }

  @Test(arguments: textJobs, [1, 3])
  func textLossesAndStateArePyTorchs(job: String, ranks: Int) throws {
    try check(job, of: "course_text", ranks: ranks)
  }

  @Test(arguments: chains, [1, 3])
  func chainsLossesAndStateArePyTorchs(job: String, ranks: Int) throws {
    try check(job, of: "course_chains", ranks: ranks)
  }

  private func check(_ job: String, of name: String, ranks: Int) throws {
    let golden = try Course(job, of: name)
    let (losses, state) = try golden.train(ranks: ranks)
    let worst = deviation(losses, try golden.file.doubles("\(job)/losses"))
    #expect(losses.count == 20 && worst < 1e-9, "\(job): \(worst)")
    let wanted = golden.names("final")
    #expect(!wanted.isEmpty)
    for name in wanted {
      let found = try #require(state[name], "\(job): \(name) is missing")
      let off = deviation(found, try golden.file.doubles("\(job)/final/\(name)"))
      #expect(off < 1e-9, "\(job): \(name) is off by \(off)")
    }
  }
}

/// A job of the file.
private struct Course {
  let file: SafetensorsFile
  private let job: String

  init(_ job: String, of name: String) throws {
    self.job = job
    file = try Golden.file(name)
  }

  func names(_ part: String) -> [String] {
    let prefix = "\(job)/\(part)/"
    return file.tensors.map(\.name).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
  }

  /// The losses of the steps and the tensors of the last checkpoint.
  func train(ranks: Int) throws -> (losses: [Double], state: [String: [Double]]) {
    let folder = TemporaryFolder()
    let about = try JSON(parsing: try #require(file.metadata["\(job).data"]))
    let metadata = Dictionary(
      uniqueKeysWithValues: (about.members ?? []).compactMap { member in
        member.value.string.map { (member.key, $0) }
      })
    try write("data", to: folder.path + "/data.safetensors", metadata)
    let initial = folder.path + "/init.safetensors"
    try write("init", to: initial, [:])
    let configuration = try Configuration.load(
      yaml: try #require(file.metadata["\(job).yaml"]), folder: folder.path)
    let out = folder.path + "/run"
    return try ThreadGroup.run(ranks: ranks) { communicator in
      var options = TrainingOptions()
      options.out = out
      options.initialWeights = initial
      let recorder = LossRecorder()
      let report = try Trainer(
        configuration, options: options, communicator: communicator, observers: [recorder]
      ).train()
      guard communicator.rank == 0 else { return ([], [:]) }
      let last = try SafetensorsFile(path: try #require(report.checkpoint))
      let state = try last.tensors.reduce(into: [String: [Double]]()) {
        $0[$1.name] = try last.doubles($1.name)
      }
      return (recorder.losses, state)
    }[0]
  }

  private func write(_ part: String, to path: String, _ metadata: [String: String]) throws {
    let tensors = try names(part).map { name in
      let info = try file.info("\(job)/\(part)/\(name)")
      let bytes = try file.bytes(info.name)
      return SafetensorsTensor(name: name, dtype: info.dtype, shape: info.shape) { sink in
        try bytes.withUnsafeBytes { try sink($0) }
      }
    }
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
  }
}

private final class LossRecorder: TrainingObserver {
  var losses: [Double] = []

  func didStep(_ report: StepReport) { losses.append(report.loss) }
}
