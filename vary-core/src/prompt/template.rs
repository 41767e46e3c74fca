use super::{Message, Speaker};

/// What a template writes around the messages of one speaker: `open`, `gap`, message, `end`; only
/// `open` where the message is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Starts a turn, and ends a prompt that this speaker continues.
    pub open: &'static str,
    /// Between `open` and a message.
    pub gap: &'static str,
    /// After a message.
    pub end: &'static str,
}

/// The text around the messages of a conversation, as the released code writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Name of the template in the released code.
    pub name: &'static str,
    /// What comes first: the system text and its end, with example turns where there are any.
    pub header: &'static str,
    /// The user's side.
    pub user: Role,
    /// The model's side; its `end` is what stops a generation.
    pub assistant: Role,
}

macro_rules! vary_system {
    () => {
        "You are vary, a large language and vision assistant trained by Foundation Model Group, \
         Megvii Technology.You are able to understand the visual content that the user provides, \
         and assist the user with a variety of tasks using natural language.Follow the \
         instructions carefully and explain your answers in detail."
    };
}

const MPT_USER: Role = Role {
    open: "<|im_start|>user\n",
    gap: "",
    end: "<|im_end|>",
};
const MPT_ASSISTANT: Role = Role {
    open: "<|im_start|>assistant\n",
    gap: "",
    end: "<|im_end|>",
};
const VICUNA_USER: Role = Role {
    open: "USER:",
    gap: " ",
    end: " ",
};
const VICUNA_ASSISTANT: Role = Role {
    open: "ASSISTANT:",
    gap: " ",
    end: "</s>",
};
const PLAIN_USER: Role = Role {
    open: "Human:",
    gap: " ",
    end: "###",
};
const PLAIN_ASSISTANT: Role = Role {
    open: "Assistant:",
    gap: " ",
    end: "###",
};

impl Template {
    /// `v1`, the form of Vicuna: Vary-tiny+. (The paper prints "ASSITANT"; the code does not.)
    pub const V1: Self = Self {
        name: "v1",
        header: "A chat between a curious user and an artificial intelligence assistant. The \
                 assistant gives helpful, detailed, and polite answers to the user's questions. ",
        user: VICUNA_USER,
        assistant: VICUNA_ASSISTANT,
    };

    /// `mpt`, Vary-toy.
    pub const MPT: Self = Self {
        name: "mpt",
        header: "<|im_start|>system\nYou should follow the instructions carefully and explain \
                 your answers in detail.<|im_end|>",
        user: MPT_USER,
        assistant: MPT_ASSISTANT,
    };

    /// `mpt_eval`: `mpt` without a system text.
    pub const MPT_EVAL: Self = Self {
        name: "mpt_eval",
        header: "",
        ..Self::MPT
    };

    /// `llava_v1`: `v1` with another system text.
    pub const LLAVA_V1: Self = Self {
        name: "llava_v1",
        header: concat!(vary_system!(), " "),
        ..Self::V1
    };

    /// `simple`: roles as plain words.
    pub const SIMPLE: Self = Self {
        name: "simple",
        header: "###\n",
        user: PLAIN_USER,
        assistant: PLAIN_ASSISTANT,
    };

    /// `default`: `simple` with a system text and a greeting.
    pub const DEFAULT: Self = Self {
        name: "default",
        header: concat!(
            vary_system!(),
            "###\nHuman: Hi!###Assistant: Hi there!  How can I help you today?\n###"
        ),
        ..Self::SIMPLE
    };

    /// All templates.
    pub const ALL: [Self; 6] = [
        Self::V1,
        Self::MPT,
        Self::MPT_EVAL,
        Self::LLAVA_V1,
        Self::SIMPLE,
        Self::DEFAULT,
    ];

    /// The template of this name, as in [`Self::name`].
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name == name)
    }

    /// The prompt that asks `question` as the first turn.
    pub fn ask(&self, question: &str) -> String {
        self.prompt([(question, None)])
    }

    /// The text of a conversation: questions with their answers. An answer that is missing or
    /// empty is still to come.
    pub fn prompt<'a>(
        &self,
        turns: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> String {
        let mut text = self.header.to_string();
        for (question, answer) in turns {
            self.push(&mut text, Speaker::Human, question);
            self.push(&mut text, Speaker::Gpt, answer.unwrap_or_default());
        }
        text
    }

    /// The text of messages whose image is `image`, the text of its tokens.
    pub(super) fn render(&self, messages: &[Message], image: &str) -> String {
        let mut text = self.header.to_string();
        for message in messages {
            self.push(&mut text, message.from, &message.text(image));
        }
        text
    }

    pub(super) fn push(&self, text: &mut String, from: Speaker, message: &str) {
        let role = match from {
            Speaker::Human => self.user,
            Speaker::Gpt => self.assistant,
        };
        text.push_str(role.open);
        if !message.is_empty() {
            text.push_str(role.gap);
            text.push_str(message);
            text.push_str(role.end);
        }
    }
}
