// Nothing: its precompiled headers are what the test suites share.
