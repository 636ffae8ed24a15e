/// The work that a thread can be at.
package enum Activity: UInt8, CaseIterable, Sendable {
  /// Whatever has no name of its own.
  case other
  /// An optimizer step.
  case step
  /// Waiting for the rows of a step.
  case dataWait
  /// The forward pass.
  case forward
  /// The backward pass.
  case backward
  /// Collectives of layers: the statistics of synchronized batch normalizations.
  case syncBatchNorm
  /// Agreements between ranks: waiting for the slowest.
  case agreement
  /// The sum of the gradients over the ranks.
  case reduction
  /// The update of the parameters.
  case optimizer
  /// A pass over the validation set.
  case validation
  /// Saving a checkpoint.
  case checkpoint
  /// Reading the rows of a step ahead, on the data thread.
  case loading
  /// A call of the communicator.
  case allreduce, allgather, broadcast, barrier, split

  /// The name that a timeline shows.
  package var name: String {
    switch self {
    case .dataWait: "data wait"
    case .syncBatchNorm: "SyncBN wait"
    case .reduction: "gradient reduction"
    default: "\(self)"
    }
  }
}

/// A stretch of time that a thread spent on an activity, in nanoseconds of its host's clock.
package struct TimeSpan: BitwiseCopyable, Sendable {
  /// When it began.
  package var start: Int
  /// When it ended.
  package var end: Int
  /// The step, counted from 1, or the bytes of a collective.
  package var detail: Int
  private var code: Int

  /// The activity that it was spent on.
  package var activity: Activity { Activity(rawValue: UInt8(truncatingIfNeeded: code)) ?? .other }

  /// Makes a span.
  package init(_ activity: Activity, from start: Int, to end: Int, detail: Int = 0) {
    self.start = start
    self.end = end
    self.detail = detail
    code = Int(activity.rawValue)
  }
}

/// The newest spans of one thread, in memory that is taken once.
///
/// One thread at a time records; another reads when that has ended.
package final class Track: @unchecked Sendable {
  /// The thread's name.
  package let name: String
  /// Spans recorded so far, those that were written over included.
  package private(set) var recorded = 0
  private let spans: UnsafeMutablePointer<TimeSpan>
  private let mask: Int

  /// Makes an empty track.
  ///
  /// - Parameter capacity: the spans that it holds at least; rounded up to a power of two.
  package init(_ name: String, capacity: Int) {
    self.name = name
    var size = 1
    while size < capacity { size <<= 1 }
    mask = size - 1
    spans = .allocate(capacity: size)
    spans.initialize(repeating: TimeSpan(.other, from: 0, to: 0), count: size)
  }

  deinit { spans.deallocate() }

  /// The number of spans held.
  package var count: Int { min(recorded, mask + 1) }

  /// The spans held, oldest first; O(1).
  package subscript(index: Int) -> TimeSpan {
    precondition((0..<count).contains(index), "the track holds \(count) spans")
    return spans[(recorded - count + index) & mask]
  }

  /// Adds a span in place of the oldest where the track is full; allocates nothing.
  package func record(_ span: TimeSpan) {
    spans[recorded & mask] = span
    recorded += 1
  }
}

/// A record of what the threads of one rank did when.
package final class Timeline: Sendable {
  /// The rank's own thread: the parts of a step, validations, checkpoints.
  package let compute: Track
  /// The calls of the rank's communicator.
  package let communication: Track
  /// The thread that exchanges buckets of gradients during the backward pass, where there is one.
  package let exchange: Track
  /// The thread that reads rows ahead.
  package let data: Track
  /// The thread that writes checkpoints, where there is one.
  package let writer: Track

  /// Makes an empty timeline.
  ///
  /// - Parameter capacity: the spans of the busiest threads that are held; the newest stay.
  package init(capacity: Int = 1 << 16) {
    compute = Track("compute", capacity: capacity)
    communication = Track("communication", capacity: capacity)
    exchange = Track("overlapped reduction", capacity: max(capacity / 16, 1))
    data = Track("data", capacity: max(capacity / 16, 1))
    writer = Track("checkpoint writer", capacity: max(capacity / 16, 1))
  }

  /// All of them, in the order in which they are shown.
  package var tracks: [Track] { [compute, communication, exchange, data, writer] }
}
