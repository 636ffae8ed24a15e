/// What is due after a step, by the configuration and its defaults.
struct DueAfterStep {
  var validation = false
  var checkpoint = false

  init(
    _ configuration: Configuration, step: Int, stepsPerEpoch: Int, hasValidation: Bool, isEnd: Bool
  ) {
    func isDue(_ everySteps: Int?, _ everyEpochs: Int?) -> Bool {
      if let everySteps, step % everySteps == 0 { return true }
      guard let everyEpochs else { return false }
      let (every, overflow) = everyEpochs.multipliedReportingOverflow(by: stepsPerEpoch)
      return !overflow && step % every == 0
    }
    let validate = configuration.validate
    let checkpoint = configuration.checkpoint
    let validatesByDefault = validate.everySteps == nil && validate.everyEpochs == nil
    validation =
      hasValidation
      && (isEnd || isDue(validate.everySteps, validatesByDefault ? 1 : validate.everyEpochs))
    let savesByDefault = checkpoint.everySteps == nil && checkpoint.everyEpochs == nil
    self.checkpoint =
      isEnd || isDue(savesByDefault ? 500 : checkpoint.everySteps, checkpoint.everyEpochs)
      || (savesByDefault && validation)
  }
}
