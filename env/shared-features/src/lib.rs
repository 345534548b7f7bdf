//! States the features of shared dependencies; see `Cargo.toml`. There is no code here.
