import DLCluster

/// The options of a run besides its configuration.
package struct TrainingOptions: Sendable {
  /// The checkpoint to go on from.
  package enum Resume: Sendable, Equatable {
    /// Start anew.
    case never
    /// From the newest good checkpoint of the run folder; anew where there is none.
    case automatic
    /// From a checkpoint file, or the newest good one of a run folder.
    case path(String)
  }

  /// The run folder; the first free `runs/NAME-NNN` unless given.
  package var out: String?
  /// The checkpoint to go on from.
  package var resume = Resume.never
  /// A safetensors file of weights under PyTorch's names to start from.
  package var initialWeights: String?
  /// True if weights that the file lacks, or has in another shape, start anew.
  package var takesPartOfWeights = false
  /// Stop after this optimizer step with a checkpoint, to be resumed later.
  ///
  /// Where ranks step by themselves, as soon as they are equal from there on; a run that is there
  /// already does nothing.
  package var stopAtStep: Int?
  /// Asked before each step whether to finish it, write a checkpoint and stop; may be asked on any
  /// rank.
  package var shouldStop: @Sendable () -> Bool = { false }
  /// Told of the run folder, and of the checkpoint that the run would go on from if it ended now.
  ///
  /// Every rank is told at the start and at the end; in between rank 0 alone, on the thread that
  /// writes the checkpoints.
  package var didSave: @Sendable (_ folder: String, _ checkpoint: String?) -> Void = { _, _ in }
  /// A file to write at the end: what each rank's threads did when, in Chrome's trace event format.
  package var trace: String?
  /// True if the time of each op is taken, on rank 0.
  package var profiles = false
  /// Told of the record of the run once there is one, on rank 0; whoever ends the run from elsewhere
  /// closes it.
  package var didOpen: @Sendable (RunRecord) -> Void = { _ in }
  /// Told that the first step is about to begin.
  package var willStep: @Sendable () -> Void = {}
  /// True if the run leaves a folder with checkpoints and metrics; not for measurements.
  package var writesRun = true
  /// The place where the rank shows what it is at; nil where nobody watches.
  package var progress: RankProgress?

  /// Makes the options of a plain new run.
  package init() {}
}
