import CSystem
import Glibc

/// A POSIX thread that runs one body to its end; its owner joins or detaches it, once.
package struct SystemThread: Sendable {
  private final class Job {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let handle: pthread_t

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: what tools show, 15 bytes at most, and what an error names.
  ///   - takesSignals: whether the process's signals may arrive in it; they belong to the threads
  ///     that wait for them, so by default none does.
  ///   - stackBytes: the size of its stack, at least 1 MiB; nil for the system's.
  /// - Throws: ``SystemError`` where the system refuses a thread.
  package init(
    _ name: String, takesSignals: Bool = false, stackBytes: Int? = nil,
    _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    var code: Int32 = 0
    if let stackBytes {
      let page = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
      let rounded = (max(stackBytes, 1 << 20) + page - 1) / page * page
      code = pthread_attr_setstacksize(&attributes, rounded)
    }
    var handle = pthread_t()
    if code == 0 {
      // A thread begins with the mask of the one that makes it.
      var before = sigset_t()
      if !takesSignals {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
      }
      let box = Unmanaged.passRetained(Job(name: name, body: body))
      code = pthread_create(
        &handle, &attributes,
        { argument in
          guard let argument else { return nil }
          let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
          dl_thread_name(job.name)
          job.body()
          return nil
        }, box.toOpaque())
      if code != 0 { box.release() }
      if !takesSignals { pthread_sigmask(SIG_SETMASK, &before, nil) }
    }
    guard code == 0 else {
      throw SystemError(
        op: name, errno: code,
        detail: "cannot start a thread, raise the limit of processes (ulimit -u)")
    }
    self.handle = handle
  }

  /// Waits for the end of the body.
  package func join() { pthread_join(handle, nil) }

  /// Leaves the thread to itself.
  package func detach() { pthread_detach(handle) }
}
