//! Variables of the environment are a process's: each case runs this test program again.

use std::fmt::Debug;
use std::path::Path;
use std::process::{Command, Output};

use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use vary_core::hub::{Hub, HubModel};

use crate::server::COMMIT;
use crate::support::{model, names};

const CHILD: &str = "VARY_TEST_HUB_MODEL";
const NO_TOKEN: &str = "VARY_TEST_HUB_NO_TOKEN";
/// What `Hub::from_env` reads; none of the caller's may leak in.
const VARIABLES: &[&str] = &[
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HF_HUB_OFFLINE",
    "XDG_CACHE_HOME",
    "HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// Prints this crate's events to the standard error.
struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("vary_core")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut |_: &Field, value: &dyn Debug| eprintln!("{value:?}"));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Not a test of its own: fetches the model that the environment names, if it does, or the one of
/// a hub without token.
#[test]
fn child() {
    let Ok(name) = std::env::var(CHILD) else {
        return;
    };
    tracing::subscriber::set_global_default(Log).unwrap();
    let model = HubModel::new(name);
    let fetched = match (std::env::var(NO_TOKEN), Hub::from_env().unwrap()) {
        (Ok(_), hub) => model.fetch_from(&Hub::new(hub.endpoint, hub.cache_dir)),
        (Err(_), _) => model.fetch(),
    };
    match fetched {
        Ok(dir) => println!("fetched {}", dir.display()),
        Err(error) => println!("failed: {error}"),
    }
}

fn fetch(name: &str, variables: &[(&str, &str)]) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["environment::child", "--exact", "--nocapture"]);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    let Output { stdout, stderr, .. } = command
        .env(CHILD, name)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn variables_of_the_environment() {
    let server = model().serve();
    let dir = tempfile::tempdir().unwrap();
    let (home, cache) = (dir.path().join("home"), dir.path().join("cache"));
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("token"), "hf_file\n").unwrap();
    // With a slash too much.
    let endpoint = format!("{}/", server.endpoint);
    let base = [("HF_ENDPOINT", endpoint.as_str()), ("HF_HOME", text(&home))];
    let token = |server: &crate::server::Server| server.requests()[0].token.clone().unwrap();

    let (out, _) = fetch("owner/name", &base);
    let snapshot = format!("models--owner--name/snapshots/{COMMIT}");
    let expected = |root: &Path| format!("fetched {}", root.join(&snapshot).display());
    assert!(out.contains(&expected(&home.join("hub"))), "{out}");
    assert_eq!(token(&server), "Bearer hf_file");

    let more = [
        ("HF_HUB_CACHE", text(&cache)),
        ("HF_TOKEN", " hf_variable "),
    ];
    let (out, _) = fetch("owner/name", &[&base[..], &more].concat());
    assert!(out.contains(&expected(&cache)), "{out}");
    assert_eq!(token(&server), "Bearer hf_variable");

    let (out, _) = fetch(
        "owner/open",
        &[&base[..], &more, &[(NO_TOKEN, "1")]].concat(),
    );
    assert!(out.contains("fetched"), "{out}");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.token.is_none())
    );

    let offline = [("HF_HUB_OFFLINE", "1")];
    let (out, _) = fetch("owner/name", &[&base[..], &offline].concat());
    assert!(out.contains(&expected(&home.join("hub"))), "{out}");
    let (out, _) = fetch("owner/other", &[&base[..], &offline].concat());
    assert!(
        out.contains("failed: offline") && out.contains("HF_HUB_OFFLINE"),
        "{out}"
    );
    assert!(server.requests().is_empty());

    let xdg = [
        ("HF_ENDPOINT", endpoint.as_str()),
        ("XDG_CACHE_HOME", text(&cache)),
    ];
    let (out, _) = fetch("owner/name", &xdg);
    assert!(
        out.contains(&expected(&cache.join("huggingface/hub"))),
        "{out}"
    );
}

#[test]
fn the_licence_is_named_once() {
    let server = model().serve();
    let dir = tempfile::tempdir().unwrap();
    let base = [
        ("HF_ENDPOINT", server.endpoint.as_str()),
        ("HF_HOME", text(dir.path())),
    ];
    let terms = |name: &str| fetch(name, &base).1.matches("CC BY-NC 4.0").count();
    assert_eq!(terms("Haoran-megvii/Vary-toy"), 1);
    assert_eq!(terms("Haoran-megvii/Vary-toy"), 0);
    // Nothing about other models.
    let (out, err) = fetch("owner/name", &base);
    assert!(out.contains("fetched"), "{out}");
    assert_eq!(err, "");
    let cached = names(&dir.path().join("hub"));
    assert_eq!(
        cached,
        ["models--Haoran-megvii--Vary-toy", "models--owner--name"]
    );
}
