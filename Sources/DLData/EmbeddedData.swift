import DLCore
import DLFormats
import DLTensor

/// The data sets that come with the package, named `embedded:NAME` in a configuration.
package enum EmbeddedData {
  /// The beginning of an embedded data set's name.
  package static let prefix = "embedded:"

  /// The path of a data set: that of the shipped file for `embedded:NAME`, any other as it is.
  ///
  /// The files lie in the resource folder beside the program.
  ///
  /// - Throws: ``DataError`` when the folder or the file is not there.
  package static func resolve(_ path: String) throws -> String {
    guard path.begins(with: prefix) else { return path }
    let name = path.dropFirst(prefix.count)
    let isPlain = name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    let file = "\(folder)/\(name).safetensors"
    guard isPlain, File.exists(file) else {
      let names = (try? File.list(folder))?.filter { $0.hasSuffix(".safetensors") }
        .map { prefix + $0.dropLast(".safetensors".count) }.sorted()
      if let names, !names.isEmpty {
        throw DataError(
          "\(path): no such embedded data set, there are \(names.joined(separator: ", "))",
          exitCode: .data)
      }
      throw DataError(
        "\(path): no such embedded data set at \(file), keep dltrain_DLData.resources beside the program",
        exitCode: .data)
    }
    return file
  }

  private static var folder: String {
    let program = (try? File.linkTarget("/proc/self/exe")) ?? ""
    let directory = program.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    return "\(directory.isEmpty ? "." : directory)/dltrain_DLData.resources/Resources"
  }
}
