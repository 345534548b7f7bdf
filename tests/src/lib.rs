//! Whole-program tests: the binary, on real data, as a person runs it.
