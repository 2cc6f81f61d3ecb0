import Diagnostics
import StrictJSON
import Testing

private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, file: "test.json") }

@Test func documentsOfEveryKindParse() throws {
  let value = try parse(#" {"a": [1, -2.5e3, true, false, null], "b": {"c": "\u00e9\n\ud83d\ude00"}} "#)
  guard case .object(let object) = value else { return #expect(Bool(false), "an object was expected") }
  #expect(object["a"] == .array([.integer(1), .number(-2500), .bool(true), .bool(false), .null]))
  #expect(try JSONReader(value, file: "f").required("b").required("c").string() == "é\n😀")
}

@Test(arguments: [
  "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "01", "1.", "-", "nul", "\"\\x\"", "\"\\ud800\"", "\"a", "[1] 2",
  "{\"a\":1,\"a\":2}", "\"\u{1}\"", "1e999", "NaN",
])
func malformedTextIsRefusedWithItsPlace(text: String) throws {
  let fault = try #require(throws: Fault.self) { try parse(text) }
  #expect(fault.name == "json.invalid")
  #expect(fault.place?.contains("line 1") == true)
}

@Test func keysThatAreOnlyCanonicallyEquivalentStayApart() throws {
  guard case .object(let object) = try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2}") else { return }
  #expect(object["\u{E9}"] == .integer(1))
  #expect(object["e\u{301}"] == .integer(2))
}

@Test func deepNestingIsRefusedAndNotACrash() throws {
  let fault = try #require(throws: Fault.self) { try parse(String(repeating: "[", count: 10_000)) }
  #expect(fault.expected?.contains("256") == true)
}

@Test func invalidUTF8IsRefused() {
  #expect(throws: Fault.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22], file: "f") }
}

@Test func readersSayWhereAValueStands() throws {
  let reader = JSONReader(try parse(#"{"rope": {"factor": "x"}}"#), file: "config.json")
  let fault = try #require(throws: Fault.self) { try reader.required("rope").required("factor").number() }
  #expect(fault.place == "rope.factor")
  #expect(fault.file == "config.json")
}
