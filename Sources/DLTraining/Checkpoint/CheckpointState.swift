import DLFormats

/// Something that a checkpoint keeps beside the model, so that a run goes on with the same bits: what
/// it saves, restores and must find unchanged, in one place.
///
/// Counterpart: `Stateful` of PyTorch's distributed checkpoints.
protocol CheckpointState: AnyObject {
  /// The conditions that must be the same where a run goes on, by the key under which a checkpoint
  /// notes them; also of a run that has no such state.
  static func conditions(of run: TrainingRun) -> [(key: String, value: String)]

  /// The first part of the names of its tensors in a checkpoint; nil where it has none.
  static var tensorPrefix: String? { get }

  /// Numbers and texts, by the key under which a checkpoint notes them.
  var notes: [String: String] { get }

  /// The tensors, whole on rank 0, valid until ``release()``; collective.
  func gather() throws -> [StateDict.Entry]

  /// Gives back the memory that ``gather()`` took.
  func release()

  /// Takes what ``notes`` were, before any tensor is read.
  ///
  /// - Throws: ``CheckpointError`` where the checkpoint lacks them.
  func restoreNotes(from file: SafetensorsFile) throws

  /// Takes what the tensors were.
  ///
  /// - Throws: ``CheckpointError``, ``StateDictError`` or `FormatError`.
  func restore(from file: SafetensorsFile) throws
}

extension CheckpointState {
  static func conditions(of run: TrainingRun) -> [(key: String, value: String)] { [] }
  static var tensorPrefix: String? { nil }
  var notes: [String: String] { [:] }
  func gather() throws -> [StateDict.Entry] { [] }
  func release() {}
  func restoreNotes(from file: SafetensorsFile) throws {}
  func restore(from file: SafetensorsFile) throws {}
}

/// The kinds of state that checkpoints know.
enum CheckpointStates {
  static var all: [any CheckpointState.Type] {
    [OptimizerStates.self] + UpdateStrategies.all + TrainerParts.all
  }
}

/// Named numbers as one note of a checkpoint: `best=0.5 bad=2`.
enum CheckpointNumbers {
  static func text(_ numbers: [String: Double]) -> String {
    numbers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  /// - Throws: ``CheckpointError`` where the file has no such note, or not of this form.
  static func read(_ key: String, from file: SafetensorsFile) throws -> [String: Double] {
    guard let text = file.metadata[key], let numbers = parse(text) else {
      throw CheckpointError.ofOtherJob(file.path, "lacks the state of \(key)")
    }
    return numbers
  }

  private static func parse(_ text: String) -> [String: Double]? {
    var numbers: [String: Double] = [:]
    for part in text.split(separator: " ") {
      let sides = part.split(separator: "=")
      guard sides.count == 2, let value = Double(sides[1]) else { return nil }
      numbers[String(sides[0])] = value
    }
    return numbers
  }
}
