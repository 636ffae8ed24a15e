import DLReports
import DLTraining
import Testing

/// What `dltrain doctor` says of several hosts.
@Suite
struct HostSurveyTests {
  private func finding(_ host: String, blas: String = "Zen", advice: [String] = [])
    -> HostSurvey.Finding
  {
    HostSurvey.Finding(
      host: host, traits: ["the BLAS core": blas, "the version": "1"], advice: advice)
  }

  @Test func likeHostsGiveNoAdvice() {
    let survey = HostSurvey([finding("a"), finding("a"), finding("b")])
    #expect(survey.hosts == "a (ranks 0 and 1), b (rank 2)")
    #expect(survey.advice.isEmpty)
  }

  @Test func whatDiffersIsNamedWithItsHosts() {
    let survey = HostSurvey([
      finding("a"), finding("b", blas: "Haswell"), finding("a"), finding("c", blas: "Haswell"),
    ])
    #expect(
      survey.advice == [
        "b, c (ranks 1 and 3): the BLAS core is Haswell, that of rank 0 on a is Zen: make them the same"
      ])
  }

  @Test func adviceOfOtherHostsIsToldOnce() {
    let survey = HostSurvey([
      finding("a", advice: ["shared"]), finding("b", advice: ["shared", "own"]),
      finding("b", advice: ["own"]),
    ])
    #expect(survey.advice == ["b: own"])
  }

  @Test func findingsTravelWhole() throws {
    let sent = finding("node \"1\"", blas: "a\tb", advice: ["one", "two\n"])
    #expect(try HostSurvey.Finding(parsing: "\(sent.json)") == sent)
  }
}
