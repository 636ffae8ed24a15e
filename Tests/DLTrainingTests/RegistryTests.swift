import DLCluster
import DLConfiguration
import DLOptimizers
import DLTensor
import DLTraining
import Testing

/// What a program of a user registers, under names that nothing else has.
private struct ScaledSGDSpec: OptimizerSpec {
  static var word: String { "registered_sgd" }
  static var learningRate: Double { 0.25 }
  static var weightDecay: Double { 0.5 }
  var registeredMomentum = 0.5
  static var fields: [ConfigurationField<Self>] {
    [.init("registered_momentum", \.registeredMomentum, .within(0..<1), "decay rate")]
  }
  func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try SGD(momentum: registeredMomentum, weightDecay: weightDecay)
  }
}

private struct HalfSpec: ScheduleSpec {
  static var word: String { "registered_half" }
  func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    StepSchedule(every: max(run.remaining / 2, 1), gamma: 0.5)
  }
}

private struct LatestSpec: AverageSpec {
  static var word: String { "registered_latest" }
  static var fields: [ConfigurationField<Self>] { [] }
  func makeWeighting() -> any AverageWeighting { ExponentialAverage(decay: 0) }
}

private struct OwnCodecSpec: CodecSpec {
  static var word: String { "registered_codec" }
  func makeCodec() -> (any GradientCodec)? { BFloat16Codec() }
}

@Suite struct RegistryTests {
  private func load(_ text: String) throws -> Configuration {
    try Configuration.load(yaml: "data: {train: x}\nmodel: {name: lenet5}\n" + text, folder: "/")
  }

  @Test func aProgramsOwnTypesAreKnownByName() throws {
    let plain = try load("").yaml()
    // Twice is as once.
    for _ in 0..<2 {
      try OptimizerRegistry.register(ScaledSGDSpec.self)
      try ScheduleRegistry.register(HalfSpec.self)
      try AverageRegistry.register(LatestSpec.self)
      try CodecRegistry.register(OwnCodecSpec.self)
    }
    #expect(OptimizerRegistry.all.count { $0.word == "registered_sgd" } == 1)
    // What is not chosen is not written.
    #expect(try load("").yaml() == plain)
    let text =
      "optimizer: {name: registered_sgd, registered_momentum: 0.75}\n"
      + "schedule: {name: registered_half, warmup_steps: 2}\n"
      + "average: {name: registered_latest}\ncompression: {name: registered_codec}\n"
    let job = try load(text)
    #expect(job.optimizer.lr == 0.25 && job.optimizer.weightDecay == 0.5)
    let rule = try #require(try job.optimizer.makeOptimizer() as? SGD)
    #expect(rule.momentum == 0.75 && rule.weightDecay == 0.5)
    let schedule = job.schedule.makeSchedule(totalSteps: 10, stepsPerEpoch: 5)
    #expect((0..<10).map(schedule.multiplier) == [0.5, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    #expect(job.average?.spec.makeWeighting().weight(afterUpdates: 3) == 1)
    #expect(job.compression.codec is BFloat16Codec)
    #expect(job.yaml().contains("registered_momentum: 0.75"))
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    #expect(try ConfigurationSchema.json().contains("registered_momentum"))
    let error = #expect(throws: ConfigurationError.self) {
      try load("optimizer: {name: adam, registered_momentum: 0.1}")
    }
    #expect(error?.lines.first?.contains("only registered_sgd has it") == true)
    // In Swift.
    let own = OptimizerConfiguration(ScaledSGDSpec())
    #expect(own.lr == 0.25 && own["registered_momentum"] == 0.5)
    #expect(try load("optimizer: {name: registered_sgd}").optimizer == own)
  }

  /// Rules of one key agree on what it holds, in all sections.
  @Test func keysOfOneNameAreOfOneType() {
    func check(_ types: [any ConfigurationOption.Type]) {
      var schemas: [String: String] = [:]
      for type in types {
        let properties = type.schema(.none)["properties"]?.value
        guard case .mapping(let entries)? = properties else { continue }
        for entry in entries {
          let text = entry.value["type"]?.yaml() ?? "any"
          #expect(schemas[entry.key, default: text] == text, "\(type.word).\(entry.key)")
          schemas[entry.key] = text
        }
      }
      #expect(!types.isEmpty)
    }
    check(OptimizerConfiguration.optionTypes)
    check(ScheduleConfiguration.optionTypes)
    check(AverageConfiguration.optionTypes)
    check(CompressionConfiguration.optionTypes)
  }
}
