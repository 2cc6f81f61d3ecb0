import Testing

@Suite struct PageServerTests {}
