import DLCluster
import DLFormats
import DLTestSupport
import DLTraining
import Testing

@Suite struct TestTimeAugmentationTests {
  private typealias Image = [[Float]]

  private let bench: Workbench
  private let images: [Image]
  private let configuration: Configuration

  init() throws {
    bench = try Workbench()
    images = (0..<5).map { row in
      (0..<4).map { y in
        (0..<6).map { x in
          let value: Int = row * 31 + y * 17 + x * x * 7
          return Float(value % 23) / 5
        }
      }
    }
    configuration = try Configuration.load(
      yaml: """
        data: {train: data.safetensors, validation: data.safetensors}
        model:
          layers: [{conv2d: {out: 3, kernel: [3, 2]}}, relu, flatten, {linear: {out: 2}}]
        loss: mse
        optimizer: {name: sgd, lr: 0.01}
        batch_size: 5
        steps: 2
        precision: float64
        """, folder: bench.path, overrides: [])
    try write(images, "data")
    try train(configuration, bench.options("run"))
  }

  private func write(_ images: [Image], _ name: String) throws {
    let pixels = images.joined().joined()
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .float32, shape: [images.count, 4, 6, 1]) { sink in
          try Array(pixels).withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .float32, shape: [images.count, 2]) { sink in
          try [Float](repeating: 1, count: 2 * images.count).withUnsafeBytes { try sink($0) }
        },
      ], to: "\(bench.path)/\(name).safetensors")
  }

  private func predictions(_ images: [Image], _ views: TestTimeAugmentation = .one) throws
    -> [Double]
  {
    try write(images, "views")
    var text = ""
    try LoadedRun("\(bench.path)/run", views: views).predict("\(bench.path)/views.safetensors") {
      text += $0
    }
    return text.split(separator: "\n").dropFirst().flatMap { line in
      line.split(separator: ",").dropFirst().compactMap { Double($0) }
    }
  }

  private func mirrored(_ image: Image) -> Image { image.map { $0.reversed() } }

  private func movedUpLeft(_ image: Image) -> Image {
    let rows = image.dropFirst() + [image[image.count - 2]]
    return rows.map { Array($0.dropFirst() + [$0[$0.count - 2]]) }
  }

  private func movedDownRight(_ image: Image) -> Image {
    let rows = [image[1]] + image.dropLast()
    return rows.map { [$0[1]] + $0.dropLast() }
  }

  @Test func outputsAreTheMeanOfTheirViews() throws {
    let mirrors = images.map(mirrored)
    let plain = try predictions(images)
    let inPlace = zipped(plain, try predictions(mirrors)).map { ($0 + $1) / 2 }
    #expect(plain.count == 10 && deviation(plain, inPlace) > 1e-3)
    #expect(deviation(try predictions(images, .one), plain) == 0)
    #expect(deviation(try predictions(images, .mirrored), inPlace) < 1e-8)

    let moved = try [
      images.map(movedUpLeft), images.map(movedDownRight), mirrors.map(movedUpLeft),
      mirrors.map(movedDownRight),
    ].map { try predictions($0) }
    let six = inPlace.indices.map { place in
      inPlace[place] / 2 + moved.reduce(0) { $0 + $1[place] } / 8
    }
    #expect(deviation(six, inPlace) > 1e-3)
    #expect(deviation(try predictions(images, .six), six) < 1e-8)
  }

  @Test(arguments: [1, 2, 3]) func everyNumberOfRanksEvaluatesTheSame(ranks: Int) throws {
    let outputs = try predictions(images, .six)
    let expected = outputs.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } / Double(outputs.count)
    let run = try LoadedRun("\(bench.path)/run", views: .six)
    let reports = try ThreadGroup.run(ranks: ranks) {
      try run.evaluate(data: nil, communicator: $0)
    }
    #expect(deviation(reports.map(\.loss), reports.map { _ in expected }) < 1e-8)
    #expect(reports.allSatisfy { $0.rows == 5 })
  }

  /// The run's validations, and what is made of the run later, see as the job says.
  @Test func validationsSeeAsTheJobSays() throws {
    func validation(_ views: TestTimeAugmentation) throws -> Double? {
      var job = configuration
      job.validate.views = views
      return try train(job, bench.options("\(views)"))[0].validations.last?.loss
    }
    let alone = SingleRank()
    let mirrored = try #require(try validation(.mirrored))
    let plain = try #require(try validation(.one))
    #expect(mirrored != plain)
    let other = try LoadedRun("\(bench.path)/one", choice: .latest, views: .mirrored)
      .evaluate(data: nil, communicator: alone)
    let own = try LoadedRun("\(bench.path)/mirrored", choice: .latest)
      .evaluate(data: nil, communicator: alone)
    let one = try LoadedRun("\(bench.path)/mirrored", choice: .latest, views: .one)
      .evaluate(data: nil, communicator: alone)
    #expect(deviation([other.loss, own.loss], [mirrored, mirrored]) < 1e-12)
    #expect(deviation([one.loss], [plain]) < 1e-12)
    #expect(own.text(columns: nil).contains("\nviews       mirrored\n"))
    #expect(!one.text(columns: nil).contains("views"))
  }

  @Test func otherInputsAreRefused() throws {
    let configuration = try Configuration.load(
      yaml: """
        data: {synthetic: {shape: [6], classes: 3, rows: 20}}
        model: {layers: [{linear: {out: 3}}]}
        batch_size: 5
        steps: 1
        """, folder: bench.path, overrides: [])
    try train(configuration, bench.options("rows"))
    let run = try LoadedRun("\(bench.path)/rows", views: .mirrored)
    let expected = "validate.views: mirrored: the network does not take images of several pixels"
    let error = #expect(throws: RankFailure.self) {
      try run.evaluate(data: "\(bench.path)/data.safetensors", communicator: SingleRank())
    }
    #expect(error?.message.contains(expected) == true)
    var job = configuration
    job.validate.views = .mirrored
    let failure = #expect(throws: RankFailure.self) { try train(job, bench.options("refused")) }
    #expect(failure?.message.contains(expected) == true)
  }
}
