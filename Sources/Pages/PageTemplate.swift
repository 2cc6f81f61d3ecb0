import Diagnostics
import Digests
import Foundation
import Mustache
import Reports

extension Page {
  /// What scripts, styles and forms a browser is to allow on a page.
  ///
  /// - Parameter isServed: The page comes from a server, to which its forms may be sent.
  public static func policy(isServed: Bool) -> String {
    "default-src 'none'; script-src '\(Resources.scriptHash)'; style-src '\(Resources.styleHash)'; img-src data:; "
      + "base-uri 'none'; form-action \(isServed ? "'self'" : "'none'")"
  }

  /// The page as one HTML file. Equal pages have equal bytes.
  ///
  /// - Parameter serving: What a page that comes from a server needs besides; nil for a file.
  public func html(_ serving: PageServing? = nil) throws -> String {
    var drawing = PageDrawing()
    let parts = sections.map { section -> [String: Any] in
      [
        "place": section.place, "title": section.title, "note": orNone(section.note),
        "blocks": section.blocks.map { drawing.context($0) },
      ]
    }
    let context: [String: Any] = [
      "policy": Self.policy(isServed: serving != nil), "again": orNone(serving?.again), "isFile": serving == nil,
      "kind": kind, "title": title, "lead": orNone(lead), "source": source,
      "version": UnfoldVersion.current, "style": Resources.style, "script": Resources.script, "sections": parts,
      "hasParts": sections.count > 1,
      "facts": facts.map { ["name": $0.name, "value": $0.value] },
      "links": links.map { ["words": $0.words, "target": $0.target] },
    ]
    return try Resources.library.get().render(context, withTemplate: "page") ?? ""
  }
}

/// What a section of a template is left out for: a template looks for a missing key further out, in the block around it.
func orNone(_ text: String?) -> Any { text.flatMap { $0.isEmpty ? nil : $0 } ?? false }

/// Escapes by scalars. The library's own escaping goes by characters, and would let a `<` through that a mark before or behind it
/// has joined into one.
struct ScalarEscaping: MustacheContentType {
  func escapeText(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
      case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
      case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
      case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}

/// The files beside this one, which are part of the binary.
enum Resources {
  static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// What a content security policy calls an inline script or style.
  static func hash(_ text: String) -> String {
    var hash = SHA256()
    hash.update(text.utf8)
    return "sha256-" + Data(hash.digest()).base64EncodedString()
  }

  static let script = text(PackageResources.page_js)
  static let style = text(PackageResources.page_css)
  static let scriptHash = hash(script)
  static let styleHash = hash(style)

  /// Parsed once.
  static let library = Result {
    MustacheContentTypes.register(ScalarEscaping(), named: "SCALARS")
    return MustacheLibrary(templates: [
      "page": try MustacheTemplate(string: text(PackageResources.page_mustache)),
      "block": try MustacheTemplate(string: text(PackageResources.block_mustache)),
      "tokens": try MustacheTemplate(string: text(PackageResources.tokens_mustache)),
    ])
  }
}

/// Turns blocks into what the templates read. Each kind of block has a key of its own.
struct PageDrawing {
  /// Numbers data blocks, so that a script finds the one that belongs to its table.
  private var count = 0
  /// Rows of a table that are drawn at once.
  static let rowsAtOnce = 100

  /// A template looks for a missing key in the blocks around: each block says of every kind that it is not.
  private static let noKind: [String: Bool] = Dictionary(
    uniqueKeysWithValues: [
      "paragraph", "note", "facts", "links", "table", "figure", "examples", "passage", "bars", "attention", "folded",
      "beside", "form",
    ].map { ($0, false) })

  mutating func context(_ block: PageBlock) -> [String: Any] {
    (Self.noKind as [String: Any]).merging(ownContext(block)) { _, own in own }
  }

  private mutating func ownContext(_ block: PageBlock) -> [String: Any] {
    switch block {
    case .paragraph(let text): return ["paragraph": text]
    case .note(let text): return ["note": text]
    case .facts(let facts): return ["facts": ["items": facts.map { ["name": $0.name, "value": $0.value] }]]
    case .links(let links): return ["links": ["items": links.map { ["words": $0.words, "target": $0.target] }]]
    case .table(let table): return ["table": context(table)]
    case .figure(let figure): return ["figure": figure.svg()]
    case .drawing(let svg): return ["figure": svg]
    case .examples(let examples):
      return [
        "examples": [
          "title": orNone(examples.title), "note": orNone(examples.note),
          "items": examples.examples.enumerated().map { number, example in
            context(example, number: number + 1, scale: examples.scale)
          },
        ]
      ]
    case .passage(let passage):
      return [
        "passage": [
          "title": orNone(passage.title), "measure": passage.measure,
          "tokens": passage.tokens.map { Self.context($0, scale: passage.scale) },
        ]
      ]
    case .bars(let bars): return ["bars": Self.context(bars)]
    case .attention(let maps): return ["attention": context(maps)]
    case .folded(let title, let isOpen, let place, let blocks):
      return [
        "folded": [
          "title": title, "isOpen": isOpen, "place": orNone(place), "blocks": blocks.map { context($0) },
        ]
      ]
    case .form(let form): return ["form": form.context]
    case .beside(let columns):
      return ["beside": ["columns": columns.map { blocks in ["blocks": blocks.map { context($0) }] }]]
    }
  }

  private mutating func context(_ table: PageTable) -> [String: Any] {
    count += 1
    func cells(_ row: [PageTable.Cell]) -> [String: Any] {
      [
        "cells": row.enumerated().map { place, cell in
          [
            "text": cell.text, "link": orNone(cell.link), "isHead": place == 0,
            "isNumber": table.columns.indices.contains(place) && table.columns[place].isNumber,
          ] as [String: Any]
        }
      ]
    }
    let isLong = table.rows.count > Self.rowsAtOnce
    var data = ""
    if isLong {
      data = Self.json(table.rows.map { $0.map { cell -> Any in cell.link.map { [cell.text, $0] } ?? cell.text } })
    }
    return [
      "number": count, "caption": orNone(table.caption),
      "columns": table.columns.map { ["title": $0.title, "isNumber": $0.isNumber] as [String: Any] },
      "rows": table.rows.prefix(Self.rowsAtOnce).map(cells), "isLong": isLong, "total": Format.count(table.rows.count),
      "shown": Self.rowsAtOnce, "data": data, "isSearchable": table.rows.count > 8,
    ]
  }

  private func context(_ example: PageExamples.Example, number: Int, scale: Float) -> [String: Any] {
    let value = Format.fixed(Double(example.value), 2)
    return [
      "number": number, "value": value, "label": orNone(example.label?.shortened),
      "document": example.document.shortened,
      "tokens": example.tokens.map { Self.context($0, scale: scale) },
    ]
  }

  /// Colours go by eleven steps, so that they are classes and the page needs no style of its own in a tag.
  private static func context(_ token: PageToken, scale: Float) -> [String: Any] {
    var classes = ""
    if let value = token.value, value.isFinite, scale > 0 {
      let step = min(10, Int((abs(value) / scale * 10).rounded()))
      if step > 0 { classes = " \(value < 0 ? "n" : "p")\(step)" }
    }
    let text = token.text.isEmpty ? "·" : token.text.onOneLine
    return [
      "text": text, "classes": classes + (token.isMarked ? " m" : ""),
      "v": orNone(token.value.map { Format.fixed(Double($0), 3) }), "i": orNone(token.id.map { "\($0)" }),
      "p": orNone(token.position.map { "\($0)" }), "l": orNone(token.loss.map { Format.fixed($0, 2) }),
    ]
  }

  private static func context(_ bars: PageBars) -> [String: Any] {
    let most = bars.bars.map { abs($0.value) }.filter(\.isFinite).max() ?? 0
    return [
      "title": orNone(bars.title),
      "items": bars.bars.map { bar -> [String: Any] in
        let share = most > 0 && bar.value.isFinite ? abs(bar.value) / most : 0
        return [
          "name": Self.shown(bar.name), "value": Format.fixed(bar.value, bars.decimals),
          "width": Int((share * 100).rounded()),
          "isNegative": bar.value < 0,
        ]
      },
    ]
  }

  /// A name in which the space that a token begins with can be seen.
  private static func shown(_ name: String) -> String {
    let line = name.onOneLine
    return line.hasPrefix(" ") ? "␣" + line.dropFirst() : line
  }

  private mutating func context(_ maps: AttentionMaps) -> [String: Any] {
    count += 1
    return [
      "number": count,
      "data": Self.json([
        "tokens": maps.tokens.map(\.onOneLine), "layers": maps.layers, "heads": maps.heads, "both": maps.looksBothWays,
        "weights": Data(maps.weights).base64EncodedString(),
      ]),
    ]
  }

  /// JSON that can stand in a script's tag: no `<`, so that nothing in it ends the tag.
  private static func json(_ value: Any) -> String {
    let data =
      (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])) ?? Data()
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: data, as: UTF8.self).unicodeScalars {
      if scalar == "<" { text.append(contentsOf: "\\u003c".unicodeScalars) } else { text.append(scalar) }
    }
    return String(text)
  }
}

extension String {
  /// At most eighty characters, for names that a corpus gives.
  var shortened: String {
    unicodeScalars.count <= 80 ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(79))) + "…"
  }
}
