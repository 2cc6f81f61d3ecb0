import Diagnostics
import Testing

@Test func aFaultNamesFilePlaceExpectedFoundAndAdvice() {
  let fault = Fault(
    .badData, "checkpoint.truncated", "The file is cut short", file: "model.safetensors", place: "byte 8",
    expected: "100 bytes", found: "12", advice: "download it again")
  let text = fault.description
  for part in ["The file is cut short", "model.safetensors", "byte 8", "100 bytes", "12", "download it again"] {
    #expect(text.contains(part))
  }
  #expect(fault.kind.rawValue == 65)
}

@Test func nearestNamesComeBestFirst() {
  let names = ["resid_pre", "resid_post", "mlp_post", "mlp_out", "pattern"]
  #expect(nearestNames(to: "resid_pots", among: names).first == "resid_post")
  #expect(nearestNames(to: "RESID_PRE", among: names).first == "resid_pre")
  #expect(nearestNames(to: "entirely different", among: names).isEmpty)
}

@Test(arguments: [
  Fault.Kind.usage, .badData, .noInput, .software, .cannotCreate, .inputOutput, .interrupted,
])
func everyFaultSaysWhatToDoNext(kind: Fault.Kind) {
  let bare = Fault(kind, "some.fault", "Something is wrong")
  #expect(bare.description.contains("\n  try:      \(bare.nextStep)"))
  #expect(!bare.nextStep.isEmpty)
  #expect(Fault(kind, "some.fault", "Something is wrong", advice: "do that").nextStep == "do that")
}

@Test func whatAFileHoldsIsNoCommandToTheTerminal() {
  let name = "lm\u{1B}]0;owned\u{07}_head\u{202E}\u{9B}31m\ttab"
  let fault = Fault(.badData, "some.fault", "Something is wrong", file: name, place: name, found: name)
  let controls = fault.description.unicodeScalars.filter { $0.properties.generalCategory == .control }
  #expect(controls.allSatisfy { $0 == "\n" || $0 == "\t" })
  #expect(fault.description.contains("lm\\u{1B}]0;owned\\u{7}_head\\u{202E}\\u{9B}31m\ttab"))
  #expect("plain ünïcode 文\n".withoutControls == "plain ünïcode 文\n")
}
