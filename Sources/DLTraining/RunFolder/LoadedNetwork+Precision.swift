import DLCluster
import DLTensor

extension LoadedNetwork {
  /// Builds the run's network in a precision of its own, whatever it was trained in.
  ///
  /// - Throws: what does not fit: the configuration, the model, the file.
  package convenience init(
    _ run: LoadedRun, precision: Configuration.Precision, communicator: any Communicator
  ) throws {
    var configuration = try run.configuration()
    configuration.precision = precision
    configuration.engine.select()
    try self.init(
      run, configuration,
      in: precision.context(over: communicator, seed: configuration.seed))
  }
}
