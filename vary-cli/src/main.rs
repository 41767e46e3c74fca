//! The command `vary`: reads documents and finds objects in images.

mod ask;
mod checkpoint;
mod cli;
mod detect;
mod exit;
mod model;
mod output;
mod read;
mod settings;

use std::process::ExitCode;

use clap::Parser;

// Layers free and want large buffers all the time; the system's allocator gives each back to the
// kernel, and fresh pages cost as much as the arithmetic on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(served) = vary_data::pdf::serve_if_asked() {
        return exit::code(served.map_err(Into::into));
    }
    let cli = cli::Cli::parse();
    cli.start_log();
    exit::code(cli.run())
}
