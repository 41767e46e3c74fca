use super::*;

#[test]
fn merges_and_image_tokens() {
    let (_dir, opt) = tiny_opt();
    assert_eq!(opt.encode("hello", true).unwrap(), [2, 263]);
    assert_eq!(opt.encode("hello", false).unwrap(), [263]);
    assert_eq!(opt.encode("", true).unwrap(), [2]);
    // White space next to image tokens is dropped.
    let text = "hello \n<img>  <imgpad></img>\n hello";
    let ids = opt.encode(text, false).unwrap();
    assert_eq!(ids, [263, 265, 264, 266, 263]);
    assert_eq!(opt.encode("hello </s>", false).unwrap(), [263, 36, 2]);
}

#[test]
fn malformed_opt_files() {
    let (dir, _) = tiny_opt();
    let [vocab, merges] = ["vocab.json", "merges.txt"].map(|f| dir.path().join(f));
    let error = || {
        let result = Tokenizer::from_opt_files(&vocab, &merges);
        result.unwrap_err().to_string()
    };
    std::fs::write(&merges, "#version: 0.2\nh e\nq zz\n").unwrap();
    let text = error();
    assert!(text.contains("merges.txt") && text.contains("zz"), "{text}");
    std::fs::write(&merges, "").unwrap();
    std::fs::write(&vocab, r#"{"a": 0}"#).unwrap();
    assert!(error().contains("</s>"), "{}", error());
    std::fs::write(&vocab, r#"{"a": "#).unwrap();
    assert!(error().contains("vocab.json"), "{}", error());
}
