//! Downloads from a server on this machine that speaks what the hub does.
#![cfg(feature = "hub")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;
use vary_core::Error;
use vary_core::hub::HubModel;

const NAME: &str = "someone/small";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How the server treats a file.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Closes the first connection that asks for contents half way, the length promised.
    CutOnce,
    /// Sends half and says that this was all.
    Short,
    Status(u16),
}

#[derive(Default)]
struct Files(BTreeMap<&'static str, (Vec<u8>, Option<Manner>)>);

impl Files {
    fn with(mut self, name: &'static str, contents: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name, (contents.into(), None));
        self
    }

    fn but(mut self, name: &'static str, manner: Manner) -> Self {
        let entry = self.0.entry(name).or_default();
        entry.1 = Some(manner);
        self
    }

    fn small() -> Self {
        Self::default()
            .with("config.json", "{}")
            .with("tokenizer.json", "{\"a\": 1}")
            .with("model.safetensors", vec![7; 5000])
            .with("README.md", "not asked for")
    }
}

/// Requests as `file` and where their range starts.
type Requests = Arc<Mutex<Vec<(String, u64)>>>;

struct Hub {
    url: String,
    requests: Requests,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    cache: TempDir,
}

impl Hub {
    fn serve(files: Files) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, stop) = (Requests::default(), Arc::new(AtomicBool::new(false)));
        let (seen, stopped) = (requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut files = files;
            // More than any test asks for.
            for stream in listener.incoming().take(200) {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(stream) = stream {
                    answer(stream, &mut files, &seen);
                }
            }
        });
        Self {
            url,
            requests,
            stop,
            thread: Some(thread),
            cache: tempfile::tempdir().unwrap(),
        }
    }

    fn model(&self) -> HubModel {
        HubModel::new(NAME)
            .endpoint(&self.url)
            .cache_dir(self.cache.path())
            .offline(false)
    }

    fn fails(&self) -> String {
        let error = self.model().fetch().unwrap_err();
        assert!(matches!(error, Error::Hub { .. }), "{error}");
        error.to_string()
    }

    fn asked(&self) -> Vec<(String, u64)> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the server, so that it sees it is to stop.
        TcpStream::connect(self.url.trim_start_matches("http://")).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn answer(mut stream: TcpStream, files: &mut Files, seen: &Requests) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else {
        return;
    };
    let headers: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .map(|line| line.to_lowercase())
        .collect();
    let path = request.split(' ').nth(1).unwrap();
    let prefix = format!("/{NAME}/resolve/main/");
    let file = path.strip_prefix(&prefix).unwrap_or(path);
    let range = headers.iter().find_map(|h| h.strip_prefix("range: bytes="));
    let range = range.unwrap_or("0-");
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    // One byte is how the size is asked for.
    let probe = end == "0";
    if !probe {
        seen.lock().unwrap().push((file.into(), start as u64));
    }
    let status = |stream: &mut TcpStream, code: u16| {
        let head = format!("HTTP/1.1 {code} no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).ok();
    };
    let Some((contents, manner)) = files.0.get_mut(file) else {
        return status(&mut stream, 404);
    };
    let size = contents.len();
    let body = match probe {
        true => &contents[..1.min(size)],
        false if start >= size => return status(&mut stream, 416),
        false => &contents[start..],
    };
    let (promised, sent) = match *manner {
        Some(Manner::Status(code)) => return status(&mut stream, code),
        Some(Manner::CutOnce) if !probe => {
            *manner = None;
            (body.len(), body.len() / 2)
        }
        Some(Manner::Short) if !probe => (body.len() / 2, body.len() / 2),
        _ => (body.len(), body.len()),
    };
    let head = format!(
        "HTTP/1.1 206 ok\r\ncontent-length: {promised}\r\ncontent-range: bytes {start}-{}/{size}\r\n\
         etag: \"etag-{file}\"\r\nx-repo-commit: {COMMIT}\r\nconnection: close\r\n\r\n",
        (start + body.len()).saturating_sub(1),
    );
    let mut reply = head.into_bytes();
    reply.extend(&body[..sent]);
    stream.write_all(&reply).ok();
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files_below(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn what_is_needed_comes_once_and_works_offline() {
    let hub = Hub::serve(Files::small());
    let dir = hub.model().fetch().unwrap();
    assert_eq!(fs::read(dir.join("model.safetensors")).unwrap(), [7; 5000]);
    assert_eq!(fs::read(dir.join("tokenizer.json")).unwrap(), b"{\"a\": 1}");
    assert!(dir.ends_with(Path::new("snapshots").join(COMMIT)));
    let mut asked: Vec<String> = hub.asked().into_iter().map(|(file, _)| file).collect();
    asked.sort();
    assert_eq!(
        asked,
        ["config.json", "model.safetensors", "tokenizer.json"]
    );

    assert_eq!(hub.model().fetch().unwrap(), dir);
    assert_eq!(hub.asked(), [], "all of it is in the cache");
    let offline = hub.model().endpoint("http://127.0.0.1:9").offline(true);
    assert_eq!(offline.fetch().unwrap(), dir);
    let error = offline.revision("other").fetch().unwrap_err().to_string();
    assert!(error.contains("HF_HUB_OFFLINE"), "{error}");
}

#[test]
fn shards_come_as_their_index_says() {
    let index = r#"{"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors",
        "c": "part-1.safetensors"}}"#;
    let files = Files::default()
        .with("config.json", "{}")
        .with("qwen.tiktoken", "IQ== 0")
        .with("model.safetensors.index.json", index)
        .with("part-1.safetensors", vec![1; 10])
        .with("part-2.safetensors", vec![2; 20]);
    let hub = Hub::serve(files);
    let dir = hub.model().fetch().unwrap();
    assert_eq!(fs::read(dir.join("part-2.safetensors")).unwrap(), [2; 20]);
    assert!(dir.join("part-1.safetensors").is_file());
    assert!(dir.join("qwen.tiktoken").is_file());
}

#[test]
fn a_shard_outside_its_folder_is_refused() {
    let index = r#"{"weight_map": {"a": "../../secret"}}"#;
    let hub = Hub::serve(
        Files::small()
            .but("model.safetensors", Manner::Status(404))
            .with("model.safetensors.index.json", index),
    );
    let error = hub.model().fetch().unwrap_err();
    assert!(matches!(error, Error::BadIndex { .. }), "{error}");
    assert!(!hub.asked().iter().any(|(file, _)| file.contains("secret")));
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let hub = Hub::serve(Files::small().but("model.safetensors", Manner::CutOnce));
    let dir = hub.model().fetch().unwrap();
    assert_eq!(fs::read(dir.join("model.safetensors")).unwrap(), [7; 5000]);
    let starts: Vec<u64> = hub
        .asked()
        .into_iter()
        .filter_map(|(file, start)| (file == "model.safetensors").then_some(start))
        .collect();
    assert_eq!(starts, [0, 2500]);
}

#[test]
fn what_a_killed_download_left_is_gone_on_with() {
    let hub = Hub::serve(Files::small());
    let blobs = hub.cache.path().join("models--someone--small/blobs");
    fs::create_dir_all(&blobs).unwrap();
    for (left, starts) in [(1200, vec![1200]), (5000, vec![5000, 0])] {
        let part = blobs.join("etag-model.part");
        fs::write(&part, vec![7; left]).unwrap();
        let dir = hub.model().fetch().unwrap();
        let path = dir.join("model.safetensors");
        assert_eq!(fs::read(&path).unwrap(), [7; 5000]);
        let asked = hub.asked().into_iter();
        let asked = asked.filter_map(|(f, start)| (f == "model.safetensors").then_some(start));
        assert_eq!(asked.collect::<Vec<_>>(), starts);
        fs::remove_file(path.canonicalize().unwrap()).unwrap();
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_is_cut_short_is_not_kept() {
    let hub = Hub::serve(Files::small().but("model.safetensors", Manner::Short));
    let error = hub.fails();
    assert!(error.contains("2500 of 5000 bytes"), "{error}");
    let kept = files_below(hub.cache.path());
    let weights = kept
        .iter()
        .filter(|path| path.to_string_lossy().contains("safetensors"));
    assert_eq!(weights.count(), 0, "{kept:?}");
}

#[test]
fn refusals_and_gaps_say_what_to_do() {
    let hub = Hub::serve(Files::small().but("config.json", Manner::Status(401)));
    let error = hub.fails();
    assert!(
        error.contains("HF_TOKEN") && error.contains(&hub.url),
        "{error}"
    );
    let hub = Hub::serve(Files::small().but("config.json", Manner::Status(500)));
    assert!(hub.fails().contains("answers 500"));
    let hub = Hub::serve(Files::default());
    let error = hub.fails();
    assert!(error.contains("no `config.json`"), "{error}");
    let hub = Hub::serve(Files::small().but("model.safetensors", Manner::Status(404)));
    let error = hub.fails();
    assert!(error.contains("pytorch_model.bin"), "{error}");
    let hub = Hub::serve(Files::small().but("tokenizer.json", Manner::Status(404)));
    assert!(hub.fails().contains("qwen.tiktoken"));
}

#[test]
fn a_hub_that_is_not_there_is_named() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let cache = tempfile::tempdir().unwrap();
    let model = HubModel::new(NAME).endpoint(&url).cache_dir(cache.path());
    let error = model.offline(false).fetch().unwrap_err().to_string();
    assert!(
        error.contains(&url) && error.contains("HF_ENDPOINT"),
        "{error}"
    );
}

#[test]
fn a_name_is_an_owner_and_a_name() {
    for name in [
        "", "vary", "a/b/c", "../x", "a/../b", "a/", "a b/c", "a/b?c",
    ] {
        let error = HubModel::new(name).fetch().unwrap_err().to_string();
        assert!(error.contains("`owner/name`"), "{error}");
    }
}

#[test]
fn a_token_is_not_shown() {
    let text = format!("{:?}", HubModel::new(NAME));
    assert!(!text.contains("token"), "{text}");
}
