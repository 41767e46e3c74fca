//! Draws scenes and texts, trains Vary-tiny+ and Vary-toy on them, and scores models.

use clap::Parser;
use vary_vocab_train::Command;

// A step allocates and frees gigabytes of buffers; the system's allocator gives large ones back to
// the kernel each time and pays for fresh pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> anyhow::Result<()> {
    if let Some(served) = vary_data::pdf::serve_if_asked() {
        return Ok(served?);
    }
    Cli::parse().command.run()
}
