use std::net::TcpListener;

use vary_core::Error;
use vary_core::hub::{Hub, HubModel};

use crate::server::{Answer, Server, status};
use crate::support::{NAME, cached, fetch, hub, model, refusal, weights};

#[test]
fn names_that_no_hub_has_are_refused_without_asking() {
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
        let model = HubModel {
            revision: revision.into(),
            ..HubModel::new(NAME)
        };
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
fn a_hub_that_is_not_there_is_named() {
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
fn settings_that_cannot_work_are_named() {
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
fn statuses_are_told_apart() {
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
fn a_repository_without_a_part_of_a_model_says_which() {
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
fn an_index_cannot_leave_the_directory_or_name_what_is_not_there() {
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
fn lists_that_lie_are_refused() {
    let file = r#"{"rfilename":"config.json","size":2,"blobId":"ab"}"#;
    let rest = r#"{"rfilename":"tokenizer.json"},{"rfilename":"model.safetensors"}"#;
    let list = |sha: &str, file: &str| format!(r#"{{"sha":"{sha}","siblings":[{file},{rest}]}}"#);
    let commit = "a".repeat(40);
    for body in [
        "<html>sign in to the network</html>".to_string(),
        "{}".into(),
        list("../../../../etc", file),
        list("", file),
        list(&commit, &file.replace("ab", "../../ab")),
        list(&commit, &file.replace("ab", "")),
        list(&commit, &file.replace("2,", "-2,")),
        list(&commit, &file.replace("\"size\":2,", "")),
        list(
            &commit,
            r#"{"rfilename":"config.json","lfs":{"sha256":"..","size":2}}"#,
        ),
    ] {
        let body_of = body.clone();
        let server = Server::start(move |_| Answer {
            body: body_of.clone().into_bytes(),
            ..status("200 OK")
        });
        let (_dir, hub) = hub(&server);
        let error = fetch(&hub).unwrap_err();
        assert!(matches!(error, Error::HubAnswer { .. }), "{body}: {error}");
        assert!(!cached(&hub).join("blobs").exists());
    }
}
