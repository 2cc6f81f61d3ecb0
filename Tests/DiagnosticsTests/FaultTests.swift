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
