//! The commands that a formula may hold.

/// Commands that are one character.
pub(super) const SYMBOLS: &[(&str, char)] = &[
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ϵ'),
    ("varepsilon", 'ε'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("pi", 'π'),
    ("rho", 'ρ'),
    ("sigma", 'σ'),
    ("tau", 'τ'),
    ("upsilon", 'υ'),
    ("phi", 'ϕ'),
    ("varphi", 'φ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
    ("Gamma", 'Γ'),
    ("Delta", 'Δ'),
    ("Theta", 'Θ'),
    ("Lambda", 'Λ'),
    ("Xi", 'Ξ'),
    ("Pi", 'Π'),
    ("Sigma", 'Σ'),
    ("Phi", 'Φ'),
    ("Psi", 'Ψ'),
    ("Omega", 'Ω'),
    ("sum", '∑'),
    ("prod", '∏'),
    ("int", '∫'),
    ("oint", '∮'),
    ("partial", '∂'),
    ("nabla", '∇'),
    ("infty", '∞'),
    ("pm", '±'),
    ("mp", '∓'),
    ("times", '×'),
    ("cdot", '⋅'),
    ("div", '÷'),
    ("circ", '∘'),
    ("ast", '∗'),
    ("le", '≤'),
    ("ge", '≥'),
    ("ne", '≠'),
    ("approx", '≈'),
    ("equiv", '≡'),
    ("sim", '∼'),
    ("propto", '∝'),
    ("ll", '≪'),
    ("gg", '≫'),
    ("in", '∈'),
    ("notin", '∉'),
    ("subset", '⊂'),
    ("subseteq", '⊆'),
    ("cup", '∪'),
    ("cap", '∩'),
    ("emptyset", '∅'),
    ("forall", '∀'),
    ("exists", '∃'),
    ("neg", '¬'),
    ("land", '∧'),
    ("lor", '∨'),
    ("to", '→'),
    ("leftarrow", '←'),
    ("Rightarrow", '⇒'),
    ("Leftrightarrow", '⇔'),
    ("mapsto", '↦'),
    ("ldots", '…'),
    ("cdots", '⋯'),
    ("prime", '′'),
    ("ell", 'ℓ'),
    ("hbar", 'ℏ'),
    ("langle", '⟨'),
    ("rangle", '⟩'),
    ("vert", '|'),
    ("Vert", '‖'),
    ("oplus", '⊕'),
    ("otimes", '⊗'),
    ("perp", '⟂'),
    ("dagger", '†'),
];

/// Other names of the same.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("leq", "le"),
    ("geq", "ge"),
    ("neq", "ne"),
    ("rightarrow", "to"),
    ("dots", "ldots"),
    ("gets", "leftarrow"),
    ("implies", "Rightarrow"),
    ("iff", "Leftrightarrow"),
    ("lvert", "vert"),
    ("rvert", "vert"),
    ("wedge", "land"),
    ("vee", "lor"),
    ("lnot", "neg"),
    ("dfrac", "frac"),
    ("tfrac", "frac"),
    ("mathrm", "text"),
    ("operatorname", "text"),
];

/// Functions, and whether a subscript goes below them.
pub(super) const FUNCTIONS: &[(&str, bool)] = &[
    ("sin", false),
    ("cos", false),
    ("tan", false),
    ("exp", false),
    ("log", false),
    ("ln", false),
    ("arg", false),
    ("dim", false),
    ("det", true),
    ("gcd", true),
    ("inf", true),
    ("lim", true),
    ("max", true),
    ("min", true),
    ("sup", true),
];

/// Accents and alphabets, and their names in typst.
pub(super) const DECORATIONS: &[(&str, &str)] = &[
    ("hat", "hat"),
    ("bar", "macron"),
    ("tilde", "tilde"),
    ("vec", "arrow"),
    ("dot", "dot"),
    ("ddot", "dot.double"),
    ("overline", "overline"),
    ("mathbb", "bb"),
    ("mathcal", "cal"),
    ("mathbf", "bold"),
];

/// The entry of a command.
pub(super) fn symbol(name: &str) -> Option<(&'static str, char)> {
    SYMBOLS.iter().copied().find(|(n, _)| *n == name)
}

/// The command's name under which it is kept.
pub(super) fn canonical(name: &str) -> &str {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    alias.map_or(name, |(_, name)| name)
}

/// The command of a character that is a symbol.
pub(super) fn command(c: char) -> Option<&'static str> {
    SYMBOLS.iter().find(|(_, s)| *s == c).map(|(name, _)| *name)
}
