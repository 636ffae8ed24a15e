import DLCore
import DLFormats

/// The class and the data set file that each image belongs to, told by its path.
struct ImageListing {
  /// The images of one data set file.
  struct Split {
    let name: String
    /// Places in the source, sorted by class and file name.
    var images: [(source: Int, label: Int32)] = []
  }

  /// The name of a file of images that come in no splits.
  static let unparted = "images"

  let splits: [Split]
  /// The names of the classes of all splits, sorted.
  let classes: [String]
  /// The image that decides the shape: the first by the names of split, class and file, in whatever
  /// order the source has them.
  let first: Int

  /// Sorts images `SPLIT/CLASS/FILE` or `CLASS/FILE`; folders that all share are passed over, and
  /// images without a split make one of the name `images`.
  ///
  /// - Throws: a `FormatError` for other arrangements, and for names that lead out of a folder.
  init(_ source: any ImageSource, path: String) throws {
    guard !source.paths.isEmpty else {
      throw FormatError(
        .content, file: path, "holds no .jpg, .jpeg or .png files",
        advice: "give SPLIT/CLASS/FILE or CLASS/FILE")
    }
    var parts = try source.paths.enumerated().map { index, path in
      guard let parts = Self.parts(path) else {
        throw FormatError(
          .content, file: source.name(index), "is a name that leads out of its folder",
          advice: "pack the archive anew with plain names")
      }
      return parts
    }
    while let first = parts[0].first, parts.allSatisfy({ $0.count > 3 && $0[0] == first }) {
      for index in parts.indices { parts[index].removeFirst() }
    }
    let depth = parts[0].count
    if let odd = parts.firstIndex(where: { !(2...3).contains($0.count) || $0.count != depth }) {
      throw FormatError(
        .content, file: source.name(odd),
        "is not arranged as \(depth == 2 ? "CLASS/FILE" : "SPLIT/CLASS/FILE")",
        advice: "arrange all images as SPLIT/CLASS/FILE, or all as CLASS/FILE")
    }
    let classes = Set(parts.map { $0[depth - 2] }).sorted()
    let labels = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
    var splits: [Split] = []
    var places: [ScalarString: Int] = [:]
    for (index, part) in parts.enumerated() {
      let name = depth == 3 ? part[0] : ScalarString(Self.unparted)
      if places[name] == nil {
        places[name] = splits.count
        splits.append(Split(name: name.description))
      }
      splits[places[name] ?? 0].images.append((index, labels[part[depth - 2]] ?? 0))
    }
    for split in splits.indices {
      splits[split].images.sort {
        ($0.label, parts[$0.source][depth - 1]) < ($1.label, parts[$1.source][depth - 1])
      }
      let images = splits[split].images
      for (one, next) in zip(images, images.dropFirst())
      where parts[one.source] == parts[next.source] {
        throw FormatError(
          .content, file: source.name(next.source), "stands twice in the archive",
          advice: "pack it anew")
      }
    }
    self.splits = splits
    self.classes = classes.map(\.description)
    let order = splits.indices.min { ScalarString(splits[$0].name) < ScalarString(splits[$1].name) }
    first = splits[order ?? 0].images[0].source
  }

  /// The names on a path; nil where it is absolute or climbs.
  private static func parts(_ path: String) -> [ScalarString]? {
    let parts = ImageNames.parts(path)
    return path.begins(with: "/") || parts.contains("..") || path.utf8.contains(0) ? nil : parts
  }
}
