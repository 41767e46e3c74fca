use std::fs;
use std::path::PathBuf;

use vary_core::Error;
use vary_core::hub::Hub;

use crate::server::{Answer, Request, Server, hash, status};
use crate::support::{cached, fetch, fetch_offline, hub, model, weights};

const BIG: &str = "model.safetensors";

/// Serves the model, the answers to requests for its weights changed; the first request is 0.
fn change(change: impl Fn(usize, &Request, Answer) -> Answer + Send + 'static) -> Server {
    let (repo, mut count) = (model(), 0);
    Server::start(move |request| {
        let answer = repo.answer(request);
        if !request.path.ends_with(BIG) {
            return answer;
        }
        count += 1;
        change(count - 1, request, answer)
    })
}

fn blob(hub: &Hub) -> PathBuf {
    cached(hub).join("blobs").join(hash(&weights("a", 5000)))
}

fn part(hub: &Hub) -> PathBuf {
    blob(hub).with_extension("part")
}

fn is_right(hub: &Hub) -> bool {
    fs::read(fetch(hub).unwrap().join(BIG)).unwrap() == weights("a", 5000) && !part(hub).exists()
}

fn starts(server: &Server) -> Vec<Option<u64>> {
    let asked = server.requests().into_iter();
    asked
        .filter(|request| request.path.ends_with(BIG))
        .map(|request| request.range)
        .collect()
}

fn cut(at: usize, answer: Answer) -> Answer {
    Answer {
        cut: Some(at.min(answer.body.len())),
        ..answer
    }
}

#[test]
fn a_cut_connection_is_gone_on_with_at_once() {
    for no_length in [false, true] {
        let server = change(move |count, _, answer| match count {
            0 | 1 => Answer {
                no_length,
                ..cut(7000, answer)
            },
            _ => answer,
        });
        let (_dir, hub) = hub(&server);
        assert!(is_right(&hub));
        assert_eq!(starts(&server), [None, Some(7000), Some(14000)]);
    }
}

#[test]
fn an_interrupted_download_is_gone_on_with_by_the_next_run() {
    let server = change(|count, _, answer| match count {
        0 => cut(7000, answer),
        1 => cut(0, answer),
        _ => answer,
    });
    let (_dir, hub) = hub(&server);
    let error = fetch(&hub).unwrap_err();
    let size = weights("a", 5000).len();
    assert!(matches!(error, Error::HubInterrupted { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&format!("after 7000 of {size} bytes")),
        "{text}"
    );

    // Nothing unfinished has its name, and offline it is not found.
    assert_eq!(fs::metadata(part(&hub)).unwrap().len(), 7000);
    assert!(!blob(&hub).exists());
    match fetch_offline(&hub).unwrap_err() {
        Error::NotCached { missing, .. } => assert_eq!(missing, "config.json"),
        other => panic!("{other}"),
    }
    assert!(is_right(&hub));
    assert_eq!(starts(&server), [None, Some(7000), Some(7000)]);
}

#[test]
fn a_part_that_is_whole_needs_no_request_and_one_too_long_is_dropped() {
    let whole = weights("a", 5000);
    for (left, expected) in [
        (whole.clone(), vec![]),
        ([&whole[..], b"x"].concat(), vec![None]),
    ] {
        let server = model().serve();
        let (_dir, hub) = hub(&server);
        fs::create_dir_all(cached(&hub).join("blobs")).unwrap();
        fs::write(part(&hub), left).unwrap();
        assert!(is_right(&hub));
        assert_eq!(starts(&server), expected);
    }
}

#[test]
fn a_hub_without_ranges_sends_it_from_the_start() {
    let repo = model();
    let server = change(move |count, request, answer| match count {
        0 => cut(7000, answer),
        _ => repo.answer(&Request {
            range: None,
            ..request.clone()
        }),
    });
    let (_dir, asked) = hub(&server);
    assert!(is_right(&asked));
    assert_eq!(starts(&server), [None, Some(7000)]);

    // Without an end to it, if none of its answers is whole.
    let repo = model();
    let server = change(move |_, request, _| {
        let request = Request {
            range: None,
            ..request.clone()
        };
        cut(7000, repo.answer(&request))
    });
    let (_dir, hub) = hub(&server);
    assert!(matches!(fetch(&hub), Err(Error::HubInterrupted { .. })));
    assert_eq!(starts(&server).len(), 2);
}

#[test]
fn another_part_than_was_asked_for_is_refused() {
    let server = change(|count, _, answer| match count {
        0 => cut(7000, answer),
        _ => Answer {
            headers: vec!["Content-Range: bytes 6000-9999/20000".into()],
            ..answer
        },
    });
    let (_dir, hub) = hub(&server);
    assert!(matches!(fetch(&hub), Err(Error::HubAnswer { .. })));
}

#[test]
fn truncated_content_is_not_accepted() {
    // The hub's list is right, its answer complete in itself and too short.
    let server = change(|_, request, mut answer| match request.range {
        None => {
            answer.body.truncate(7000);
            answer
        }
        Some(_) => status("416 Range Not Satisfiable"),
    });
    let (_dir, hub) = hub(&server);
    let error = fetch(&hub).unwrap_err();
    assert!(error.to_string().contains("416"), "{error}");
    assert!(!blob(&hub).exists());
    assert!(matches!(fetch_offline(&hub), Err(Error::NotCached { .. })));
}

#[test]
fn content_that_is_not_the_listed_one_is_deleted() {
    for (longer, reason) in [(true, "longer"), (false, "SHA-256")] {
        let server = change(move |count, _, mut answer| {
            match (count, longer) {
                (0, true) => answer.body.push(0),
                (0, false) => answer.body[9000] ^= 1,
                _ => {}
            }
            answer
        });
        let (_dir, hub) = hub(&server);
        let error = fetch(&hub).unwrap_err();
        assert!(matches!(error, Error::HubCorrupt { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!blob(&hub).exists() && !part(&hub).exists());
        assert!(is_right(&hub));
    }
}
