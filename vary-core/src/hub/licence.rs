/// Owners under whose names the authors of Vary published their weights.
const OWNERS: &[&str] = &["Haoran-megvii", "HaoranWei", "Ucas-HaoranWei"];

/// The terms of the repository `name`, if it is one of the published Vary checkpoints: those of the
/// README of github.com/Ucas-HaoranWei/Vary-toy. This crate's licence does not cover them.
pub(super) fn terms(name: &str) -> Option<String> {
    let (owner, model) = name.split_once('/')?;
    let is_vary = OWNERS.iter().any(|known| known.eq_ignore_ascii_case(owner))
        && model.to_ascii_lowercase().starts_with("vary");
    is_vary.then(|| {
        format!(
            "{name}: the authors of Vary license their code under Apache-2.0, but data, code and \
             checkpoints are for research use only: CC BY-NC 4.0 (no commercial use), and the \
             terms of Qwen and LLaVA."
        )
    })
}
