import DLCluster
import DLCore
import DLFormats

/// Writes the timelines of all ranks as one file in Chrome's trace event format, which Perfetto and
/// chrome://tracing open: a process for each rank, a thread for each track, times on rank 0's clock.
///
/// Format: "Trace Event Format" (Nat Duca and Dan Sinclair, Google, 2016).
struct TraceFile {
  let path: String
  let timeline: Timeline
  let communicator: any Communicator
  private let began: ClockOffsets

  /// Compares the clocks and makes sure that the file can be written, without touching it;
  /// collective.
  init(_ path: String, _ timeline: Timeline, _ communicator: any Communicator) throws {
    self.path = path
    self.timeline = timeline
    self.communicator = communicator
    try communicator.agreed("write the trace") {
      guard communicator.rank == 0 else { return }
      try File.checkReplaceable(path)
    }
    began = try ClockOffsets(communicator)
  }

  /// Gathers all ranks' spans and writes them, on rank 0; collective.
  ///
  /// Memory is bounded whatever the number of ranks and spans: they go in pieces.
  ///
  /// - Returns: a notice for the user where the newest spans alone could be kept.
  func write() throws -> String? {
    let ended = try ClockOffsets(communicator)
    let sums = timeline.tracks.flatMap { [$0.count, $0.recorded] }
    let counts = TrackCounts(
      values: try communicator.allgather(sums), tracks: timeline.tracks.count)
    var isGathered = false
    let outcome = Result {
      guard communicator.rank == 0 else { return }
      try File.replace(path) { file in
        var failure: (any Error)?
        isGathered = true
        try events(counts, until: ended) { text in
          guard failure == nil else { return }
          do { try file.write(text) } catch { failure = error }
        }
        if let failure { throw failure }
      }
    }
    if !isGathered { try events(counts, until: ended) { _ in } }
    try communicator.agreed("write the trace") { try outcome.get() }
    let lost = counts.lost
    return lost > 0
      ? "\(path): holds the newest spans of each thread, \(Format.grouped(lost)) older ones are gone"
      : nil
  }

  /// Passes the file's text on in pieces; all ranks gather, and only rank 0 makes text.
  private func events(
    _ counts: TrackCounts, until ended: ClockOffsets, _ sink: (String) throws -> Void
  ) throws {
    let isWriter = communicator.rank == 0
    if isWriter { try sink(header(ended, lost: counts.lost)) }
    let piece = max(256, (1 << 16) / communicator.size)
    let origin = try firstTime(until: ended)
    for (index, track) in timeline.tracks.enumerated() {
      let most = counts.most(index)
      for start in stride(from: 0, to: most, by: piece) {
        let length = min(piece, most - start)
        let mine = (start..<start + length).map {
          $0 < track.count ? track[$0] : TimeSpan(.other, from: 0, to: 0)
        }
        let all = try communicator.allgather(mine)
        guard isWriter else { continue }
        for rank in 0..<communicator.size {
          var text = ""
          for place in 0..<max(min(counts.held(index, rank) - start, length), 0) {
            let span = all[rank * length + place]
            let from = began.aligned(span.start, rank: rank, until: ended) - origin
            let to = began.aligned(span.end, rank: rank, until: ended) - origin
            text += ",\n" + event(span, from, to, rank: rank, thread: index)
          }
          if !text.isEmpty { try sink(text) }
        }
      }
    }
    if isWriter { try sink("\n]}\n") }
  }

  /// When the first of all spans began, on rank 0's clock: the trace's zero, since viewers drop what
  /// lies before it.
  private func firstTime(until ended: ClockOffsets) throws -> Int {
    var own = Int.max
    for track in timeline.tracks {
      for index in 0..<track.count { own = min(own, track[index].start) }
    }
    let all = try communicator.allgather([own])
    return (0..<communicator.size).filter { all[$0] != .max }.map {
      began.aligned(all[$0], rank: $0, until: ended)
    }.min() ?? 0
  }

  private func event(_ span: TimeSpan, _ from: Int, _ to: Int, rank: Int, thread: Int) -> String {
    let detail =
      switch span.activity {
      case .step, .loading, .validation, .checkpoint: ",\"args\":{\"step\":\(span.detail)}"
      case .allreduce, .allgather, .broadcast: ",\"args\":{\"bytes\":\(span.detail)}"
      default: ""
      }
    return "{\"name\":\"\(span.activity.name)\",\"ph\":\"X\",\"pid\":\(rank),\"tid\":\(thread),"
      + "\"ts\":\(microseconds(from)),\"dur\":\(microseconds(to - from))\(detail)}"
  }

  /// The notes of the file, and the names of processes and threads.
  private func header(_ ended: ClockOffsets, lost: Int) -> String {
    let uncertainty = max(began.uncertainties.max() ?? 0, ended.uncertainties.max() ?? 0)
    var lines: [String] = []
    for rank in 0..<communicator.size {
      lines.append(metadata("process_name", rank, nil, ["name": .string("rank \(rank)")]))
      lines.append(metadata("process_sort_index", rank, nil, ["sort_index": .integer(rank)]))
      for (index, track) in timeline.tracks.enumerated() {
        lines.append(metadata("thread_name", rank, index, ["name": .string(track.name)]))
        lines.append(metadata("thread_sort_index", rank, index, ["sort_index": .integer(index)]))
      }
    }
    let notes: JSON = [
      "version": .string(Version.current), "ranks": .integer(communicator.size),
      "lost_spans": .integer(lost),
      "clock_uncertainty_us": .number(Double(uncertainty) / 1000),
    ]
    return "{\"displayTimeUnit\":\"ms\",\"otherData\":\(notes),\"traceEvents\":[\n"
      + lines.joined(separator: ",\n")
  }

  private func metadata(_ name: String, _ rank: Int, _ thread: Int?, _ arguments: JSON) -> String {
    let place = thread.map { ",\"tid\":\($0)" } ?? ""
    return "{\"name\":\"\(name)\",\"ph\":\"M\",\"pid\":\(rank)\(place),\"args\":\(arguments)}"
  }

  /// Nanoseconds as exact microseconds.
  private func microseconds(_ nanoseconds: Int) -> String {
    "\(nanoseconds / 1000).\(Format.padded(nanoseconds % 1000, 3))"
  }
}

/// Spans held and recorded by each track of each rank.
private struct TrackCounts {
  let values: [Int]
  let tracks: Int

  private var ranks: Int { values.count / (2 * tracks) }

  func held(_ track: Int, _ rank: Int) -> Int { values[2 * (rank * tracks + track)] }

  func most(_ track: Int) -> Int { (0..<ranks).map { held(track, $0) }.max() ?? 0 }

  /// Spans that were written over.
  var lost: Int {
    stride(from: 0, to: values.count, by: 2).reduce(0) { $0 + values[$1 + 1] - values[$1] }
  }
}
