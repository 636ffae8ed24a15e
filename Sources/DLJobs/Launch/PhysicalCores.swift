import CSystem
import DLCore
import DLFormats

/// The cores that mpirun counts on this host: of those in the affinity mask, without hardware
/// threads.
func physicalCores() -> Int {
  var siblings: Set<String> = []
  for core in coresInMask() {
    let folder = "/sys/devices/system/cpu/cpu\(core)/topology"
    if let text = File.systemText("\(folder)/thread_siblings_list") { siblings.insert(text) }
  }
  return siblings.isEmpty ? max(Int(dl_cores_in_mask()), 1) : siblings.count
}

/// The numbers of this process's cores, from a line such as `Cpus_allowed_list: 0-3,8`.
private func coresInMask() -> [Int] {
  let key = "Cpus_allowed_list:"
  let lines = File.systemText("/proc/self/status")?.split(separator: "\n") ?? []
  guard let line = lines.first(where: { $0.hasPrefix(key) }) else { return [] }
  return line.dropFirst(key.count).split(separator: ",").flatMap { part -> [Int] in
    let ends = part.split(separator: "-").compactMap { Int($0.filter(\.isNumber)) }
    guard let first = ends.first, let last = ends.last, first <= last else { return [] }
    return Array(first...last)
  }
}
