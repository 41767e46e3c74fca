//! PDF files in a child process. A file from anyone may overflow the stack, loop or ask for all
//! memory, which nothing in the same process can stop.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::file::{PageText, PdfFile};
use super::options::PdfOptions;
use super::skip::Skip;
use crate::{Error, Page, Result};

/// The first argument of a child, before the path.
const NAME: &str = "pdf-worker";
/// Most bytes of a child's address space, on Unix. A page of 8192 x 8192 pixels takes a gigabyte.
#[cfg(unix)]
const MEMORY: u64 = 4 << 30;
/// Whether this program can be a child.
static AVAILABLE: AtomicBool = AtomicBool::new(false);
/// Most bytes of a reply without its pixels: the words of a page.
const MAX_REPLY: u64 = 256 << 20;

/// Time between the end of a child's replies and its own.
const GRACE: Duration = Duration::from_secs(1);
/// How often it is asked whether to wait longer.
const TICK: Duration = Duration::from_millis(100);
/// A file is given up after so many pages in a row that ended their process or took too long.
const GIVE_UP: usize = 5;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Request {
    Text(usize),
    Image(usize),
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    /// The file is open and has so many pages.
    Open(usize),
    Text(PageText),
    /// An image of this width and height; its pixels follow.
    Image(u32, u32),
    Skip(Skip),
}

/// A PDF file that a child process reads, at most 4 GiB of address space on Unix. A page on which
/// the child ends or takes too long is skipped, and the next one is read by another child. After
/// five such pages in a row the rest of the file is skipped.
///
/// The child is this program, whose `main` has to begin with [`serve_if_asked`].
pub struct PdfWorker {
    command: Box<dyn Fn() -> Command + Send>,
    path: PathBuf,
    options: PdfOptions,
    patience: Patience,
    page_count: usize,
    running: Option<Running>,
    /// Pages in a row that ended their process or took too long.
    failed: usize,
}

/// Whether to wait longer, after so much time.
type Patience = Box<dyn Fn(Duration) -> bool + Send>;

impl std::fmt::Debug for PdfWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PdfWorker")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl PdfWorker {
    /// Opens a file in a child process. Ten times a second `patience` is asked whether to wait
    /// longer, with the time since the file began to be opened or the page to be read.
    ///
    /// # Errors
    /// [`Error::Io`] if the program does not start, or its `main` has not called
    /// [`serve_if_asked`]; [`Error::Pdf`] if the file is too large, encrypted or broken, or the
    /// child ends or takes too long; [`Error::PdfOption`] for options out of range.
    pub fn open(
        path: impl Into<PathBuf>,
        options: &PdfOptions,
        patience: impl Fn(Duration) -> bool + Send + 'static,
    ) -> Result<Self> {
        let path = path.into();
        let program = env::current_exe().map_err(|e| Error::io(&path, e))?;
        if !is_available() {
            let reason = "the program does not call `serve_if_asked`";
            return Err(Error::io(&path, io::Error::other(reason)));
        }
        let command = move || {
            let mut command = Command::new(&program);
            command.arg(NAME);
            command
        };
        Self::with_command(command, path, options, patience)
    }

    /// `command` starts a child; the path is added as its last argument.
    fn with_command(
        command: impl Fn() -> Command + Send + 'static,
        path: impl Into<PathBuf>,
        options: &PdfOptions,
        patience: impl Fn(Duration) -> bool + Send + 'static,
    ) -> Result<Self> {
        options.check()?;
        let mut worker = Self {
            command: Box::new(command),
            path: path.into(),
            options: options.clone(),
            patience: Box::new(patience),
            page_count: 0,
            running: None,
            failed: 0,
        };
        worker.running = Some(worker.start()?);
        Ok(worker)
    }

    /// The number of pages, regardless of [`PdfOptions::max_pages`].
    pub fn page_count(&self) -> usize {
        self.page_count
    }

    /// As [`PdfReader::page`](super::PdfReader::page).
    ///
    /// # Errors
    /// The reason why the page is skipped, or why the child ended.
    pub fn page(&mut self, index: usize) -> Result<Page, Skip> {
        let PageText { text, words, .. } = self.text(index)?;
        Ok(Page {
            image: self.image(index)?,
            text,
            markdown: None,
            words,
        })
    }

    /// As [`PdfReader::text`](super::PdfReader::text).
    ///
    /// # Errors
    /// The reason why the page has no text layer that agrees with what it shows, or why the child
    /// ended.
    pub fn text(&mut self, index: usize) -> Result<PageText, Skip> {
        match self.ask(Request::Text(index))? {
            (Reply::Text(text), _) => Ok(text),
            _ => Err(self.unexpected()),
        }
    }

    /// As [`PdfReader::image`](super::PdfReader::image).
    ///
    /// # Errors
    /// The reason why the page can't be drawn, or why the child ended.
    pub fn image(&mut self, index: usize) -> Result<RgbImage, Skip> {
        match self.ask(Request::Image(index))? {
            (Reply::Image(width, height), pixels) => {
                RgbImage::from_raw(width, height, pixels).ok_or_else(|| self.unexpected())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Starts a child, which opens the file.
    fn start(&mut self) -> Result<Running> {
        let refused = |reason| Error::Pdf {
            path: self.path.clone(),
            reason,
        };
        let running = Running::spawn((self.command)(), &self.path, &self.options);
        let mut running = running.map_err(|e| Error::io(&self.path, e))?;
        match running.receive(&self.patience).map_err(refused)? {
            (Reply::Open(pages), _) => self.page_count = pages,
            (Reply::Skip(reason), _) => return Err(refused(reason)),
            _ => return Err(refused(invalid())),
        }
        Ok(running)
    }

    /// What comes from a child whose replies do not match the requests; it is not asked again.
    fn unexpected(&mut self) -> Skip {
        self.running = None;
        invalid()
    }

    fn ask(&mut self, request: Request) -> Result<(Reply, Vec<u8>), Skip> {
        if self.failed >= GIVE_UP {
            let reason = format!("{GIVE_UP} pages before this one ended it or took too long");
            return Err(Skip::Ended(reason));
        }
        self.failed += 1;
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start().map_err(|e| Skip::Ended(e.to_string()))?,
        };
        // If it has ended, that is what receiving finds.
        let _ = running.send(&request);
        let (reply, pixels) = running.receive(&self.patience)?;
        self.running = Some(running);
        self.failed = 0;
        match reply {
            Reply::Skip(reason) => Err(reason),
            reply => Ok((reply, pixels)),
        }
    }
}

fn invalid() -> Skip {
    Skip::Ended("it sent an invalid reply".into())
}

/// A child that has the file open; ended when dropped.
struct Running {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<io::Result<(Reply, Vec<u8>)>>,
}

impl Running {
    fn spawn(mut command: Command, path: &Path, options: &PdfOptions) -> io::Result<Self> {
        // Ctrl-C is for the program that waits for the pages.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(requests), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (sender, replies) = sync_channel(1);
        let edge = options.edge;
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let reply = read_reply(&mut output, edge);
                let ended = reply.is_err();
                if sender.send(reply).is_err() || ended {
                    return;
                }
            }
        });
        let mut running = Self {
            child,
            requests,
            replies,
        };
        // If it has ended, that is what receiving finds.
        let _ = running.send(options);
        Ok(running)
    }

    fn send(&mut self, what: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.requests.write_all(&line)?;
        self.requests.flush()
    }

    fn receive(&mut self, patience: &Patience) -> Result<(Reply, Vec<u8>), Skip> {
        let start = Instant::now();
        loop {
            match self.replies.recv_timeout(TICK) {
                Ok(Ok(reply)) => return Ok(reply),
                Err(RecvTimeoutError::Timeout) if patience(start.elapsed()) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = start.elapsed().as_secs();
                    return Err(Skip::TooSlow { seconds });
                }
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
    }

    /// How a child ended whose replies did.
    fn ended(&mut self) -> Skip {
        let start = Instant::now();
        while start.elapsed() < GRACE {
            match self.child.try_wait() {
                Ok(Some(status)) => return Skip::Ended(status.to_string()),
                Ok(None) => thread::sleep(GRACE / 100),
                Err(error) => return Skip::Ended(error.to_string()),
            }
        }
        invalid()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A reply and its pixels; `edge` is the most that an image has.
fn read_reply(output: &mut impl BufRead, edge: u32) -> io::Result<(Reply, Vec<u8>)> {
    let mut line = vec![];
    output.take(MAX_REPLY).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let reply: Reply = serde_json::from_slice(&line)?;
    let mut pixels = vec![];
    if let Reply::Image(width, height) = reply {
        if width.max(height) > edge {
            return Err(io::ErrorKind::InvalidData.into());
        }
        pixels = vec![0; 3 * width as usize * height as usize];
        output.read_exact(&mut pixels)?;
    }
    Ok((reply, pixels))
}

/// What a program that uses [`PdfWorker`] calls first: if it was started as a child, the result of
/// having answered all requests, with which the program has to end.
///
/// Programs that call it read the files of [`extract_folder`](super::extract_folder) and of
/// `lines::write_pdf_lines` in children.
///
/// ```no_run
/// fn main() -> std::io::Result<()> {
///     if let Some(served) = vary_data::pdf::serve_if_asked() {
///         return served;
///     }
///     // what the program does
///     Ok(())
/// }
/// ```
pub fn serve_if_asked() -> Option<io::Result<()>> {
    let mut args = env::args_os().skip(1);
    match (args.next(), args.next()) {
        (Some(name), Some(path)) if name == NAME => {
            #[cfg(unix)]
            limit_memory();
            Some(serve(path.as_ref(), io::stdin(), io::stdout()))
        }
        _ => {
            AVAILABLE.store(true, Ordering::Relaxed);
            None
        }
    }
}

/// Whether files are read in children.
pub(crate) fn is_available() -> bool {
    AVAILABLE.load(Ordering::Relaxed)
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

/// Opens the file and answers `requests`. **Ends the process** when they end, in the middle of a
/// page too: nothing is left of it without the one that asks.
fn serve(
    path: &Path,
    requests: impl Read + Send + 'static,
    mut replies: impl Write,
) -> io::Result<()> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(requests).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        process::exit(0);
    });
    let mut lines = lines.into_iter();
    let Some(options) = lines.next() else {
        return Ok(());
    };
    let options: PdfOptions = serde_json::from_str(&options)?;
    let mut reply = |reply: &Reply, pixels: &[u8]| {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        replies.write_all(&line)?;
        replies.write_all(pixels)?;
        replies.flush()
    };
    let file = match PdfFile::open(path, &options) {
        Ok(file) => file,
        Err(Error::Pdf { reason, .. }) => return reply(&Reply::Skip(reason), &[]),
        Err(error) => return reply(&Reply::Skip(Skip::Broken(error.to_string())), &[]),
    };
    reply(&Reply::Open(file.page_count()), &[])?;
    let mut reader = file.reader();
    for line in lines {
        let skip = |reason| (Reply::Skip(reason), vec![]);
        let (answer, pixels) = match serde_json::from_str(&line)? {
            Request::Text(index) => reader
                .text(index)
                .map_or_else(skip, |text| (Reply::Text(text), vec![])),
            Request::Image(index) => reader.image(index).map_or_else(skip, |image| {
                (
                    Reply::Image(image.width(), image.height()),
                    image.into_raw(),
                )
            }),
        };
        reply(&answer, &pixels)?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn open(script: &str, seconds: u64) -> Result<PdfWorker> {
        let script = script.to_owned();
        let command = move || {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        let patience = move |waited| waited < Duration::from_secs(seconds);
        PdfWorker::with_command(command, "a.pdf", &PdfOptions::default(), patience)
    }

    fn refused(script: &str, seconds: u64) -> Skip {
        match open(script, seconds) {
            Err(Error::Pdf { reason, .. }) => reason,
            other => Skip::Broken(format!("{other:?}")),
        }
    }

    #[test]
    fn children_that_end_or_hang() {
        let ended = |how: &str| Skip::Ended(how.into());
        assert_eq!(refused("exit 3", 60), ended("exit status: 3"));
        assert_eq!(refused("kill -9 $$", 60), ended("signal: 9 (SIGKILL)"));
        assert!(matches!(
            refused("exec sleep 100", 1),
            Skip::TooSlow { seconds: 1.. }
        ));
    }

    #[test]
    fn invalid_replies() {
        let huge = r#"echo '{"Image":[1000000,1000000]}'; exec sleep 100"#;
        assert_eq!(refused(huge, 60), invalid());
        assert_eq!(
            refused(r#"echo '{"Image":[0,0]}'; exec sleep 100"#, 60),
            invalid()
        );
        assert_eq!(
            refused(r#"echo '{"Skip":"encrypted"}'"#, 60),
            Skip::Encrypted
        );
    }

    /// Answers every request but that for page 1 with an image of one pixel.
    const PAGES: &str = r#"read options; echo '{"Open":9}'; while read request; do
        case $request in *1*) exit 1;; *) printf '{"Image":[1,1]}\nabc';; esac; done"#;

    /// A page that ends the child is skipped; another child reads the next one.
    #[test]
    fn pages_after_a_bad_one_are_read() {
        let mut worker = open(PAGES, 60).unwrap();
        assert_eq!(worker.page_count(), 9);
        for _ in 0..2 * GIVE_UP {
            assert_eq!(worker.image(0).unwrap().as_raw(), b"abc");
            assert_eq!(worker.image(1), Err(Skip::Ended("exit status: 1".into())));
        }
        assert_eq!(worker.text(2), Err(invalid()));
        assert_eq!(worker.image(2).unwrap().as_raw(), b"abc");
    }

    #[test]
    fn files_are_given_up() {
        let mut worker = open(PAGES, 60).unwrap();
        for _ in 0..GIVE_UP {
            assert_eq!(worker.image(1), Err(Skip::Ended("exit status: 1".into())));
        }
        let error = worker.image(0).unwrap_err().to_string();
        assert!(error.contains("pages before this one"), "{error}");
    }
}
