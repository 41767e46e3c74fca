use std::fs;
use std::sync::{Arc, Mutex};

use vary_core::Error;
use vary_core::checkpoint::CheckpointFiles;
use vary_core::hub::HubModel;
use vary_core::hub::progress::{DownloadEvent, FileProgress, ProgressEvent, ProgressHandler};

use crate::server::{Answer, COMMIT, Repo, Server, hash, status};
use crate::support::{NAME, cached, fetch, fetch_offline, hub, model, names, weights};

#[test]
fn the_layout_of_the_cache() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();

    // The files of a model and no others, each asked for once.
    let files = [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
    ];
    assert_eq!(names(&dir), files);
    let mut asked = server.asked();
    asked.sort();
    assert_eq!(asked, [&files[..2], &["list"], &files[2..]].concat());

    assert_eq!(dir, cached(&hub).join("snapshots").join(COMMIT));
    let head = fs::read_to_string(cached(&hub).join("refs/main")).unwrap();
    assert_eq!(head, COMMIT);
    let blob = cached(&hub).join("blobs").join(hash(&weights("a", 5000)));
    assert_eq!(fs::read(blob).unwrap(), weights("a", 5000));
    #[cfg(unix)]
    assert_eq!(
        fs::read_link(dir.join("config.json")).unwrap(),
        std::path::Path::new("../../blobs").join(&hash(b"{}")[..40])
    );
    let opened = CheckpointFiles::open(&dir).unwrap();
    assert_eq!(opened.shapes().collect::<Vec<_>>(), [("a", &[5000][..])]);
}

#[test]
fn only_missing_files_are_downloaded() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();
    server.requests();

    assert_eq!(fetch(&hub).unwrap(), dir);
    assert_eq!(server.asked(), ["list"]);
    assert_eq!(fetch_offline(&hub).unwrap(), dir);
    let mut offline = hub.clone();
    offline.offline = true;
    assert_eq!(fetch(&offline).unwrap(), dir);
    // A commit is what it is.
    let commit = HubModel::new(NAME).with_revision(COMMIT);
    assert_eq!(commit.fetch_from(&hub).unwrap(), dir);
    assert!(server.asked().is_empty());

    // Only what is missing or damaged.
    fs::write(dir.join("config.json"), "").unwrap();
    fs::remove_file(dir.join("tokenizer.json")).unwrap();
    assert_eq!(fetch(&hub).unwrap(), dir);
    assert_eq!(server.asked(), ["list", "config.json"]);
    assert_eq!(fs::read(dir.join("config.json")).unwrap(), b"{}");
}

#[test]
fn unreachable_hub_with_copy() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();
    drop(server);
    assert_eq!(fetch(&hub).unwrap(), dir);
    fs::remove_file(dir.join("tokenizer.json")).unwrap();
    assert!(matches!(fetch(&hub), Err(Error::HubUnreachable { .. })));
}

#[test]
fn shards_of_the_index() {
    let index = r#"{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#;
    let repo = model()
        .without("model.safetensors")
        .without("generation_config.json")
        .with("model.safetensors.index.json", index)
        .with("one.safetensors", weights("a", 20))
        .with("two.safetensors", weights("b", 30))
        .with("three.safetensors", weights("c", 40));
    let server = repo.serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();
    assert!(!dir.join("three.safetensors").exists());
    assert_eq!(CheckpointFiles::open(&dir).unwrap().shapes().count(), 2);
    assert_eq!(fetch_offline(&hub).unwrap(), dir);

    fs::remove_file(dir.join("two.safetensors")).unwrap();
    match fetch_offline(&hub).unwrap_err() {
        Error::NotCached { missing, .. } => assert_eq!(missing, "two.safetensors"),
        other => panic!("{other}"),
    }
}

#[test]
fn the_first_form_is_taken() {
    let base = || {
        Repo::default()
            .with("config.json", "{}")
            .with("vocab.json", "{}")
    };
    let one = weights("a", 3);
    for (repo, expected) in [
        (
            base()
                .with("merges.txt", "")
                .with("model.safetensors", one.clone())
                .with("pytorch_model.bin", "x"),
            &[
                "config.json",
                "merges.txt",
                "model.safetensors",
                "vocab.json",
            ][..],
        ),
        (
            base()
                .with("qwen.tiktoken", "IQ== 0")
                .with("merges.txt", "")
                .with("model.safetensors", one.clone()),
            &["config.json", "model.safetensors", "qwen.tiktoken"],
        ),
    ] {
        let server = repo.serve();
        let (_dir, hub) = hub(&server);
        assert_eq!(names(&fetch(&hub).unwrap()), expected);
    }
}

#[test]
fn pytorch_weights_with_their_shards() {
    let index = r#"{"weight_map": {"a": "pytorch_model-1.bin"}}"#;
    let repo = model()
        .without("model.safetensors")
        .with("pytorch_model.bin.index.json", index)
        .with("pytorch_model-1.bin", "bytes");
    let server = repo.serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();
    assert!(dir.join("pytorch_model-1.bin").exists());
}

#[test]
fn branches_are_separate() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let branch = HubModel::new(NAME).with_revision("refs/pr/1");
    branch.fetch_from(&hub).unwrap();
    let list = &server.requests()[0].path;
    assert_eq!(list, "/api/models/owner/name/revision/refs%2Fpr%2F1");
    assert!(cached(&hub).join("refs/refs/pr/1").is_file());
    assert!(matches!(fetch_offline(&hub), Err(Error::NotCached { .. })));
}

/// A hub that redirects downloads to `store`, as Hugging Face's own does.
fn redirecting(store: &Server) -> Server {
    // Another host by name.
    let elsewhere = store.endpoint.replace("127.0.0.1", "localhost");
    let repo = model();
    Server::start(move |request| {
        let answer = repo.answer(request);
        if !request.path.contains("/resolve/") {
            return answer;
        }
        let mut headers = answer.headers;
        headers.push(format!("Location: {elsewhere}{}", request.path));
        Answer {
            headers,
            ..status("302 Found")
        }
    })
}

#[test]
fn tokens_stay_with_the_hub() {
    let store = model().serve();
    let server = redirecting(&store);
    let (_dir, mut hub) = hub(&server);
    hub.token = Some("hf_secret".into());
    assert!(!format!("{hub:?}").contains("secret"));
    fetch(&hub).unwrap();
    let asked = server.requests();
    let sent = |token: &Option<String>| token.as_deref() == Some("Bearer hf_secret");
    assert!(
        asked.iter().all(|request| sent(&request.token)),
        "{asked:?}"
    );
    let redirected = store.requests();
    assert_eq!(redirected.len(), 4);
    assert!(redirected.iter().all(|request| request.token.is_none()));
}

#[test]
fn new_commit_fetches_changes() {
    let server = model().serve();
    let (_dir, mut hub) = hub(&server);
    let old = fetch(&hub).unwrap();
    let changed = Repo {
        commit: "fedcba9876543210fedcba9876543210fedcba98",
        ..model().with("config.json", "{\"new\": 1}")
    };
    let server = changed.serve();
    hub.endpoint = server.endpoint.clone();
    let new = fetch(&hub).unwrap();
    assert_eq!(server.asked(), ["list", "config.json"]);
    assert_ne!(old, new);
    assert_eq!(fs::read(old.join("config.json")).unwrap(), b"{}");
    assert_eq!(
        fs::read(new.join("model.safetensors")).unwrap(),
        weights("a", 5000)
    );
    assert_eq!(fetch_offline(&hub).unwrap(), new);
}

/// File and bytes of each event.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(String, u64, u64)>>>);

impl ProgressHandler for Seen {
    fn on_progress(&self, event: &ProgressEvent) {
        if let ProgressEvent::Download(DownloadEvent::Progress { files }) = event {
            let file = |file: &FileProgress| {
                (
                    file.filename.clone(),
                    file.bytes_completed,
                    file.total_bytes,
                )
            };
            self.0.lock().unwrap().extend(files.iter().map(file));
        }
    }
}

#[test]
fn progress_reaches_the_size() {
    let store = model().serve();
    let server = redirecting(&store);
    let (_dir, hub) = hub(&server);
    let seen = Seen::default();
    let model = HubModel::new(NAME).with_progress(seen.clone());
    model.fetch_from(&hub).unwrap();
    let seen = seen.0.lock().unwrap();
    let size = weights("a", 5000).len() as u64;
    let of_weights = || seen.iter().filter(|(file, ..)| file == "model.safetensors");
    assert!(of_weights().all(|(_, received, whole)| received <= whole && *whole == size));
    assert!(of_weights().is_sorted());
    assert_eq!(of_weights().next_back().unwrap().1, size);
    assert!(seen.iter().any(|(file, ..)| file == "tokenizer.json"));
}

#[test]
fn concurrent_downloads() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| fetch(&hub).unwrap()))
            .collect();
        for run in runs {
            assert!(run.join().unwrap().join("config.json").exists());
        }
    });
    let asked = server.asked();
    let count = |name: &str| asked.iter().filter(|asked| *asked == name).count();
    assert_eq!((count("list"), count("model.safetensors")), (3, 1));
}
