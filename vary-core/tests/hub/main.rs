//! Downloads from a hub on this machine, and every way in which one may fail. No other address is
//! asked.
#![cfg(feature = "hub")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken;
mod environment;
mod fetch;
mod refused;
mod server;
mod support;
