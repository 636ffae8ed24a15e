/// A folder's path without slashes at its end.
package func withoutTrailingSlash(_ path: String) -> String {
  var path = path
  while path.utf8.count > 1, path.ends(with: "/") { path.unicodeScalars.removeLast() }
  return path
}
