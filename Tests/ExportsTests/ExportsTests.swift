import Testing

@Suite struct ExportsTests {}
