// Checks the communicators of several processes: mpirun -n P ClusterCheck [THREADS]
import DLCluster
import Glibc

let threads = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1 : 1

func report(_ text: String) {
  let line = Array("ClusterCheck: \(text)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
}

func start() -> MPIRuntime {
  do {
    if let runtime = try MPIRuntime.start() { return runtime }
    report("run it under mpirun")
  } catch {
    report("\(error)")
  }
  exit(64)
}

let runtime = start()
do {
  if runtime.world.rank == 0 {
    print(
      "\(runtime.world.size) processes x \(threads) threads, \(runtime.threadLevel), "
        + "\(MPIRuntime.loadedVersion), compiled with \(MPIRuntime.compiledVersion)")
  }
  var failures = try checkBytes(runtime.world)
  failures += try checkAll(runtime.world, "MPI")
  // Small limits send small buffers in many pieces.
  for limit in [16 << 20, 4096] {
    runtime.world.scratchLimit = limit
    runtime.world.gatherLimit = limit == 4096 ? 0 : 64 << 10
    failures += try checkAll(runtime.world, "MPI, scratch \(limit)")
    let parts = try ProductCommunicator.run(over: runtime.world, threads: threads) {
      try checkAll($0, "product, scratch \(limit)")
    }
    failures += parts.reduce(0, +)
  }
  // One host, and several that this one plays: of two processes, of one, and of unequal numbers.
  for hostSize in [nil, 2, 3, 1] {
    let parts = try HostCommunicator.run(
      over: runtime.world, threads: threads, sharesHosts: true, hostSize: hostSize,
      report: { report("shared memory is not used: \($0)") }
    ) {
      let name = hostSize.map { "hosts of \($0)" } ?? "one host"
      return try checkAll($0, name) + checkArena($0, name) + checkCompression($0, name)
    }
    failures += parts.reduce(0, +)
  }
  failures += try checkPoison(runtime.world, threads)
  failures = try runtime.world.sum(failures)
  if runtime.world.rank == 0 { print(failures == 0 ? "all passed" : "\(failures) failures") }
  try runtime.finalize()
  exit(failures == 0 ? 0 : 1)
} catch {
  report("\(error)")
  MPIRuntime.abort(.fault)
}
