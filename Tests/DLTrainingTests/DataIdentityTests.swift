import DLCluster
import DLCore
import DLData
import DLFormats
import DLReports
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// A run goes on, and is judged, with data whose numbers stand for the same as those it was trained
/// on.
@Suite struct DataIdentityTests {
  private static let layers = "[{linear: {out: 3}}]"
  private static let names = ["class_names": "[\"a\",\"b\",\"c\"]"]

  private func write(
    _ bench: TableBench, _ name: String = "train", rows: Int = 6, spoil: Double = 0,
    _ metadata: [String: String] = names
  ) throws {
    var values = (0..<2 * rows).map { Double($0 % 7) }
    values[3] += spoil
    try bench.write(
      name, x: .floats(values, [2]), y: .integers((0..<rows).map { Double($0 % 3) }),
      metadata: metadata)
  }

  private func resume(_ bench: TableBench, _ overrides: [String] = []) throws -> [RankResult] {
    try train(
      bench.configuration(Self.layers, ["steps=4"] + overrides),
      bench.options("run") { $0.resume = .automatic })
  }

  @Test func resumeRefusesOtherData() throws {
    let bench = TableBench()
    try write(bench)
    try train(
      bench.configuration(Self.layers, ["steps=4"]), bench.options("run") { $0.stopAtStep = 2 })
    let folder = bench.path + "/run"
    let before = try tensors(bench.path + "/run/checkpoints/step-00000002.safetensors")
    for (rows, spoil, metadata, fault) in [
      (7, 0, Self.names, "has 7 rows, and was trained on when it had 6"),
      (6, 1, Self.names, "has other values than those trained on"),
      (
        6, 0, ["class_names": "[\"c\",\"b\",\"a\"]"],
        "its class names are not those trained on: class 0 is \"c\", there \"a\""
      ),
    ] as [(Int, Double, [String: String], String)] {
      try write(bench, rows: rows, spoil: spoil, metadata)
      let failure = #expect(throws: RankFailure.self) { try resume(bench) }
      #expect(failure?.exitCode == .data)
      #expect(failure?.message.contains("train.safetensors: \(fault)") == true)
      #expect(failure?.message.contains("init \(folder)/checkpoints") == true)
      #expect(try tensors(folder + "/checkpoints/step-00000002.safetensors") == before)
    }
    // The same content elsewhere is the same data.
    try File.remove(bench.path + "/train.safetensors")
    try write(bench, "moved")
    let moved = "data.train=\(bench.path)/moved.safetensors"
    #expect(try resume(bench, [moved])[0].startStep == 2)
  }

  /// Rows of other columns, categories, means or features are other data, whatever their numbers.
  @Test(arguments: [
    (
      "table",
      #"{"label":"y","regression":false,"standardize":false,"missing":false,"columns":[NAME]}"#,
      [
        #"{"name":"a","mean":0,"std":1},{"name":"b","mean":0,"std":1}"#,
        #"{"name":"b","mean":0,"std":1},{"name":"a","mean":0,"std":1}"#,
        #"{"name":"a","mean":0,"std":1},{"name":"b","mean":0,"std":1,"date":true}"#,
      ]
    ),
    (
      "audio",
      #"{"rate":8000,"window":4,"hop":2,"fft":4,"mels":2,"fmin":NAME,"fmax":4000,"deltas":0,"means":null,"deviations":null}"#,
      ["0", "20", "30"]
    ),
  ])
  func resumeRefusesRowsMadeOtherwise(_ key: String, _ text: String, _ values: [String]) throws {
    let bench = TableBench()
    func metadata(_ value: String) -> [String: String] {
      [key: text.replacingOccurrences(of: "NAME", with: value)]
    }
    try write(bench, "train", metadata(values[0]))
    try train(
      bench.configuration(Self.layers, ["steps=4"]), bench.options("run") { $0.stopAtStep = 2 })
    for value in values.dropFirst() {
      try write(bench, "train", metadata(value))
      let failure = #expect(throws: RankFailure.self) { try resume(bench) }
      #expect(failure?.exitCode == .data)
      #expect(
        failure?.message.contains("was not packed as the data trained on: ") == true,
        "\(failure?.message ?? "")")
      let options = bench.options("next-\(values.firstIndex(of: value) ?? 0)") {
        $0.initialWeights = bench.path + "/run/checkpoints/step-00000002.safetensors"
      }
      let begun = try train(bench.configuration(Self.layers), options)[0]
      #expect(begun.notices.contains { $0.contains("was not packed as") }, "\(begun.notices)")
    }
    try write(bench, "train", metadata(values[0]))
    #expect(try resume(bench)[0].startStep == 2)
  }

  @Test func weightsOfOtherDataCanBeGoneOnFrom() throws {
    let bench = TableBench()
    try write(bench)
    try train(bench.configuration(Self.layers), bench.options("run"))
    try write(bench, rows: 9)
    let options = bench.options("next") {
      $0.initialWeights = bench.path + "/run/checkpoints/step-00000002.safetensors"
    }
    #expect(try train(bench.configuration(Self.layers), options)[0].startStep == 0)
  }

  @Test func aValidationSetThatChangedIsTold() throws {
    let bench = TableBench()
    try write(bench)
    try write(bench, "held")
    let held = "data.validation=\(bench.path)/held.safetensors"
    try train(
      bench.configuration(Self.layers, ["steps=4", held]),
      bench.options("run") { $0.stopAtStep = 2 })
    try write(bench, "held", spoil: 1)
    let notices = try resume(bench, [held])[0].notices
    #expect(notices.contains { $0.contains("held.safetensors has changed since") }, "\(notices)")
  }

  /// Checkpoints of earlier versions say nothing of names and content.
  @Test func earlierCheckpointsResume() throws {
    let bench = TableBench()
    try write(bench)
    let job = try bench.configuration(Self.layers, ["steps=4"])
    try train(job, bench.options("whole"))
    try train(job, bench.options("run") { $0.stopAtStep = 2 })
    let path = bench.path + "/run/checkpoints/step-00000002.safetensors"
    try withoutNotes(["class_names", "data_digest", "validation_digest"], path)
    #expect(try resume(bench)[0].startStep == 2)
    let name = "checkpoints/step-00000004.safetensors"
    #expect(
      try tensors("\(bench.path)/run/\(name)") == tensors("\(bench.path)/whole/\(name)"))
  }

  /// Writes a checkpoint anew without some of its notes, as a version that knew none of them would.
  private func withoutNotes(_ keys: [String], _ path: String) throws {
    let file = try SafetensorsFile(path: path)
    var metadata = file.metadata
    for key in keys + ["metadata_checksum"] {
      metadata[key] = nil
    }
    let entries = metadata.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
    let text = Array(JSON.object(entries).description.utf8)
    metadata["metadata_checksum"] = String(text.withUnsafeBytes { CRC32.of($0) })
    let contents = try file.tensors.map { ($0, try file.bytes($0.name)) }
    try SafetensorsWriter.write(
      contents.map { info, bytes in
        SafetensorsTensor(name: info.name, dtype: info.dtype, shape: info.shape) { sink in
          try bytes.withUnsafeBytes { try sink($0) }
        }
      }, metadata: metadata, to: path)
  }

  /// Every row's class is told by its input: what is right does not depend on how classes are
  /// numbered.
  @Test func classesAreMatchedByName() throws {
    let bench = TableBench()
    func write(_ name: String, _ classes: [String], _ own: [String]) throws -> String {
      let all = ["apple", "banana", "cherry", "date"]
      let x = classes.flatMap { label in all.map { $0 == label ? 1.0 : 0 } }
      let y = classes.map { Double(own.firstIndex(of: $0) ?? -1) }
      return try bench.write(
        name, x: .floats(x, [4]), y: .integers(y),
        metadata: ["class_names": ClassNames(own).text, "classes": "\(own.count)"])
    }
    let all = ["apple", "banana", "cherry", "date"]
    _ = try write("train", all, all)
    let some = try write("some", ["date", "apple", "date"], ["apple", "date"])
    let layers = "[{linear: {out: 4}}]"
    let job = ["steps=60", "optimizer={name: adam, lr: 0.1}", "validate={every_steps: 60}"]
    let result = try train(
      bench.configuration(layers, job + ["data.validation=\(some)"]), bench.options("run"),
      ranks: 2)
    #expect(result[0].validations.last?.accuracy == 1)
    let run = try LoadedRun("\(bench.path)/run")
    let turned = try write("turned", ["cherry", "date", "apple"], all.reversed())
    #expect(try run.evaluate(data: turned, communicator: SingleRank()).correct == 3)
    let more = try write("more", ["cherry", "elder"], all + ["elder"])
    let others = try write("others", ["apple"], ["apple", "elder"])
    for (path, fault) in [
      (more, "row 1 has the class \"elder\", which \(bench.path)/run lacks"),
      (others, "its classes are not those of \(bench.path)/run: it has \"elder\", and lacks"),
    ] {
      let failure = #expect(throws: RankFailure.self) {
        try run.evaluate(data: path, communicator: SingleRank())
      }
      #expect(failure?.exitCode == .data && failure?.message.contains(fault) == true)
      let job = try bench.configuration(layers, ["data.validation=\(path)"])
      #expect(throws: (any Error).self) { _ = try ModelReport(job) }
    }
  }

  @Test func nodesOfAnotherGraph() throws {
    let bench = TableBench()
    for name in ["one", "other"] {
      try File.makeFolder("\(bench.path)/\(name)")
      let last = name == "one" ? "1" : "0"
      let nodes =
        "0\t0\ttrain\t0\n1\t1\ttrain\t1\n2\t0\tval\t0\n3\t\(last)\tval\t1\n4\t1\ttest\t1\n"
      try File("\(bench.path)/\(name)/nodes.tsv", .create).write(nodes)
      try File("\(bench.path)/\(name)/edges.tsv", .create).write("0\t2\n1\t3\n3\t4\n")
      _ = try CoraPacker.pack(
        directory: "\(bench.path)/\(name)", output: "\(bench.path)/\(name).safetensors")
    }
    let yaml = """
      data: {train: one.safetensors, validation: one.safetensors}
      model: {name: gcn, hidden: 4}
      batch_size: 2
      steps: 2
      """
    try train(
      Configuration.load(yaml: yaml, folder: bench.path), bench.options("run"))
    let run = try LoadedRun("\(bench.path)/run")
    _ = try run.evaluate(data: "\(bench.path)/one.safetensors", communicator: SingleRank())
    let other = "\(bench.path)/other.safetensors"
    let failure = #expect(throws: RankFailure.self) {
      try run.evaluate(data: other, communicator: SingleRank())
    }
    #expect(failure?.exitCode == .data && failure?.message.contains("is another graph") == true)
    #expect(throws: (any Error).self) {
      _ = try ModelReport(
        Configuration.load(
          yaml: yaml, folder: bench.path, overrides: ["data.validation=\(other)"]))
    }
  }
}
