use std::io;
use std::path::PathBuf;

use crate::checkpoint::{IndexReport, LoadReport, NonFinite, Precision, listed};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A directory without weights.
    #[error(
        "{} has no weights: expected one of {}", path.display(), expected.join(", ")
    )]
    NoWeights {
        /// The directory.
        path: PathBuf,
        /// File names that were looked for.
        expected: &'static [&'static str],
    },
    /// A weight file of zero bytes.
    #[error("{} is empty: it was never written or its download failed", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// A file of an unknown format.
    #[error("{} is not a readable checkpoint: {reason}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What it looks like, and what to do.
        reason: &'static str,
    },
    /// A file that ends before the tensors that its header lists.
    #[error(
        "{} is truncated: {needed} bytes needed, {found} found; fetch it again", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the file has to have.
        needed: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// An invalid header.
    #[error("{}: bad header: {reason}", path.display())]
    BadHeader {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A header entry that is inconsistent with itself, another entry or the file.
    #[error("{}: bad entry for tensor `{tensor}`: {reason}", path.display())]
    BadTensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A shard index that can't be read or names a file outside its directory.
    #[error("{}: bad index: {reason}", path.display())]
    BadIndex {
        /// The index file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Shards that the index names and the directory lacks.
    #[error("{} names {} that {} missing; fetch {}", path.display(),
        listed("shard", shards), if shards.len() == 1 { "is" } else { "are" },
        if shards.len() == 1 { "it" } else { "them" })]
    MissingShards {
        /// The index file.
        path: PathBuf,
        /// File names of the missing shards.
        shards: Vec<String>,
    },
    /// Shards whose tensors differ from the index.
    #[error("{} does not match its shards:{report}", path.display())]
    IndexMismatch {
        /// The index file.
        path: PathBuf,
        /// Every difference.
        report: Box<IndexReport>,
    },
    /// A checkpoint of another model.
    #[error("{} does not match the model:{report}", path.display())]
    Mismatch {
        /// The checkpoint.
        path: PathBuf,
        /// Every difference.
        report: Box<LoadReport>,
    },
    /// Weights that are NaN or infinite, or become infinite in the requested type.
    #[error("{}: NaN or infinite values in {}", path.display(), listed("tensor", tensors))]
    NonFinite {
        /// The checkpoint.
        path: PathBuf,
        /// The tensors, with counts.
        tensors: Vec<NonFinite>,
    },
    /// A parameter that the official layout does not support.
    #[error("parameter `{name}` cannot be stored in a checkpoint: {reason}")]
    UnsupportedParameter {
        /// Path of the parameter in the module.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Parameters with the same official name in the key map.
    #[error(
        "the key map maps more than one parameter to {}",
        listed("name", names)
    )]
    AmbiguousKeys {
        /// The names.
        names: Vec<String>,
    },
    /// No tensor of a checkpoint has the requested prefix.
    #[error("{} has no tensor under {}", path.display(), prefixes.join(" or "))]
    NoSuchPrefix {
        /// The checkpoint.
        path: PathBuf,
        /// Prefixes that were looked for.
        prefixes: Vec<String>,
    },
    /// A PyTorch file that can't be read.
    #[error("{}: not a readable PyTorch checkpoint: {reason}", path.display())]
    PyTorch {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A JSON configuration that doesn't have the expected fields.
    #[error("{}: field `{field}`: {reason}", path.display())]
    ConfigField {
        /// The file.
        path: PathBuf,
        /// Path of the field, `.` for the whole file.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A training conversation that doesn't have the form of question and answer.
    #[error("bad conversation: {reason}; questions (human) and answers (gpt) have to alternate")]
    Conversation {
        /// What is wrong with it.
        reason: String,
    },
    /// A configuration whose parts do not fit each other.
    #[error("config: {0}")]
    Config(String),
    /// Knots that are not a [`CalibrationMap`](crate::detection::CalibrationMap).
    #[error(
        "not a calibration map: {0}; calibrate the checkpoint again, or remove `calibration_map`"
    )]
    CalibrationMap(String),
    /// A prompt whose image placeholders do not fit the images or the model.
    #[error(
        "prompt {sample}: {reason}; write `<img>`, the model's number of `<imgpad>` and `</img>` \
         once for each image"
    )]
    ImagePlaceholder {
        /// Number of the prompt in its batch, from 0.
        sample: usize,
        /// What does not fit.
        reason: String,
    },
    /// A token id that the model has no embedding for.
    #[error(
        "token id {id} is outside the model's vocabulary of {vocab}; use the checkpoint's own \
         tokenizer"
    )]
    TokenId {
        /// The id.
        id: u32,
        /// Rows of the model's token table.
        vocab: usize,
    },
    /// A prompt that leaves no room for an answer.
    #[error(
        "the prompt with room for an answer needs at least {needed} tokens, {} more than the {max} \
         of the context; shorten it",
        needed - max
    )]
    ContextLength {
        /// Tokens of the prompt, at least, and one for an answer.
        needed: usize,
        /// Positions of the model.
        max: usize,
    },
    /// A model to be trained, on a device without autodiff.
    #[error(
        "the model is on a device without autodiff, which computes no gradients; load it on \
         `device.autodiff()`"
    )]
    NoAutodiff,
    /// Adapters that can't be read or do not fit the model.
    #[error("{}: {reason}", path.display())]
    Adapters {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A training checkpoint that cannot be resumed.
    #[error("cannot resume from {}: {reason}", path.display())]
    Resume {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A NaN or infinite loss or gradient.
    #[error(
        "step {step}: the loss is {loss}, the gradient norm {grad_norm}; the last checkpoint is \
         kept: check {}, or lower the learning rate",
        listed("sample", samples)
    )]
    Loss {
        /// The optimizer step, from 0.
        step: u64,
        /// The loss.
        loss: f32,
        /// L2 norm of all gradients.
        grad_norm: f32,
        /// The samples whose own loss is NaN or infinite; all of the step if there are none.
        samples: Vec<String>,
    },
    /// A record of a data set that can't be used.
    #[error("{}: record {record}: field `{field}`: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 0.
        record: usize,
        /// Path of the field, `.` for the whole record.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A data set without records.
    #[error("{} has no records to train on", path.display())]
    EmptySet {
        /// The file.
        path: PathBuf,
    },
    /// An image of a data set that can't be read.
    #[error("{origin}: {source}")]
    Image {
        /// File and record that name it.
        origin: String,
        /// Why.
        source: vary_vision::Error,
    },
    /// Training data without tokens to learn.
    #[error(
        "{tries} conversations in a row have nothing to learn, the last: {last}; check their \
         answers and the tokens of a sample"
    )]
    NothingLearned {
        /// Conversations tried.
        tries: u64,
        /// The last one, and why.
        last: String,
    },
    /// An invalid name or revision of a model on a hub.
    #[cfg(feature = "hub")]
    #[error(
        "`{value}` is not the {what} of a model on a hub; write `owner/name` and a branch, tag or \
         commit (letters, digits, `-`, `_` and `.`), or pass a directory"
    )]
    HubName {
        /// `name` or `revision`.
        what: &'static str,
        /// What was given.
        value: String,
    },
    /// An invalid setting of the hub client.
    #[cfg(feature = "hub")]
    #[error("{setting}: {reason}")]
    HubSetting {
        /// The environment variable that sets it.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A hub that doesn't answer.
    #[cfg(feature = "hub")]
    #[error(
        "{endpoint} can't be reached: {reason}; check the network, set HF_ENDPOINT to a mirror, or \
         pass a directory with the model"
    )]
    HubUnreachable {
        /// Address of the hub.
        endpoint: String,
        /// The network's reason.
        reason: String,
    },
    /// A model that the hub doesn't show to everybody.
    #[cfg(feature = "hub")]
    #[error(
        "{endpoint} refuses access to {name} ({status}): it is private, its terms have to be \
         accepted on its page first, or there is no such model; check the name, or set HF_TOKEN to \
         a token that may read it"
    )]
    HubDenied {
        /// Address of the hub.
        endpoint: String,
        /// The model.
        name: String,
        /// The HTTP status, 401 or 403.
        status: u16,
    },
    /// A model, revision or file that the hub doesn't have.
    #[cfg(feature = "hub")]
    #[error("{endpoint} has no {what} of {name}; compare name and revision with the model's page")]
    HubNotFound {
        /// Address of the hub.
        endpoint: String,
        /// The model.
        name: String,
        /// What is missing.
        what: String,
    },
    /// An unexpected response, or a server error of the hub.
    #[cfg(feature = "hub")]
    #[error("{endpoint}: {reason}; try again later, or check that HF_ENDPOINT is a hub")]
    HubAnswer {
        /// Address of the hub.
        endpoint: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// An interrupted download.
    #[cfg(feature = "hub")]
    #[error("the download of {file} was interrupted: {reason}; try again, complete files are kept")]
    HubInterrupted {
        /// The file's name.
        file: String,
        /// The network's reason.
        reason: String,
    },
    /// A download that isn't the file that the hub lists.
    #[cfg(feature = "hub")]
    #[error(
        "the download of {file} is not what the hub lists: {reason}; it was deleted, try again"
    )]
    HubCorrupt {
        /// The file's name.
        file: String,
        /// What differs.
        reason: &'static str,
    },
    /// A model that is not in the cache, in offline mode.
    #[cfg(feature = "hub")]
    #[error(
        "offline, and {} has no {missing} of {name}, revision {revision}; fetch it once without \
         HF_HUB_OFFLINE, or pass a directory with the model",
        path.display()
    )]
    NotCached {
        /// The model.
        name: String,
        /// Its revision.
        revision: String,
        /// The first file that is missing.
        missing: String,
        /// The model's directory in the cache.
        path: PathBuf,
    },
    /// No device was given, and there is no default.
    #[error(
        "no device: {reason}; pass one to the builder, or build vary-core with the feature of a \
         backend such as `flex`"
    )]
    NoDevice {
        /// Why there is no default.
        reason: String,
    },
    /// A precision that the device has no arithmetic for.
    #[error("this device does not compute with {precision} weights; use f32 or bf16")]
    UnsupportedPrecision {
        /// What was asked for.
        precision: Precision,
    },
    /// No weights were given, and none are embedded.
    #[error(
        "no weights: pass a checkpoint directory to the builder (`Weights::dir`), or build \
         vary-core with the feature `nano`"
    )]
    WeightsNotGiven,
    /// A tokenizer of another model.
    #[error(
        "tokenizer and config do not belong together: {reason}; use the files of one checkpoint"
    )]
    TokenizerMismatch {
        /// What contradicts what.
        reason: String,
    },
    /// An empty question.
    #[error("{what} is empty; {fix}")]
    EmptyQuestion {
        /// What is empty.
        what: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// A question, or an answer of a history, with a token in it that separates turns or holds an
    /// image.
    #[error("a question or an earlier answer names the special token `{token}`; leave it out")]
    SpecialToken {
        /// The token.
        token: String,
    },
    /// A question without images.
    #[error("no images: pass at least one")]
    NoImages,
    /// An encoded image that was handed to another pipeline than the one that made it.
    #[error("this image was encoded by another pipeline; encode it with this one")]
    ForeignImage,
    /// A task that the model does not have, or options that do not go together.
    #[error("{what} (docs/checkpoints.md lists what each family has)")]
    Unsupported {
        /// What is not possible, and what is.
        what: &'static str,
    },
    /// A region that is empty or reaches beyond its image.
    #[error("the image has {width} x {height} pixels: {region:?} is empty or not inside of it")]
    Region {
        /// The region.
        region: crate::prompt::Region,
        /// Width of the image.
        width: u32,
        /// Height of the image.
        height: u32,
    },
    /// A stream that was read after its end.
    #[error("the answer has ended: it is in the stream's last event, `Event::Done`")]
    StreamEnded,
    /// The vision side failed: an image or its preprocessing.
    #[error(transparent)]
    Vision(#[from] vary_vision::Error),
    /// The language side failed: tokenizer or generation.
    #[error(transparent)]
    Lm(#[from] vary_lm::Error),
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}
