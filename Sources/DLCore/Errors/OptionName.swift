import Synchronization

/// An option of a command, as messages of libraries name it where they say what to do.
///
/// A library knows what a caller can set and not how a user does it: the name is that of a property,
/// and the command line says once, before anything else, how it spells all of them.
package enum OptionName: String, CaseIterable, Sendable {
  // Of every job.
  case out, resume, checkpoint, trace, ranks, reduce, set
  case initialWeights = "init"
  case partialWeights = "initPartial"
  case stopAt, stopLimit, maxRestarts, processes, mpirun
  // Of what is made of a run.
  case output
  case data, rows, format, attention, prompt, target, lanczos, seconds, filter, schema, reference
  // Of data sets that are packed.
  case like, split, folds, validation, test, seed, length, words, tag, label, task, missing
  case categorical, date, drop, size, channels, canvas, mels, fft, perClass, keepEncoded

  private static let spelling = Mutex<[OptionName: String]>([:])

  /// Has all messages from now on spell options as a user writes them.
  package static func spell(_ spelling: (OptionName) -> String) {
    let all = Dictionary(uniqueKeysWithValues: allCases.map { ($0, spelling($0)) })
    self.spelling.withLock { $0 = all }
  }
}

extension OptionName: CustomStringConvertible {
  /// The name as a user writes it; the property's where no command line has said how that is.
  package var description: String { Self.spelling.withLock { $0[self] } ?? rawValue }
}
