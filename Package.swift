// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A module of the house, and the tests that say what it promises.
///
/// - Parameters:
///   - readsActivations: its tests read activations from memory, by what `TestSupport` offers.
///   - embedding: files beside its sources whose bytes become part of the binary.
func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], tested: Bool = true, readsActivations: Bool = false,
  embedding: [String] = []
) -> [Target] {
  let library = Target.target(
    name: name, dependencies: dependencies, resources: embedding.map { .embedInCode($0) }, swiftSettings: settings)
  guard tested else { return [library] }
  let tests = Target.testTarget(
    name: "\(name)Tests",
    dependencies: [.byName(name: name), "TestFiles"] + dependencies + (readsActivations ? ["TestSupport"] : []),
    resources: [.copy("Fixtures")],
    swiftSettings: settings)
  return [library, tests]
}

/// What building is limited to: the modules that `UNFOLD_MODULES` names (`Probes,Neurons`), what they need, and their own
/// tests. Unset, everything.
func chosen(_ targets: [Target]) -> [Target] {
  guard let names = Context.environment["UNFOLD_MODULES"], !names.isEmpty else { return targets }
  var wanted = Set(names.split(separator: ",").flatMap { [String($0), "\($0)Tests"] })
  var count = 0
  while wanted.count != count {
    count = wanted.count
    for target in targets where wanted.contains(target.name) {
      for dependency in target.dependencies {
        switch dependency {
        case .byNameItem(let name, _), .targetItem(let name, _): wanted.insert(name)
        default: break
        }
      }
    }
  }
  return targets.filter { wanted.contains($0.name) }
}

let targets: [Target] =
  [
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .systemLibrary(
      name: "COneDNN", providers: [.apt(["libdnnl-dev"]), .brew(["onednn"])]),
    .systemLibrary(
      name: "COnig", pkgConfig: "oniguruma", providers: [.apt(["libonig-dev"]), .brew(["oniguruma"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(name: "CKernels"),
    .target(name: "CFileDriver", dependencies: ["CHDF5", "CKernels"]),
    .target(
      name: "TestFiles", dependencies: ["HDF5", "CHDF5"], path: "Tests/TestFiles", swiftSettings: settings),
    .target(
      name: "TestSupport", dependencies: ["Diagnostics", "LinearAlgebra", "Activations"], path: "Tests/TestSupport",
      swiftSettings: settings),
  ]
  + module("Diagnostics")
  + module("StrictJSON", ["Diagnostics"])
  + module(
    "LinearAlgebra",
    ["Diagnostics", "CKernels", "COpenBLAS", .target(name: "COneDNN", condition: .when(traits: ["OneDNN"]))])
  + module("Digests", ["CKernels"])
  + module("HDF5", ["Diagnostics", "CHDF5", "CKernels", "CFileDriver"])
  + module("Checkpoints", ["Diagnostics", "StrictJSON", "Digests", "CKernels", "CZlib"])
  + module("Tokenization", ["Diagnostics", "StrictJSON", "COnig"])
  + module("Architectures", ["Diagnostics", "StrictJSON", "Checkpoints"])
  + module(
    "Transformer", ["Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Architectures"])
  + module(
    "Activations",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer",
      "HDF5", "Digests",
      "CZlib",
    ])
  + module(
    "Probes",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer",
      "Activations",
      .product(name: "Yams", package: "Yams"),
    ], readsActivations: true)
  + module(
    "Dictionaries",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "CKernels", "Checkpoints", "Digests", "Tokenization",
      "Architectures", "Transformer", "Activations", "Probes",
    ], readsActivations: true)
  + module(
    "Neurons",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "Tokenization", "Architectures", "Transformer", "Activations",
      "Probes",
      "Dictionaries",
    ], readsActivations: true)
  + module(
    "Interventions",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer",
      "Activations", "Probes", "Dictionaries", "Neurons",
    ], readsActivations: true)
  + module("Anatomy", ["Diagnostics", "StrictJSON", "Checkpoints", "Architectures"])
  + module(
    "Geometry",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "Tokenization", "Architectures", "Transformer", "Activations",
      "Probes",
      "Dictionaries", "Neurons",
    ], readsActivations: true)
  + module(
    "Reports",
    [
      "Diagnostics", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer", "Activations",
      "Probes",
      "Dictionaries", "Neurons", "Interventions", "Geometry", "Anatomy",
    ], readsActivations: true)
  + module(
    "Pages",
    [
      "Diagnostics", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer", "Activations",
      "Probes", "Dictionaries", "Neurons", "Interventions", "Geometry", "Anatomy", "Reports", "Digests",
      .product(name: "Mustache", package: "swift-mustache"),
    ], readsActivations: true, embedding: ["Templates"])
  + module(
    "PageServer",
    [
      "Diagnostics", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer", "Activations",
      "Probes", "Dictionaries", "Neurons", "Interventions", "Reports", "Pages",
      .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      .product(name: "NIOHTTP1", package: "swift-nio"),
    ])
  + module(
    "Exports",
    [
      "Diagnostics", "StrictJSON", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer",
      "HDF5", "Activations", "Probes", "Dictionaries", "Neurons", "Reports", "CZlib",
    ], readsActivations: true)
  + module(
    "Notebooks",
    ["Diagnostics", "Checkpoints", "Activations", "Probes", "Dictionaries", "Neurons"])
  + module(
    "Unfold",
    [
      "Diagnostics", "LinearAlgebra", "Checkpoints", "Tokenization", "Architectures", "Transformer", "HDF5",
      "Activations", "Probes",
      "Dictionaries", "Neurons", "Interventions", "Geometry", "Anatomy", "Reports", "Pages", "PageServer", "Exports",
      "Notebooks",
    ], tested: false)
  + [
    .executableTarget(
      name: "UnfoldTool",
      dependencies: ["Unfold", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),
    .executableTarget(name: "Journey", dependencies: ["Unfold"], path: "Examples/Journey", swiftSettings: settings),
    .executableTarget(name: "Recipes", dependencies: ["Unfold"], path: "Examples/Recipes", swiftSettings: settings),
    // The code of the tutorials.
    .executableTarget(
      name: "FirstProbe", dependencies: ["Unfold"], path: "Examples/FirstProbe", swiftSettings: settings),
    .executableTarget(
      name: "ReadDictionary", dependencies: ["Unfold"], path: "Examples/ReadDictionary", swiftSettings: settings),
    .executableTarget(
      name: "FromTransformerLens", dependencies: ["Unfold"], path: "Examples/FromTransformerLens",
      swiftSettings: settings),
    .testTarget(
      name: "UnfoldToolTests", dependencies: ["Unfold", "TestFiles"], resources: [.copy("Fixtures")],
      swiftSettings: settings),
  ]

let building = chosen(targets)

/// Each product, by the target that it is made of.
let products: KeyValuePairs<String, Product> = [
  "Unfold": .library(name: "Unfold", targets: ["Unfold"]),
  "UnfoldTool": .executable(name: "unfold", targets: ["UnfoldTool"]),
]

let package = Package(
  name: "unfold",
  platforms: [.macOS(.v15)],
  products: products.filter { product in building.contains { $0.name == product.key } }.map(\.value),
  traits: [
    .trait(name: "OneDNN", description: "Multiply with oneDNN where it is the faster library, and in bfloat16."),
    .default(enabledTraits: ["OneDNN"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
    .package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2")),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", .upToNextMinor(from: "2.1.1")),
    .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", .upToNextMinor(from: "1.5.0")),
  ],
  targets: building,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
