use std::fs;
use std::path::PathBuf;

use vary_core::Error;
use vary_core::hub::Hub;

use crate::server::{Answer, Request, Server, hash, status};
use crate::support::{cached, fetch, fetch_offline, hub, model, names, weights};

const BIG: &str = "model.safetensors";

/// Serves the model, the answers to requests for the contents of its weights changed; the first
/// request is 0.
fn change(change: impl Fn(usize, &Request, Answer) -> Answer + Send + 'static) -> Server {
    let (repo, mut count) = (model(), 0);
    Server::start(move |request| {
        let answer = repo.answer(request);
        if !request.path.ends_with(BIG) || request.is_head {
            return answer;
        }
        count += 1;
        change(count - 1, request, answer)
    })
}

fn blob(hub: &Hub) -> PathBuf {
    cached(hub).join("blobs").join(hash(&weights("a", 5000)))
}

fn is_right(hub: &Hub) -> bool {
    fs::read(fetch(hub).unwrap().join(BIG)).unwrap() == weights("a", 5000)
}

/// Checks that nothing of the weights has a name in the cache, and that offline they are missing.
fn assert_nothing_cached(hub: &Hub) {
    assert!(!blob(hub).exists());
    let snapshots = cached(hub).join("snapshots");
    for commit in names(&snapshots) {
        assert!(!names(&snapshots.join(commit)).contains(&BIG.to_string()));
    }
    assert!(!cached(hub).join(".staging").exists());
    assert!(matches!(fetch_offline(hub), Err(Error::NotCached { .. })));
}

#[test]
fn an_interrupted_download() {
    let server = change(|count, _, answer| match count {
        0 => Answer {
            cut: Some(7000),
            ..answer
        },
        _ => answer,
    });
    let (_dir, hub) = hub(&server);
    let error = fetch(&hub).unwrap_err();
    assert!(matches!(error, Error::HubInterrupted { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("{BIG} was interrupted")), "{text}");
    assert_nothing_cached(&hub);
    server.requests();

    // Complete files are kept.
    assert!(is_right(&hub));
    assert_eq!(server.asked(), ["list", BIG]);
}

#[test]
fn unlisted_content_is_refused() {
    let change_body = |at: usize| {
        move |count: usize, _: &Request, mut answer: Answer| {
            match (count, at) {
                (0, 0) => answer.body.push(0),
                (0, 1) => answer.body.truncate(7000),
                (0, 2) => answer.body[9000] ^= 1,
                _ => {}
            }
            // Its end is where the connection's is: no length contradicts it.
            answer.no_length = true;
            answer
        }
    };
    for (at, reason) in [(0, "size"), (1, "size"), (2, "SHA-256")] {
        let server = change(change_body(at));
        let (_dir, hub) = hub(&server);
        let error = fetch(&hub).unwrap_err();
        assert!(matches!(error, Error::HubCorrupt { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_nothing_cached(&hub);
        assert!(is_right(&hub));
    }
}

#[test]
fn error_page_is_refused() {
    let server = change(|count, _, answer| match count {
        0 => Answer {
            body: b"<Error><Code>AccessDenied</Code></Error>".to_vec(),
            ..status("403 Forbidden")
        },
        _ => answer,
    });
    let (_dir, hub) = hub(&server);
    assert!(matches!(fetch(&hub), Err(Error::HubCorrupt { .. })));
    assert_nothing_cached(&hub);
    assert!(is_right(&hub));
}

#[test]
fn what_a_killed_download_left() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let staged = cached(&hub).join(".staging/models--owner--name");
    let snapshot = staged.join("snapshots").join(crate::server::COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(snapshot.join(BIG), "half").unwrap();
    assert!(is_right(&hub));
    assert!(!cached(&hub).join(".staging").exists());
}

#[test]
fn a_damaged_copy_is_replaced() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let dir = fetch(&hub).unwrap();
    // Of the right size, so that only the hash can show it.
    let mut bytes = weights("a", 5000);
    bytes[9000] ^= 1;
    fs::write(blob(&hub), bytes).unwrap();
    fs::remove_file(dir.join(BIG)).unwrap();
    assert!(matches!(fetch(&hub), Err(Error::HubCorrupt { .. })));
    assert!(!blob(&hub).exists());
    assert!(is_right(&hub));
}
