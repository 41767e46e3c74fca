use std::fs;

use vary_core::Error;
use vary_core::checkpoint::CheckpointFiles;
use vary_core::hub::HubModel;

use crate::server::{Answer, COMMIT, Repo, Server, hash, status};
use crate::support::{NAME, cached, fetch, fetch_offline, hub, model, names, weights};

#[test]
fn a_model_is_downloaded_into_the_layout_of_the_cache() {
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
fn what_is_there_is_not_downloaded_again() {
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
    let commit = HubModel {
        revision: COMMIT.into(),
        ..HubModel::new(NAME)
    };
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
fn a_hub_that_cannot_be_reached_is_not_needed_for_a_complete_copy() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();
    drop(server);
    assert_eq!(fetch(&hub).unwrap(), dir);
    fs::remove_file(dir.join("tokenizer.json")).unwrap();
    assert!(matches!(fetch(&hub), Err(Error::HubUnreachable { .. })));
}

#[test]
fn shards_are_those_that_the_index_names() {
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
fn the_first_form_of_weights_and_tokenizer_is_taken() {
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
fn pytorch_weights_are_downloaded_only_where_they_can_be_read() {
    let index = r#"{"weight_map": {"a": "pytorch_model-1.bin"}}"#;
    let repo = model()
        .without("model.safetensors")
        .with("pytorch_model.bin.index.json", index)
        .with("pytorch_model-1.bin", "bytes");
    let server = repo.serve();
    let (_dir, hub) = hub(&server);
    match fetch(&hub) {
        Ok(dir) if cfg!(feature = "pytorch") => assert!(dir.join("pytorch_model-1.bin").exists()),
        Err(Error::UnknownFormat { .. }) if !cfg!(feature = "pytorch") => {
            assert_eq!(server.asked(), ["list"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn branches_are_kept_apart() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let branch = HubModel {
        revision: "refs/pr/1".into(),
        ..HubModel::new(NAME)
    };
    branch.fetch_from(&hub).unwrap();
    let list = &server.requests()[0].path;
    assert_eq!(
        list,
        "/api/models/owner/name/revision/refs%2Fpr%2F1?blobs=true"
    );
    assert!(cached(&hub).join("refs/refs/pr/1").is_file());
    assert!(matches!(fetch_offline(&hub), Err(Error::NotCached { .. })));
}

#[test]
fn the_token_goes_to_the_hub_and_not_where_it_redirects_to() {
    let store = model().serve();
    let elsewhere = store.endpoint.replace("127.0.0.1", "localhost");
    let repo = model();
    let server = Server::start(move |request| match request.path.starts_with("/api/") {
        true => repo.answer(request),
        false => Answer {
            headers: vec![format!("Location: {elsewhere}{}", request.path)],
            ..status("302 Found")
        },
    });
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
    for request in redirected {
        assert_eq!(request.token, None);
        assert_eq!(request.encoding.as_deref(), Some("identity"));
    }
}

#[test]
fn two_at_once_download_once() {
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
