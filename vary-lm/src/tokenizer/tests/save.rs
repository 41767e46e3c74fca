use std::fs;

use super::*;

/// Saves to `dir`, reads it again and compares all ids and some texts.
fn check(tokenizer: &Tokenizer, dir: &Path) {
    tokenizer.save(dir).unwrap();
    let loaded = Tokenizer::from_dir(dir).unwrap();
    let size = tokenizer.vocab_size() as u32;
    assert_eq!(loaded.vocab_size() as u32, size);
    for id in 0..size {
        let name = tokenizer.inner.id_to_token(id);
        assert!(name.is_some(), "{id}");
        assert_eq!(loaded.inner.id_to_token(id), name);
    }
    for text in [
        "",
        "car: [001, 002, 003, 1000].",
        "hello <img>  <imgpad></img>\n über 12 e\u{301} 😀 </s> hello",
        "the <img>\u{338}<|im_start|>the\r\n  the<|im_end|>\n",
    ] {
        for add_bos in [false, true] {
            let ids = tokenizer.encode(text, add_bos).unwrap();
            assert_eq!(loaded.encode(text, add_bos).unwrap(), ids, "{text:?}");
            for skip in [false, true] {
                let decoded = tokenizer.decode(&ids, skip).unwrap();
                assert_eq!(loaded.decode(&ids, skip).unwrap(), decoded);
            }
        }
    }
    // Saving what was loaded changes nothing more.
    assert_eq!(loaded.to_json().unwrap(), tokenizer.to_json().unwrap());
}

#[test]
fn all_kinds_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let builder = TokenizerBuilder::qwen().classes(&CLASSES);
    check(&built(), &dir.path().join("new/built"));
    check(&builder.build().unwrap(), &dir.path().join("qwen"));
    check(&tiny_opt().1, &dir.path().join("opt"));
    // 300 are all bytes and a few of two; more gives printable pairs such as "th".
    for ranks in [300, 0x1_0100] {
        let tiktoken = Tokenizer::from_tiktoken_bytes(synthetic_tiktoken(ranks)).unwrap();
        check(&tiktoken, &dir.path().join("tiktoken"));
    }
}

#[test]
fn saved_file_comes_first() {
    let (dir, opt) = tiny_opt();
    for name in ["one.tiktoken", "two.tiktoken"] {
        fs::write(dir.path().join(name), synthetic_tiktoken(300)).unwrap();
    }
    check(&built(), dir.path());
    check(&opt, dir.path());
    // Nothing temporary is left.
    let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 5);
    names.retain(|e| e.as_ref().unwrap().file_name() == "tokenizer.json");
    assert_eq!(names.len(), 1);
}

#[test]
fn failed_save_keeps_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = built().save(&file).unwrap_err();
    assert!(matches!(error, Error::Io { path, .. } if path == file));
    // A directory has the name of the file.
    let taken = dir.path().join("tokenizer.json");
    fs::create_dir_all(taken.join("old")).unwrap();
    let error = built().save(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Io { path, .. } if path == taken));
    assert!(taken.join("old").is_dir());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn saved_file_is_small() {
    let classes: Vec<String> = (0..60).map(|i| format!("object number {i}")).collect();
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    let tokenizer = TokenizerBuilder::opt().classes(&classes).build().unwrap();
    let len = tokenizer.to_json().unwrap().len();
    assert!(len < 150_000, "{len} bytes");
}
