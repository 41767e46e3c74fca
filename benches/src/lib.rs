//! The benchmarks are in `benches/`; see the README.
