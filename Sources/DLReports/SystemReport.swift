import CKernels
import CSystem
import DLCluster
import DLCore
import DLFormats
import DLJobs
import DLTensor
import DLTraining
import Glibc

/// A report of what the machine offers to a run, and what is to be fixed.
package struct SystemReport {
  /// Names and values, in order.
  package let facts: [(name: String, value: String)]
  /// The things that are wrong or slow, each with what to do.
  package let advice: [String]

  /// The version of everything that decides about results and speed, a line each.
  package static var version: String {
    """
    dltrain \(Version.current)
    Swift \(swiftVersion)
    MPI compiled \(MPIRuntime.compiledVersion), loaded \(MPIRuntime.loadedVersion)
    BLAS core \(BLAS.core)
    CPU features \(features), kernel set \(CPU.kernelSet)
    """
  }

  /// A table of the facts, then the advice.
  package var text: String { text(columns: nil) }

  /// A table of the facts, then the advice.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  package func text(columns: Int?) -> String {
    let table = Format.table(facts.map { [$0.name, $0.value] }, columns: columns)
    let lines =
      advice.isEmpty
      ? ["nothing to fix"] : advice.map { Format.wrapped("fix: \($0)", columns, indent: "  ") }
    return table + "\n\n" + lines.joined(separator: "\n")
  }

  /// Makes a report of what is known already.
  init(facts: [(name: String, value: String)], advice: [String]) {
    self.facts = facts
    self.advice = advice
  }

  /// Looks at the machine, and measures its memory for about 0.2 s.
  ///
  /// MPI is asked for its version only, and not initialized.
  package init() {
    var advice: [String] = []
    var facts: [(String, String)] = []
    let cores = Int(dl_cores_in_mask())
    let online = Int(dl_cores_online())
    facts.append(("CPU", CPU.name.isEmpty ? "unknown" : CPU.name))
    facts.append(("features", SystemReport.features))
    facts.append(("kernel set", CPU.kernelSet))
    facts.append(("cores", "\(online) online, \(cores) in the affinity mask"))
    if cores < online {
      advice.append(
        "the affinity mask has \(cores) of \(counted(online, "core")): under mpirun use --bind-to none where a "
          + "process hosts several ranks")
    }
    facts.append(("BLAS core", BLAS.core))
    if let warning = SystemReport.blasWarning { advice.append(warning) }
    facts.append(("MPI compiled", MPIRuntime.compiledVersion))
    facts.append(("MPI loaded", MPIRuntime.loadedVersion))
    if let launcher = SystemReport.program("mpirun") {
      facts.append(("mpirun", launcher))
    } else {
      facts.append(("mpirun", "not found"))
      advice.append(
        "mpirun is not on PATH: install openmpi-bin to train on several processes or hosts")
    }
    var volume = statvfs()
    if statvfs("/dev/shm", &volume) == 0 {
      let size = Int(clamping: UInt64(volume.f_frsize) * UInt64(volume.f_blocks))
      let free = Int(clamping: UInt64(volume.f_frsize) * UInt64(volume.f_bavail))
      facts.append(("/dev/shm", "\(Format.bytes(size)), \(Format.bytes(free)) free"))
      if free < 256 << 20 {
        advice.append(
          "/dev/shm has \(Format.bytes(free)) free: MPI is slow or fails below some hundred MB; in a "
            + "container start it with --shm-size=1g")
      }
    } else {
      facts.append(("/dev/shm", "none"))
      advice.append(
        "there is no /dev/shm: processes of this machine talk by slower ways; mount a tmpfs there")
    }
    facts.append(("memory", SystemReport.memory))
    facts.append(
      ("bandwidth", "\(Format.fixed(SystemReport.bandwidth() / 1e9, 1)) GB/s streaming, one core"))
    self.facts = facts
    self.advice = advice
  }

  /// The advice where BLAS uses older kernels than the CPU can run; nil where it does not.
  package static var blasWarning: String? {
    let probe = dl_cpu_probe()
    let core = BLAS.core
    let avx512 = ["SkylakeX", "Cooperlake", "Sapphirerapids"]
    let avx2 = avx512 + ["Haswell", "Zen", "Excavator"]
    let known =
      avx2 + [
        "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Sandybridge", "Bulldozer",
        "Piledriver",
        "Steamroller", "Bobcat", "Barcelona", "Opteron", "Atom", "Nano", "Katmai", "Generic",
      ]
    guard known.contains(core) else { return nil }
    let wanted = probe.avx512f != 0 ? avx512 : probe.avx2 != 0 ? avx2 : known
    guard !wanted.contains(core) else { return nil }
    let isForced = getenv("OPENBLAS_CORETYPE") != nil
    return
      "OpenBLAS uses its \(core) kernels, the CPU has \(probe.avx512f != 0 ? "AVX-512" : "AVX2"): "
      + (isForced
        ? "unset OPENBLAS_CORETYPE"
        : "install a newer OpenBLAS, or set OPENBLAS_CORETYPE="
          + (probe.avx512f != 0 ? "SkylakeX" : "Haswell"))
  }

  /// The CPU's features that kernels use, by their common names.
  static var features: String {
    let probe = dl_cpu_probe()
    let all = [
      ("avx2", probe.avx2), ("fma", probe.fma), ("avx512f", probe.avx512f),
      ("avx512_bf16", probe.avx512_bf16), ("amx_bf16", probe.amx_bf16),
    ]
    let present = all.filter { $0.1 != 0 }.map(\.0)
    return present.isEmpty ? "none of those that kernels use" : present.joined(separator: " ")
  }

  private static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }

  private static var memory: String {
    Format.bytes(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
  }

  /// The path of a program, looked for as a shell does.
  static func program(_ name: String) -> String? {
    guard let path = getenv("PATH") else { return nil }
    return String(cString: path).split(separator: ":").map { "\($0)/\(name)" }
      .first { access($0, X_OK) == 0 && !File.isFolder($0) }
  }

  /// Bytes read and written per second by a kernel over memory that no cache holds.
  private static func bandwidth() -> Double {
    let count = 16 << 20
    guard let from = calloc(count, 4), let to = calloc(count, 8) else { return 0 }
    defer {
      free(from)
      free(to)
    }
    dl_fill(DL_F32, 1, from, count)
    dl_cast(DL_F32, from, DL_F64, to, count)
    let start = monotonicSeconds()
    var passes = 0
    while monotonicSeconds() - start < 0.2 {
      dl_cast(DL_F32, from, DL_F64, to, count)
      passes += 1
    }
    return Double(12 * count * passes) / (monotonicSeconds() - start)
  }
}
