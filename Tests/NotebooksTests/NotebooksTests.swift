import Testing

@Suite struct NotebooksTests {}
