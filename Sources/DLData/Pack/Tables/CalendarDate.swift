/// Days and times as numbers (ISO 8601).
enum CalendarDate {
  /// The days since the beginning of 1970 in the Gregorian calendar, those of a time as a fraction.
  ///
  /// Reads `2024-02-29`, also with `/` for `-`, and behind it, parted by `T` or a blank, a time
  /// `18:30`, `18:30:05` or `18:30:05.25`, perhaps with `Z` or an offset such as `+02:00` from UTC.
  /// Nil for everything else, such as a 30th of February. Counterpart: `numpy.datetime64`.
  static func days(_ text: String) -> Double? {
    var rest = Array(text.utf8)[...]
    guard let year = number(&rest, digits: 4), let dash = rest.popFirst(),
      dash == UInt8(ascii: "-") || dash == UInt8(ascii: "/"),
      let month = number(&rest, digits: 2), rest.popFirst() == dash,
      let day = number(&rest, digits: 2), (1...12).contains(month),
      day >= 1, day <= length(ofMonth: month, year)
    else { return nil }
    let days = Double(self.days(year, month, day))
    guard let mark = rest.popFirst() else { return days }
    guard mark == UInt8(ascii: "T") || mark == UInt8(ascii: " "), let time = seconds(&rest) else {
      return nil
    }
    return days + time / 86_400
  }

  /// The days to a date that is one (Hinnant 2013, "chrono-Compatible Low-Level Date Algorithms").
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    // Years begin with March, so that a leap day is their last.
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func length(ofMonth month: Int, _ year: Int) -> Int {
    let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
    return month == 2 ? isLeap ? 29 : 28 : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// The seconds of a time, less its offset.
  private static func seconds(_ rest: inout ArraySlice<UInt8>) -> Double? {
    guard let hour = number(&rest, digits: 2), hour < 24, rest.popFirst() == colon,
      let minute = number(&rest, digits: 2), minute < 60
    else { return nil }
    var seconds = Double(hour * 3600 + minute * 60)
    if rest.first == colon {
      rest.removeFirst()
      guard let second = number(&rest, digits: 2), second < 60 else { return nil }
      seconds += Double(second)
      if rest.first == UInt8(ascii: ".") {
        rest.removeFirst()
        var (value, places) = (0.0, 0)
        while places < 9, let digit = number(&rest, digits: 1) {
          (value, places) = (value * 10 + Double(digit), places + 1)
        }
        guard places > 0 else { return nil }
        for _ in 0..<places { value /= 10 }
        seconds += value
      }
    }
    guard let mark = rest.popFirst() else { return seconds }
    if mark == UInt8(ascii: "Z") { return rest.isEmpty ? seconds : nil }
    guard mark == UInt8(ascii: "+") || mark == UInt8(ascii: "-"),
      let hours = number(&rest, digits: 2), hours < 24
    else { return nil }
    if rest.first == colon { rest.removeFirst() }
    guard let minutes = number(&rest, digits: 2), minutes < 60, rest.isEmpty else { return nil }
    let offset = Double(hours * 3600 + minutes * 60)
    return mark == UInt8(ascii: "+") ? seconds - offset : seconds + offset
  }

  private static let colon = UInt8(ascii: ":")

  /// Takes a number of so many digits; nil where they are not there.
  private static func number(_ rest: inout ArraySlice<UInt8>, digits: Int) -> Int? {
    let part = rest.prefix(digits)
    guard part.count == digits, part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    rest = rest.dropFirst(digits)
    return part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}
