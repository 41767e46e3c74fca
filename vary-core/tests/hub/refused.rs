use std::net::TcpListener;

use vary_core::Error;
use vary_core::hub::{Hub, HubModel};

use crate::server::{Answer, COMMIT, Server, status};
use crate::support::{NAME, cached, fetch, hub, model, refusal, weights};

#[test]
fn bad_names_send_no_request() {
    let server = model().serve();
    let (_dir, hub) = hub(&server);
    let long = format!("owner/{}", "n".repeat(91));
    for name in [
        "",
        "gpt2",
        "/",
        "owner/",
        "/name",
        "a/b/c",
        "../name",
        "owner/..",
        "owner/na me",
        "./dir",
        "owner/na\\me",
        "owner/näme",
        "-a/b",
        "a/b.",
        "a--b/c",
        "a/b?x=1",
        &long,
    ] {
        let error = HubModel::new(name).fetch_from(&hub).unwrap_err();
        assert!(
            matches!(error, Error::HubName { what: "name", .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains("owner/name"), "{error}");
    }
    for revision in ["", "..", "a/../b", "/a", "a//b", "a b", "a?b", ".lock"] {
        let model = HubModel::new(NAME).with_revision(revision);
        let error = model.fetch_from(&hub).unwrap_err();
        assert!(
            matches!(
                error,
                Error::HubName {
                    what: "revision",
                    ..
                }
            ),
            "{revision}: {error}"
        );
    }
    assert!(server.requests().is_empty());
    assert!(!hub.cache_dir.exists());
}

#[test]
fn an_unreachable_hub() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let dir = tempfile::tempdir().unwrap();
    let endpoint = format!("http://127.0.0.1:{port}");
    let error = fetch(&Hub::new(&endpoint, dir.path())).unwrap_err();
    assert!(matches!(error, Error::HubUnreachable { .. }), "{error}");
    let text = error.to_string();
    for part in [&endpoint, "HF_ENDPOINT", "pass a directory"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn settings_that_cannot_work() {
    for (endpoint, token, named) in [
        ("hf-mirror.example", None, "HF_ENDPOINT"),
        ("http://127.0.0.1:9", Some("two lines\nof it"), "HF_TOKEN"),
    ] {
        let mut hub = Hub::new(endpoint, "cache");
        hub.token = token.map(String::from);
        let error = fetch(&hub).unwrap_err();
        assert!(matches!(error, Error::HubSetting { .. }), "{error}");
        assert!(error.to_string().starts_with(named), "{error}");
    }
}

#[test]
fn statuses_have_their_errors() {
    for (answer, expected) in [
        ("401 Unauthorized", "HF_TOKEN"),
        ("403 Forbidden", "terms have to be accepted"),
        ("404 Not Found", "has no revision main of owner/name"),
        ("503 Service Unavailable", "503"),
        ("429 Too Many Requests", "429"),
    ] {
        let server = Server::start(move |_| status(answer));
        let error = refusal(&server);
        assert!(error.to_string().contains(expected), "{answer}: {error}");
        let is_right = match &answer[..3] {
            "401" | "403" => matches!(error, Error::HubDenied { .. }),
            "404" => matches!(error, Error::HubNotFound { .. }),
            _ => matches!(error, Error::HubAnswer { .. }),
        };
        assert!(is_right, "{error:?}");

        // The same for a file, after the list.
        let repo = model();
        let server = Server::start(move |request| match request.path.contains("/resolve/") {
            true => status(answer),
            false => repo.answer(request),
        });
        assert!(refusal(&server).to_string().contains(&answer[..3]) || answer.starts_with("404"));
    }
}

#[test]
fn an_incomplete_repository() {
    for (name, expected) in [
        ("config.json", "config.json"),
        ("tokenizer.json", "tokenizer"),
        ("model.safetensors", "pytorch_model.bin"),
    ] {
        let server = model().without(name).serve();
        let error = refusal(&server);
        assert!(matches!(error, Error::HubNotFound { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(server.asked(), ["list"]);
    }
}

#[test]
fn index_outside_its_directory() {
    for (shard, is_climbing) in [
        ("../../../config.json", true),
        ("/etc/passwd", true),
        ("a\\\\b", true),
        ("..", true),
        ("two.safetensors", false),
    ] {
        let index = format!(r#"{{"weight_map": {{"a": "{shard}"}}}}"#);
        let server = model()
            .without("model.safetensors")
            .with("model.safetensors.index.json", index)
            .with("one.safetensors", weights("a", 3))
            .serve();
        let error = refusal(&server);
        match error {
            Error::BadIndex { .. } => assert!(is_climbing, "{error}"),
            Error::HubNotFound { .. } => assert!(!is_climbing, "{error}"),
            other => panic!("{other}"),
        }
        let asked = server.asked();
        let mut weights = asked.iter().filter(|file| file.ends_with(".safetensors"));
        assert_eq!(weights.next(), None, "no shard is asked for");
    }
}

#[test]
fn malformed_lists() {
    let file = r#"{"type":"file","path":"config.json","size":2,"oid":"ab"}"#;
    let commit = format!(r#"{{"id":"owner/name","sha":"{COMMIT}"}}"#);
    let html = "<html>sign in to the network</html>";
    for (commit, list) in [
        (html, "[]".to_string()),
        ("{}", "[]".into()),
        (r#"{"id":"owner/name"}"#, "[]".into()),
        (
            r#"{"id":"owner/name","sha":"../../../../etc"}"#,
            "[]".into(),
        ),
        (&commit, html.into()),
        (&commit, "{}".into()),
        (&commit, format!("[{}]", file.replace("2,", "-2,"))),
        (&commit, format!("[{}]", file.replace("\"size\":2,", ""))),
    ] {
        let bodies = [commit.to_string(), list.clone()];
        let server = Server::start(move |request| Answer {
            body: bodies[usize::from(request.path.contains("/tree/"))]
                .clone()
                .into(),
            ..status("200 OK")
        });
        let (_dir, hub) = hub(&server);
        let error = fetch(&hub).unwrap_err();
        assert!(
            matches!(error, Error::HubAnswer { .. }),
            "{commit} {list}: {error}"
        );
        assert!(!cached(&hub).join("blobs").exists());
    }
}
