// The same pages live, on this machine alone.
