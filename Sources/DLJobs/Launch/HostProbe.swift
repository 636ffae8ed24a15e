import DLCore
import DLFormats
import Glibc

/// Asks hosts whether they can be reached, by the way that mpirun would take to them.
struct HostProbe {
  /// The remote shell with its options: Open MPI's setting, else ssh.
  let agent: [String]
  /// Seconds that a host has to answer while none has.
  var limitSeconds = 3.0

  init(environment: [String: String]) {
    let setting =
      environment["OMPI_MCA_plm_rsh_agent"] ?? environment["OMPI_MCA_orte_rsh_agent"] ?? ""
    // Open MPI takes a list of agents, the first of which it uses.
    let words = setting.parts(at: ":")[0].words()
    agent =
      words.isEmpty
      ? ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"] : words.map(String.init)
  }

  /// Seconds that a host has to answer when the slowest of those that did took so many: hosts of one
  /// cluster differ little, and a run waits for this before it goes on.
  func limitSeconds(slowestAnswer: Double) -> Double { min(limitSeconds, 1 + 5 * slowestAnswer) }

  /// The hosts that do not answer, all asked at the same time.
  func unreachable(_ hosts: [String]) -> Set<String> {
    var asked: [(host: String, process: ChildProcess)] = []
    var lost: Set<String> = []
    for host in hosts where !HostProbe.isThisHost(host) {
      // A host that cannot even be asked for may well be there: mpirun says what is wrong.
      guard let process = try? ChildProcess(agent + [host, "true"], isSilent: true) else {
        continue
      }
      asked.append((host, process))
    }
    let began = monotonicSeconds()
    var limit = limitSeconds
    while !asked.isEmpty {
      let seconds = monotonicSeconds() - began
      let isLate = seconds > limit
      asked.removeAll { host, process in
        if let status = process.status() {
          if status != 0 {
            lost.insert(host)
          } else {
            limit = limitSeconds(slowestAnswer: seconds)
          }
          return true
        }
        if isLate {
          lost.insert(host)
          process.send(SIGKILL)
          while process.status() == nil { usleep(1000) }
        }
        return isLate
      }
      if !asked.isEmpty { usleep(5000) }
    }
    return lost
  }

  /// Returns whether a name or address is this host's own: mpirun starts no daemon there.
  static func isThisHost(_ name: String) -> Bool {
    if name == "localhost" || name == hostName() { return true }
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, nil, &found) == 0 else { return false }
    defer { freeaddrinfo(found) }
    var own: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&own) == 0 else { return false }
    defer { freeifaddrs(own) }
    let mine = sequence(first: own, next: { $0?.pointee.ifa_next }).prefix { $0 != nil }
      .compactMap { address($0?.pointee.ifa_addr) }
    return sequence(first: found, next: { $0?.pointee.ai_next }).prefix { $0 != nil }
      .compactMap { address($0?.pointee.ai_addr) }.contains { mine.contains($0) }
  }

  /// The bytes of an IPv4 or IPv6 address.
  private static func address(_ pointer: UnsafeMutablePointer<sockaddr>?) -> [UInt8]? {
    guard let pointer else { return nil }
    switch Int32(pointer.pointee.sa_family) {
    case AF_INET:
      return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
      }
    case AF_INET6:
      return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
        withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
      }
    default: return nil
    }
  }
}
