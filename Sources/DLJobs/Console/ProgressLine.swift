import DLCore

/// One line on the terminal that is written over as work goes on; nothing where the output is
/// piped.
package final class ProgressLine {
  private let world: World
  private var label = ""
  private var began = 0.0
  private var shown = 0.0
  private var isVisible = false

  /// Makes a line that is not yet shown.
  package init(_ world: World) { self.world = world }

  /// Tells how much of a piece of work is done; the line shows it with an estimate of the rest.
  package func update(_ label: String, _ done: Int, of count: Int) {
    guard let columns = Terminal.width else { return }
    let now = monotonicSeconds()
    if label != self.label {
      self.label = label
      began = now
      shown = 0
    }
    guard now - shown >= 0.1, done > 0, count > 0 else { return }
    shown = now
    isVisible = true
    let left = (now - began) / Double(done) * Double(count - done)
    let part = "\(Format.grouped(done)) of \(Format.grouped(count)) (\(100 * done / count)%)"
    let rest = now - began < 1 ? "" : ", \(Format.duration(left)) left"
    // The least important goes first where the window is narrow; the last column stays free.
    let forms = ["\(label): \(part)\(rest)", "\(label): \(part)", part, "\(100 * done / count)%"]
    let line = forms.first { Format.width($0) < columns } ?? ""
    world.print("\r\u{1b}[K" + line, terminator: "")
  }

  /// Takes the line away.
  package func clear() {
    if isVisible { world.print("\r\u{1b}[K", terminator: "") }
    isVisible = false
  }
}
