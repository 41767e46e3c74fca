use vary_lm::tokenizer::{Tokenizer, TokenizerBuilder};

/// Fixed text of the Vicuna template, in which Vary-tiny+ is prompted.
const VICUNA: [&str; 6] = [
    "A chat between a curious user and an artificial intelligence assistant.",
    " The assistant gives helpful, detailed, and polite answers to the user's questions.",
    " USER:",
    "USER:",
    " ASSISTANT:",
    "ASSISTANT:",
];

/// Fixed text of the chat template, in which Vary-toy is prompted, and of questions for it alone.
const CHAT: [&str; 8] = [
    "system\nYou should follow the instructions carefully and explain your answers in detail.",
    "user\n",
    "assistant\n",
    "How many ",
    " are in this image?",
    "What is ",
    "What was ",
    "Which ",
];

/// Fixed text of questions and answers.
const PIECES: [&str; 62] = [
    "Detect all objects",
    "Detect an object: ",
    "Detect objects",
    "Detect the ",
    "Detect ",
    "Provide the OCR results",
    "Provide the ocr results",
    "Convert the image to markdown format",
    "Describe the content",
    "Describe the image",
    "Describe this image",
    " of this image",
    " of the ",
    "title",
    "first line",
    "second line",
    "last line",
    "first word",
    "last word",
    "first column",
    "last column",
    "first item",
    "total",
    "button",
    " in this image",
    " in a sentence",
    " with one saying",
    " and ",
    " or ",
    " the ",
    "the ",
    " a ",
    "left ",
    "right ",
    "top ",
    "bottom ",
    "middle ",
    "small ",
    "large ",
    "red ",
    "orange ",
    "yellow ",
    "green ",
    "blue ",
    "purple ",
    "pink ",
    ", ",
    ": [",
    ": ",
    "].",
    "];\n",
    "],\n[",
    "], [",
    ".\n",
    "\n\n",
    "# ",
    "- ",
    "| ",
    " | ",
    " |\n| ",
    "--- | ",
    "--- |\n| ",
];

/// The tokenizer of the first stage, Vary-tiny+, for objects of these classes: each fixed part of
/// prompts and answers is one token. See [`TokenizerBuilder`].
///
/// # Errors
/// Those of [`TokenizerBuilder::build`].
pub fn nano_tokenizer(classes: &[&str]) -> vary_lm::Result<Tokenizer> {
    let builder = TokenizerBuilder::opt().pieces(&VICUNA);
    builder.pieces(&PIECES).classes(classes).build()
}

/// The tokenizer of the second stage, Vary-toy, and of the embedded Vary-nano; otherwise as
/// [`nano_tokenizer`].
///
/// # Errors
/// Those of [`TokenizerBuilder::build`].
pub fn nano_chat_tokenizer(classes: &[&str]) -> vary_lm::Result<Tokenizer> {
    let builder = TokenizerBuilder::qwen().pieces(&CHAT);
    builder.pieces(&PIECES).classes(classes).build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use vary_lm::tokenizer::{IM_END, IM_START};

    use super::*;
    use vary_data::scenes::Atlas;

    fn texts(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
        let ids = tokenizer.encode(text, false).unwrap();
        let decode = |id: &u32| tokenizer.decode(&[*id], false).unwrap();
        ids.iter().map(decode).collect()
    }

    #[test]
    fn embedded_tokenizer_is_that_of_training() {
        let atlas = Atlas::embedded().unwrap();
        let classes: Vec<&str> = atlas.names().iter().map(String::as_str).collect();
        let built = nano_chat_tokenizer(&classes).unwrap();
        let embedded = Tokenizer::from_bytes(vary_nano::TOKENIZER).unwrap();
        assert_eq!(built.to_json().unwrap(), embedded.to_json().unwrap());
    }

    #[test]
    fn prompts_take_few_tokens() {
        let tokenizer = nano_tokenizer(&["car", "traffic light", "C++ book"]).unwrap();
        let prompt = "A chat between a curious user and an artificial intelligence assistant. The \
                      assistant gives helpful, detailed, and polite answers to the user's \
                      questions. USER: <img><imgpad></img>\nDetect car, traffic light and C++ book \
                      in this image ASSISTANT:";
        let expected = [
            " USER:",
            "<img>",
            "<imgpad>",
            "</img>",
            "Detect ",
            "car",
            ", ",
            "traffic light",
            " and ",
            "C++ book",
            " in this image",
            " ASSISTANT:",
        ];
        assert_eq!(texts(&tokenizer, prompt)[2..], expected);
        let all = "Detect all objects in this image";
        assert_eq!(
            texts(&tokenizer, all),
            ["Detect all objects", " in this image"]
        );
    }

    #[test]
    fn chat_turns_take_few_tokens() {
        let tokenizer = nano_chat_tokenizer(&["car"]).unwrap();
        let system = CHAT[0];
        let turn = format!(
            "{IM_START}{system}{IM_END}{IM_START}user\nDetect all objects in this image.{IM_END}\
             {IM_START}assistant\ncar: [001, 002, 003, 004].{IM_END}"
        );
        let expected = [
            IM_START,
            system,
            IM_END,
            IM_START,
            "user\n",
            "Detect all objects",
            " in this image",
            ".",
            IM_END,
            IM_START,
            "assistant\n",
            "car: [",
            "001, ",
            "002, ",
            "003, ",
            "004",
            "].",
            IM_END,
        ];
        assert_eq!(texts(&tokenizer, &turn), expected);
    }
}
