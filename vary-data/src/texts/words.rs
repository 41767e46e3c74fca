//! The words of texts.

use crate::random::Random;

use super::fonts::CHARACTERS;

const WORDS: &str = include_str!("../../assets/words.txt");
const MORE_WORDS: &str = include_str!("../../assets/more-words.txt");
const NAMES: &str = include_str!("../../assets/names.txt");
const SHORT: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "he", "I", "if",
    "in", "is", "it", "no", "not", "of", "on", "or", "she", "so", "that", "the", "their", "they",
    "this", "to", "up", "was", "we", "with", "you",
];
const MONTHS: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec",
];
const DAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const UNITS: &[&str] = &[
    "kg", "g", "ml", "l", "km", "cm", "mm", "h", "min", "GB", "V", "W",
];
const DIGITS: &str = "0123456789";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Source of words.
pub(super) struct Words {
    common: Vec<&'static str>,
    /// As often as the common ones, each of them less; empty for none.
    more: Vec<&'static str>,
    names: Vec<&'static str>,
}

impl Words {
    pub(super) fn embedded() -> Self {
        Self {
            common: WORDS.lines().collect(),
            more: Vec::new(),
            names: NAMES.lines().collect(),
        }
    }

    /// These and seven times as many words, so that letters have to be read and not words guessed.
    pub(super) fn more() -> Self {
        Self {
            more: MORE_WORDS.lines().collect(),
            ..Self::embedded()
        }
    }

    /// A word of small letters.
    pub(super) fn common(&self, rng: &mut Random) -> String {
        let more = !self.more.is_empty() && rng.chance(0.5);
        rng.pick(if more { &self.more } else { &self.common })
            .into()
    }

    /// A word, mostly of small letters, with at most 12 letters.
    pub(super) fn word(&self, rng: &mut Random) -> String {
        let word = match rng.below(20) {
            0..13 => self.common(rng),
            13..16 => self.name(rng),
            16 => rng.pick(SHORT).into(),
            _ => invented(rng),
        };
        match rng.below(20) {
            0..3 => word.to_ascii_uppercase(),
            3..7 => capitalised(&word),
            7 => mixed(&word, rng),
            _ => word,
        }
    }

    /// A name of a person or place.
    pub(super) fn name(&self, rng: &mut Random) -> String {
        rng.pick(&self.names).into()
    }

    /// A word, number, date, code or anything else without blanks.
    pub(super) fn token(&self, rng: &mut Random) -> String {
        match rng.below(100) {
            0..54 => self.word(rng),
            54..60 => number(rng),
            60..66 => price(rng),
            66..70 => date(rng),
            70..73 => time(rng),
            73..76 => percentage(rng),
            76..80 => code(rng),
            80..83 => phone(rng),
            83..86 => self.address(rng),
            86..90 => random_signs(rng),
            _ => self.marked(rng),
        }
    }

    /// Tokens with blanks between them, at most `most` characters; `most` is at least 1.
    pub(super) fn line(&self, most: usize, rng: &mut Random) -> String {
        let mut line = String::new();
        for _ in 0..6 {
            let token = match rng.below(8) {
                0..5 => self.word(rng),
                5 => rng.pick(SHORT).into(),
                _ => self.token(rng),
            };
            if line.is_empty() && token.len() <= most {
                line = token;
            } else if !line.is_empty() && line.len() + 1 + token.len() <= most {
                line.push(' ');
                line.push_str(&token);
            }
        }
        if line.is_empty() {
            digits(most.min(3), rng)
        } else {
            line
        }
    }

    /// One to three words with a capital, as in headings, at most `most` characters.
    pub(super) fn title(&self, most: usize, rng: &mut Random) -> String {
        let (upper, each) = (rng.chance(0.3), rng.chance(0.5));
        let mut title = String::new();
        for i in 0..1 + rng.below(3) {
            let mut word = if rng.chance(0.15) {
                self.name(rng)
            } else {
                self.common(rng)
            };
            if i == 0 || each {
                word = capitalised(&word);
            }
            if upper {
                word = word.to_ascii_uppercase();
            }
            if title.is_empty() && word.len() <= most {
                title = word;
            } else if !title.is_empty() && title.len() + 1 + word.len() <= most {
                title.push(' ');
                title.push_str(&word);
            }
        }
        if title.is_empty() {
            format!("No. {}", 1 + rng.below(9))
        } else {
            title
        }
    }

    /// Words of sentences, at most `most` characters in all.
    pub(super) fn prose(&self, most: usize, rng: &mut Random) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let (mut length, mut starts) = (0, true);
        loop {
            let mut word = match rng.below(20) {
                0..7 => rng.pick(SHORT).into(),
                7..15 => self.common(rng),
                15 => self.name(rng),
                16 => invented(rng),
                _ => self.token(rng),
            };
            if starts {
                word = capitalised(&word);
            }
            starts = false;
            // No sign after a sign, as in "5%,".
            if word.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                match rng.below(16) {
                    0 => word.push(','),
                    1 | 2 => {
                        word.push(*pick(&['.', '.', '.', '.', '!', '?'], rng));
                        starts = true;
                    }
                    3 if rng.chance(0.3) => word.push(*pick(&[':', ';'], rng)),
                    _ => {}
                }
            }
            length += word.len() + 1;
            if length > most + 1 {
                return words;
            }
            words.push(word);
        }
    }

    /// As an e-mail or web address.
    fn address(&self, rng: &mut Random) -> String {
        let (name, host) = (self.name(rng).to_ascii_lowercase(), self.common(rng));
        let name: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        let host: String = host.chars().take(6).collect();
        let end = rng.pick(&["com", "org", "net", "de", "io", "uk"]);
        match rng.below(3) {
            0 => format!("www.{host}.{end}"),
            1 => format!("{host}.{end}/{}", number(rng)),
            _ => format!("{name}@{host}.{end}"),
        }
    }

    /// A word with signs.
    fn marked(&self, rng: &mut Random) -> String {
        let word = self.common(rng);
        let short: String = word.chars().take(4).collect();
        let (a, b) = (1 + rng.below(99), 1 + rng.below(99));
        match rng.below(24) {
            0 => format!("\"{word}\""),
            1 => format!("'{word}'"),
            2 => format!("({word})"),
            3 => format!("[{a}]"),
            4 => format!("{{{short}}}"),
            5 => format!("<{short}>"),
            6 => format!("{short}_{a}"),
            7 => format!("#{a}"),
            8 => format!("@{word}"),
            9 => format!("{a}+{b}={}", a + b),
            10 => format!("{a}*{b}"),
            11 => format!("~{a}"),
            12 => format!("{short}^2"),
            13 => format!("`{short}`"),
            14 => format!("C:\\{short}"),
            15 => format!("{a}|{b}"),
            16 => format!(
                "{short}/{}",
                self.common(rng).chars().take(4).collect::<String>()
            ),
            17 => format!("{}&{}", capital(rng), capital(rng)),
            18 => format!("{word}?"),
            19 => format!("{word}!"),
            20 => format!("{word};"),
            21 => format!("{word}:"),
            22 => format!("{a}>{b}"),
            _ => format!("${a}"),
        }
    }
}

/// A cell or line item: amount of money, as `12.50` or `$3.99`.
pub(super) fn price(rng: &mut Random) -> String {
    let (whole, cents) = (amount(rng), rng.below(100));
    match rng.below(8) {
        0 => format!("${whole}.{cents:02}"),
        1 => format!("{whole},{cents:02}"),
        2 => format!("{whole}.-"),
        3 => format!("{whole}.{}0", rng.below(10)),
        _ => format!("{whole}.{cents:02}"),
    }
}

pub(super) fn number(rng: &mut Random) -> String {
    match rng.below(6) {
        0 => format!("{}.{}", amount(rng), rng.below(10)),
        1 => format!("-{}", amount(rng)),
        2 => format!("{},{:03}", 1 + rng.below(99), rng.below(1000)),
        3 => format!("{}{}", amount(rng), rng.pick(UNITS)),
        _ => {
            let count = 1 + rng.below(5);
            digits(count, rng)
        }
    }
}

pub(super) fn percentage(rng: &mut Random) -> String {
    match rng.below(3) {
        0 => format!("{}.{}%", rng.below(100), rng.below(10)),
        1 => format!("+{}%", 1 + rng.below(60)),
        _ => format!("{}%", rng.below(101)),
    }
}

pub(super) fn date(rng: &mut Random) -> String {
    let (day, month, year) = (1 + rng.below(28), 1 + rng.below(12), 1950 + rng.below(100));
    match rng.below(6) {
        0 => format!("{year}-{month:02}-{day:02}"),
        1 => format!("{day:02}.{month:02}.{year}"),
        2 => format!("{day:02}/{month:02}/{:02}", year % 100),
        3 => format!("{year}"),
        4 => format!("{day}-{}", MONTHS[month - 1]),
        _ => format!("{}{day}", MONTHS[month - 1]),
    }
}

pub(super) fn time(rng: &mut Random) -> String {
    let minute = rng.below(60);
    match rng.below(4) {
        0 => format!(
            "{}:{minute:02}{}",
            1 + rng.below(12),
            rng.pick(&["am", "pm"])
        ),
        1 => format!("{:02}:{minute:02}:{:02}", rng.below(24), rng.below(60)),
        _ => format!("{:02}:{minute:02}", rng.below(24)),
    }
}

/// As a part number or booking code.
pub(super) fn code(rng: &mut Random) -> String {
    let letters =
        |count: usize, rng: &mut Random| -> String { (0..count).map(|_| capital(rng)).collect() };
    match rng.below(4) {
        0 => format!("{}-{}", letters(2, rng), digits(4, rng)),
        1 => format!("{}{}", letters(1, rng), digits(3, rng)),
        2 => format!("{}{}{}", letters(2, rng), digits(2, rng), letters(2, rng)),
        _ => {
            let both: Vec<char> = DIGITS.chars().chain(CAPITALS.chars()).collect();
            (0..6).map(|_| *pick(&both, rng)).collect()
        }
    }
}

/// A day of the week by its number from any Monday on.
pub(super) fn days(number: usize) -> &'static str {
    DAYS[number % DAYS.len()]
}

/// A month by its number from any January on.
pub(super) fn months(number: usize) -> &'static str {
    MONTHS[number % MONTHS.len()]
}

pub(super) fn day(rng: &mut Random) -> String {
    rng.pick(DAYS).into()
}

fn phone(rng: &mut Random) -> String {
    match rng.below(3) {
        0 => format!(
            "+{}-{}-{}",
            1 + rng.below(98),
            digits(3, rng),
            digits(4, rng)
        ),
        1 => format!("({}){}", digits(3, rng), digits(5, rng)),
        _ => format!("{}-{}", digits(3, rng), digits(4, rng)),
    }
}

/// Two to six characters of all kinds, so that each is seen now and then.
fn random_signs(rng: &mut Random) -> String {
    let all: Vec<char> = CHARACTERS.skip(1).collect();
    (0..2 + rng.below(5)).map(|_| *pick(&all, rng)).collect()
}

/// A word that no dictionary has, from syllables.
fn invented(rng: &mut Random) -> String {
    const STARTS: &[&str] = &[
        "b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "h", "j", "k", "l", "m", "n", "p", "pl",
        "qu", "r", "s", "st", "t", "tr", "v", "w", "x", "y", "z", "",
    ];
    const HEARTS: &[&str] = &["a", "e", "i", "o", "u", "ai", "ea", "oo", "y"];
    const ENDS: &[&str] = &[
        "", "", "", "n", "r", "s", "t", "l", "m", "x", "ck", "nd", "ng", "z",
    ];
    (0..1 + rng.below(3))
        .map(|_| [rng.pick(STARTS), rng.pick(HEARTS), rng.pick(ENDS)].concat())
        .collect()
}

pub(super) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| {
        c.to_ascii_uppercase().to_string() + chars.as_str()
    })
}

/// Each letter upper or lower case at random.
fn mixed(word: &str, rng: &mut Random) -> String {
    let flip = |c: char| {
        if rng.chance(0.4) {
            c.to_ascii_uppercase()
        } else {
            c
        }
    };
    word.chars().map(flip).collect()
}

/// A whole number from 1 to 999; small ones more often.
pub(super) fn amount(rng: &mut Random) -> usize {
    let limit = *pick(&[9, 99, 999], rng);
    1 + rng.below(limit)
}

fn digits(count: usize, rng: &mut Random) -> String {
    (0..count)
        .map(|_| char::from(b'0' + rng.below(10) as u8))
        .collect()
}

fn capital(rng: &mut Random) -> char {
    char::from(b'A' + rng.below(26) as u8)
}

fn pick<'a, T>(list: &'a [T], rng: &mut Random) -> &'a T {
    &list[rng.below(list.len())]
}
