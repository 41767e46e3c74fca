//! A hub on the loopback interface that speaks as much of Hugging Face's as a download needs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// After that many requests or that long a server stops, whatever a test does.
const MAX_REQUESTS: usize = 100;
const MAX_LIFE: Duration = Duration::from_secs(60);

/// A request line, and the headers that matter.
#[derive(Clone, Debug)]
pub struct Request {
    pub is_head: bool,
    pub path: String,
    pub token: Option<String>,
}

/// An answer, and how it deviates from a proper one.
#[derive(Default)]
pub struct Answer {
    pub status: &'static str,
    pub headers: Vec<String>,
    pub body: Vec<u8>,
    /// Bytes of the body after which the connection is closed.
    pub cut: Option<usize>,
    /// Whether its end is where the connection's is, so that no length contradicts a cut.
    pub no_length: bool,
}

/// A repository: files by name, and whether each is a large one.
#[derive(Clone)]
pub struct Repo {
    pub commit: &'static str,
    pub files: BTreeMap<String, (Vec<u8>, bool)>,
}

impl Default for Repo {
    fn default() -> Self {
        Self {
            commit: COMMIT,
            files: BTreeMap::new(),
        }
    }
}

pub struct Server {
    pub endpoint: String,
    log: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Repo {
    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let is_large = name.ends_with(".safetensors") || name.ends_with(".bin");
        self.files.insert(name.into(), (bytes.into(), is_large));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.files.remove(name).unwrap();
        self
    }

    /// What a proper hub answers.
    pub fn answer(&self, request: &Request) -> Answer {
        let answer = |value: serde_json::Value| Answer {
            body: serde_json::to_vec(&value).unwrap(),
            ..status("200 OK")
        };
        if request.path.contains("/revision/") {
            return answer(serde_json::json!({ "id": "owner/name", "sha": self.commit }));
        }
        if request.path.contains("/tree/") {
            return answer(self.files.iter().map(tree_entry).collect());
        }
        let name = request.path.rsplit('/').next().unwrap();
        let Some((bytes, is_large)) = self.files.get(name) else {
            return status("404 Not Found");
        };
        let mut headers = vec![
            format!("X-Repo-Commit: {}", self.commit),
            format!("ETag: \"{}\"", &hash(bytes)[..40]),
        ];
        if *is_large {
            headers.push(format!("X-Linked-ETag: \"{}\"", hash(bytes)));
            headers.push(format!("X-Linked-Size: {}", bytes.len()));
        }
        Answer {
            headers,
            body: bytes.clone(),
            ..status("200 OK")
        }
    }

    pub fn serve(self) -> Server {
        Server::start(move |request| self.answer(request))
    }
}

impl Server {
    pub fn start(mut answer: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (log, stop) = (
            Arc::<Mutex<Vec<Request>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (seen, stopped, born) = (log.clone(), stop.clone(), Instant::now());
        let thread = spawn(move || {
            while !stopped.load(Ordering::Relaxed) && born.elapsed() < MAX_LIFE {
                let Ok((stream, _)) = listener.accept() else {
                    sleep(Duration::from_millis(1));
                    continue;
                };
                if let Some(request) = read(&stream) {
                    seen.lock().unwrap().push(request.clone());
                    write(stream, request.is_head, answer(&request));
                }
                if seen.lock().unwrap().len() >= MAX_REQUESTS {
                    break;
                }
            }
        });
        Self {
            endpoint,
            log,
            stop,
            thread: Some(thread),
        }
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    /// Names of the files that were asked for since the last call; the list is `list`.
    pub fn asked(&self) -> Vec<String> {
        let name = |request: &Request| match request.path.starts_with("/api/") {
            true => "list".to_string(),
            false => request.path.rsplit('/').next().unwrap().to_string(),
        };
        // The commit, its files and the head of each file are asked for before.
        let is_content =
            |request: &&Request| !request.is_head && !request.path.contains("/revision/");
        self.requests()
            .iter()
            .filter(is_content)
            .map(name)
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

pub fn status(status: &'static str) -> Answer {
    Answer {
        status,
        ..Answer::default()
    }
}

pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// An entry of the list of files, as Hugging Face's own hub writes it.
fn tree_entry((name, (bytes, is_large)): (&String, &(Vec<u8>, bool))) -> serde_json::Value {
    let (id, size) = (hash(bytes), bytes.len());
    let mut entry = serde_json::json!({
        "type": "file", "path": name, "size": size, "oid": &id[..40],
    });
    if *is_large {
        entry["lfs"] = serde_json::json!({ "oid": id, "size": size, "pointerSize": 134 });
    }
    entry
}

fn read(stream: &TcpStream) -> Option<Request> {
    stream.set_nonblocking(false).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let headers: BTreeMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_string()))
        })
        .collect();
    let mut words = first.split(' ');
    Some(Request {
        is_head: words.next()? == "HEAD",
        path: words.next()?.to_string(),
        token: headers.get("authorization").cloned(),
    })
}

fn write(mut stream: TcpStream, is_head: bool, answer: Answer) {
    let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", answer.status);
    if !answer.no_length {
        head += &format!("Content-Length: {}\r\n", answer.body.len());
    }
    for header in &answer.headers {
        head += &format!("{header}\r\n");
    }
    let end = match is_head {
        true => 0,
        false => answer.cut.unwrap_or(answer.body.len()),
    };
    // Who asked may be gone.
    let _ = stream
        .write_all(format!("{head}\r\n").as_bytes())
        .and_then(|()| stream.write_all(&answer.body[..end]));
}
