//! PDF files in a child process. A file from anyone may overflow the stack, loop or ask for all
//! memory, which nothing in the same process can stop.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::file::{PageText, PdfFile};
use super::options::PdfOptions;
use super::skip::Skip;
use crate::{Error, Result};

/// Most bytes of a reply without its pixels: the words of a page.
const MAX_REPLY: u64 = 256 << 20;

/// Time between the end of a child's answers and its own.
const GRACE: Duration = Duration::from_secs(1);

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

/// A PDF file that a child process reads. A page on which the child ends or takes too long is
/// skipped, and the next one is read by another child.
pub struct PdfWorker {
    command: Box<dyn Fn() -> Command + Send>,
    path: PathBuf,
    options: PdfOptions,
    timeout: Duration,
    page_count: usize,
    running: Option<Running>,
}

impl std::fmt::Debug for PdfWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PdfWorker")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl PdfWorker {
    /// Opens a file in a child process. `command` starts a program that calls [`serve`] with the
    /// path, which is added as the last argument; `timeout` is the longest time for opening the
    /// file and for each page.
    ///
    /// # Errors
    /// [`Error::Io`] if the program does not start, [`Error::Pdf`] if the file is too large,
    /// encrypted or broken, or the child ends or takes too long; [`Error::PdfOption`] for options
    /// out of range.
    pub fn open(
        command: impl Fn() -> Command + Send + 'static,
        path: impl Into<PathBuf>,
        options: &PdfOptions,
        timeout: Duration,
    ) -> Result<Self> {
        options.check()?;
        let mut worker = Self {
            command: Box::new(command),
            path: path.into(),
            options: options.clone(),
            timeout,
            page_count: 0,
            running: None,
        };
        worker.running = Some(worker.start()?);
        Ok(worker)
    }

    /// The number of pages, regardless of [`PdfOptions::max_pages`].
    pub fn page_count(&self) -> usize {
        self.page_count
    }

    /// As [`PdfReader::text`](super::PdfReader::text).
    ///
    /// # Errors
    /// The reason why the page has no text layer that agrees with what it shows, or why the child
    /// ended.
    pub fn text(&mut self, index: usize) -> Result<PageText, Skip> {
        match self.ask(Request::Text(index))? {
            (Reply::Text(text), _) => Ok(text),
            _ => Err(out_of_order()),
        }
    }

    /// As [`PdfReader::image`](super::PdfReader::image).
    ///
    /// # Errors
    /// The reason why the page can't be drawn, or why the child ended.
    pub fn image(&mut self, index: usize) -> Result<RgbImage, Skip> {
        match self.ask(Request::Image(index))? {
            (Reply::Image(width, height), pixels) => {
                RgbImage::from_raw(width, height, pixels).ok_or_else(out_of_order)
            }
            _ => Err(out_of_order()),
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
        match running.receive(self.timeout).map_err(refused)? {
            (Reply::Open(pages), _) => self.page_count = pages,
            (Reply::Skip(reason), _) => return Err(refused(reason)),
            _ => return Err(refused(out_of_order())),
        }
        Ok(running)
    }

    fn ask(&mut self, request: Request) -> Result<(Reply, Vec<u8>), Skip> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start().map_err(|e| Skip::Ended(e.to_string()))?,
        };
        // If it has ended, that is what receiving finds.
        let _ = running.send(&request);
        let (reply, pixels) = running.receive(self.timeout)?;
        self.running = Some(running);
        match reply {
            Reply::Skip(reason) => Err(reason),
            reply => Ok((reply, pixels)),
        }
    }
}

fn out_of_order() -> Skip {
    Skip::Ended("another answer than was asked for".into())
}

/// A child that has the file open; ended when dropped.
struct Running {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<io::Result<(Reply, Vec<u8>)>>,
}

impl Running {
    fn spawn(mut command: Command, path: &Path, options: &PdfOptions) -> io::Result<Self> {
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

    fn receive(&mut self, timeout: Duration) -> Result<(Reply, Vec<u8>), Skip> {
        match self.replies.recv_timeout(timeout) {
            Ok(Ok(reply)) => Ok(reply),
            Err(RecvTimeoutError::Timeout) => Err(Skip::TooSlow {
                seconds: timeout.as_secs(),
            }),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// How a child ended whose answers did.
    fn ended(&mut self) -> Skip {
        let start = Instant::now();
        while start.elapsed() < GRACE {
            match self.child.try_wait() {
                Ok(Some(status)) => return Skip::Ended(status.to_string()),
                Ok(None) => thread::sleep(GRACE / 100),
                Err(error) => return Skip::Ended(error.to_string()),
            }
        }
        Skip::Ended("its answers are none".into())
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

/// The other side of a [`PdfWorker`]: opens the file and answers `requests`, until they end.
///
/// # Errors
/// Whatever fails when requests are read or `replies` are written.
pub fn serve(path: &Path, requests: impl Read, mut replies: impl Write) -> io::Result<()> {
    let mut lines = BufReader::new(requests).lines();
    let Some(options) = lines.next().transpose()? else {
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
        let (answer, pixels) = match serde_json::from_str(&line?)? {
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

    fn open(script: &str) -> Result<PdfWorker> {
        let script = script.to_owned();
        let command = move || {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        let timeout = Duration::from_millis(500);
        PdfWorker::open(command, "a.pdf", &PdfOptions::default(), timeout)
    }

    fn refused(script: &str) -> Skip {
        match open(script) {
            Err(Error::Pdf { reason, .. }) => reason,
            other => Skip::Broken(format!("{other:?}")),
        }
    }

    #[test]
    fn child_that_ends_hangs_or_raves() {
        let ended = |how: &str| Skip::Ended(how.into());
        assert_eq!(refused("exit 3"), ended("exit status: 3"));
        assert_eq!(refused("kill -9 $$"), ended("signal: 9 (SIGKILL)"));
        assert_eq!(refused("sleep 100"), Skip::TooSlow { seconds: 0 });
        assert_eq!(
            refused("echo '{\"Image\":[1000000,1000000]}'"),
            ended("exit status: 0")
        );
        assert_eq!(refused("echo '{\"Skip\":\"encrypted\"}'"), Skip::Encrypted);
        assert!(matches!(
            refused("echo '{\"Image\":[0,0]}'; sleep 9"),
            Skip::Ended(_)
        ));
    }

    /// A page that ends the child is skipped; another child reads the next one.
    #[test]
    fn pages_after_a_bad_one_are_read() {
        let script = r#"read options; echo '{"Open":3}'; while read request; do case $request in
            *1*) exit 1;; *) printf '{"Image":[1,1]}\nabc';; esac; done"#;
        let mut worker = open(script).unwrap();
        assert_eq!(worker.page_count(), 3);
        assert_eq!(worker.image(0).unwrap().as_raw(), b"abc");
        assert_eq!(worker.image(1), Err(Skip::Ended("exit status: 1".into())));
        assert_eq!(worker.image(2).unwrap().as_raw(), b"abc");
        // It is no text.
        assert!(matches!(worker.text(2), Err(Skip::Ended(_))));
    }
}
