import Synchronization

/// The place of one rank in its work, as it shows it to those that watch whether the job goes on.
///
/// It costs a store to memory that nobody waits for. All but `arrive()` and `mark()` belong to
/// the rank's own thread.
package final class RankProgress: @unchecked Sendable {
  /// The numbers that a rank shows.
  enum Word: Int, CaseIterable {
    /// Marks of the rank's thread, of others for it, and calls that all ranks make.
    case beats, notes, arrivals
    /// Step, activity and call.
    case place
  }

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let owner: AnyObject
  private var activity = Activity.other
  private var call = Activity.other

  /// The step in work, or the last one between steps; 0 before the first.
  package var step = 0

  init(_ words: UnsafeMutablePointer<Atomic<UInt64>>, owner: AnyObject) {
    self.words = words
    self.owner = owner
  }

  /// Shows that the rank goes on.
  package func heartbeat() {
    let beats = word(.beats)
    beats.pointee.store(beats.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  /// Shows that a thread beside the rank's own goes on.
  package func mark() { word(.notes).pointee.wrappingAdd(1, ordering: .relaxed) }

  /// Counts a call that all ranks make, in the same order: who has counted fewer than another is
  /// waited for.
  package func arrive() { word(.arrivals).pointee.wrappingAdd(1, ordering: .relaxed) }

  /// Shows what the rank is at.
  func turn(to activity: Activity) {
    self.activity = activity
    show()
  }

  /// Shows that the rank has come to a collective.
  package func enter(_ call: Activity) {
    self.call = call
    arrive()
    show()
  }

  /// Shows that the collective is complete.
  package func leave() {
    call = .other
    show()
  }

  private func show() {
    word(.place).pointee.store(
      UInt64(step) << 16 | UInt64(activity.rawValue) << 8 | UInt64(call.rawValue),
      ordering: .relaxed)
    heartbeat()
  }

  private func word(_ word: Word) -> UnsafeMutablePointer<Atomic<UInt64>> { words + word.rawValue }
}

/// The state that a rank showed at some moment.
package struct RankState: Sendable, Equatable {
  /// Signs of progress so far.
  package var progress: UInt64
  /// Calls that all ranks make, so far.
  package var arrivals: UInt64
  /// The step in work, or the last one between steps.
  package var step: Int
  /// The rank's activity.
  package var activity: Activity
  /// The collective that it is in; `other` for none.
  package var call: Activity

  /// Notes a state.
  package init(
    progress: UInt64 = 0, arrivals: UInt64 = 0, step: Int = 0, activity: Activity = .other,
    call: Activity = .other
  ) {
    self.progress = progress
    self.arrivals = arrivals
    self.step = step
    self.activity = activity
    self.call = call
  }

  init(_ word: (RankProgress.Word) -> UInt64) {
    let place = word(.place)
    self.init(
      progress: word(.beats) &+ word(.notes) &+ word(.arrivals), arrivals: word(.arrivals),
      step: Int(place >> 16), activity: Activity(rawValue: UInt8(place >> 8 & 0xff)) ?? .other,
      call: Activity(rawValue: UInt8(place & 0xff)) ?? .other)
  }
}

extension Topology {
  /// The same, with every wait of the rank shown as an arrival.
  package func watched(by progress: RankProgress) -> Topology {
    var link = link
    link?.progress = progress
    return Topology(
      WatchedDomain(domain, progress), link, inner: inner?.watched(by: progress))
  }
}

/// A domain whose rank shows that it has come to a call.
private final class WatchedDomain: MemoryDomain {
  private let base: any MemoryDomain
  private let progress: RankProgress

  init(_ base: any MemoryDomain, _ progress: RankProgress) {
    self.base = base
    self.progress = progress
  }

  var ranks: [Int] { base.ranks }
  var index: Int { base.index }

  func share(_ byteCount: Int, parts: [Range<Int>]) throws -> SharedMemory {
    progress.arrive()
    return try base.share(byteCount, parts: parts)
  }

  func synchronize() throws {
    progress.arrive()
    try base.synchronize()
  }
}
