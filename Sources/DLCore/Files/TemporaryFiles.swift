import Glibc
import Synchronization

/// The temporary files that `File.replace` has in work, so that a process that is ended by a signal
/// leaves none behind.
///
/// Signals concern the whole process, and so does this list.
package enum TemporaryFiles {
  private static let inWork = Mutex<Set<String>>([])

  static func add(_ path: String) { inWork.withLock { _ = $0.insert(path) } }

  static func remove(_ path: String) { inWork.withLock { _ = $0.remove(path) } }

  /// Removes them all: to be called right before the process ends.
  package static func removeAll() {
    for path in inWork.withLock({ $0 }) { unlink(path) }
  }
}
