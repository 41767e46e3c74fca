//! PDF files are read by a child process: what is wrong with one does not end the others.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use vary_data::Error;
use vary_data::pdf::{PdfOptions, PdfWorker, serve};

/// The subcommand of the child process.
pub const NAME: &str = "pdf-worker";
/// Most bytes of its address space, on Unix. A page of 8192 x 8192 pixels takes a gigabyte.
#[cfg(unix)]
const MEMORY: u64 = 4 << 30;

/// A PDF file.
pub struct Pdf {
    pub worker: PdfWorker,
    /// What came from the standard input, as a file.
    _copy: Option<NamedTempFile>,
}

impl Pdf {
    /// Opens a file. `patience` is asked whether to wait longer for that or for a page.
    pub fn open(
        path: &Path,
        options: &PdfOptions,
        patience: impl Fn(Duration) -> bool + Send + 'static,
    ) -> Result<Self> {
        let program = std::env::current_exe().context("this program's own file")?;
        let command = move || {
            let mut command = Command::new(&program);
            command.arg(NAME);
            command
        };
        match PdfWorker::open(command, path, options, patience) {
            Ok(worker) => Ok(Self {
                worker,
                _copy: None,
            }),
            Err(Error::Pdf { reason, .. }) => bail!("{reason}"),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the file that it reads.
    pub fn with_copy(self, copy: NamedTempFile) -> Self {
        Self {
            _copy: Some(copy),
            ..self
        }
    }
}

/// What the child process does.
pub fn run(path: &Path) -> Result<()> {
    #[cfg(unix)]
    limit_memory();
    // Ctrl-C is for the process that waits for the pages; this one ends with it.
    ctrlc::set_handler(|| ()).context("Ctrl-C can't be handled")?;
    Ok(serve(path, io::stdin(), io::stdout())?)
}

#[cfg(unix)]
fn limit_memory() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = |limit: Option<u64>| Some(limit.map_or(MEMORY, |limit| limit.min(MEMORY)));
    let before = getrlimit(Resource::As);
    let limit = Rlimit {
        current: most(before.current),
        maximum: most(before.maximum),
    };
    // Not every system has it: then a file can take what there is, in this process only.
    let _ = setrlimit(Resource::As, limit);
}
