use std::path::Path;

use burn::prelude::*;
use vary_vision::vocab::{self, VisionVocabulary, VisionVocabularyConfig};

use super::{FamilyConfig, FamilyModel, FamilyVisitor, ModelConfig, config_dir};
use crate::Result;
use crate::checkpoint::{self, CheckpointFiles, KeyMap, SaveOptions};

fn key_map() -> KeyMap {
    KeyMap::new().part("", &[""], vocab::KEYS)
}

/// Reads a vision vocabulary: out of a checkpoint of any family, or one that [`write_vocabulary`]
/// wrote alone. The paper makes it with Vary-tiny+ and uses it in Vary-toy (arXiv 2401.12503,
/// section 3).
///
/// # Errors
/// Whatever is wrong with the files, the configuration, or their fit; see
/// [`Error`](crate::Error).
pub fn read_vocabulary(
    path: impl AsRef<Path>,
    device: &Device,
) -> Result<(VisionVocabulary, VisionVocabularyConfig)> {
    let path = path.as_ref();
    let dir = config_dir(path);
    let files = CheckpointFiles::open(path)?;
    let alone = files.shapes().any(|(name, _)| name == "pos_embed");
    if !alone {
        return vocabulary_of(&ModelConfig::read(dir)?, &files, device);
    }
    let config: VisionVocabularyConfig = checkpoint::read_config_json(dir)?;
    config.validate()?;
    let tower = checkpoint::load(config.init(device), &files, &key_map())?;
    Ok((tower, config))
}

/// The vision vocabulary of an opened checkpoint of any family.
///
/// # Errors
/// As [`read_vocabulary`].
pub fn vocabulary_of(
    config: &ModelConfig,
    files: &CheckpointFiles,
    device: &Device,
) -> Result<(VisionVocabulary, VisionVocabularyConfig)> {
    struct Reader<'a>(&'a CheckpointFiles, &'a Device);
    impl FamilyVisitor for Reader<'_> {
        type Output = Result<VisionVocabulary>;

        fn visit<C: FamilyConfig>(self, config: &C) -> Self::Output {
            let Self(files, device) = self;
            config.validate()?;
            let tower = config.info().sam_config.init(device);
            let field = C::Model::VISION_VOCABULARY;
            // Its parameters are never drawn: the names are all that it is made for.
            let names = config.init(device).key_map();
            checkpoint::load_part(tower, files, &names, field)
        }
    }
    let tower = config.visit(Reader(files, device))?;
    Ok((tower, config.info().sam_config.clone()))
}

/// Writes a vision vocabulary alone: `config.json`, and `model.safetensors` with the names of SAM's
/// image encoder.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) naming the file.
pub fn write_vocabulary(
    tower: &VisionVocabulary,
    config: &VisionVocabularyConfig,
    dir: impl AsRef<Path>,
    options: &SaveOptions,
) -> Result<()> {
    checkpoint::save_dir(tower, &key_map(), config, dir.as_ref(), options)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::{GotLayout, GotOcr2Config, VaryTinyConfig};

    fn positions(tower: &VisionVocabulary) -> Vec<f32> {
        tower.pos_embed.val().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn vocabulary_round_trip() {
        let (whole, alone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let device = Device::flex();
        let config = VaryTinyConfig::tiny(64);
        let options = SaveOptions::default();
        let model = config.init(&device);
        model.save(&config, whole.path(), &options).unwrap();

        let (tower, sam_config) = read_vocabulary(whole.path(), &device).unwrap();
        assert_eq!(sam_config, config.sam_config);
        write_vocabulary(&tower, &sam_config, alone.path(), &options).unwrap();
        let (again, config) = read_vocabulary(alone.path(), &device).unwrap();
        assert_eq!(config, sam_config);
        assert_eq!(positions(&again), positions(&tower));
        assert_eq!(positions(&again), positions(&model.vision_tower));
        let names = CheckpointFiles::open(alone.path()).unwrap();
        assert!(names.shapes().any(|(name, _)| name == "neck.0.weight"));
    }

    #[test]
    fn vocabulary_of_either_layout() {
        let device = Device::flex();
        let config = GotOcr2Config::tiny(64);
        let model = config.init(&device);
        let expected = positions(&model.vision_tower_high);
        for layout in [GotLayout::Original, GotLayout::Transformers] {
            let dir = tempfile::tempdir().unwrap();
            let model = model.clone().with_layout(layout);
            model
                .save(&config, dir.path(), &SaveOptions::default())
                .unwrap();
            let (tower, sam_config) = read_vocabulary(dir.path(), &device).unwrap();
            assert_eq!(sam_config, config.sam_config);
            assert_eq!(positions(&tower), expected, "{layout:?}");
            let kernel = |tower: &VisionVocabulary| tower.net_3.weight.val().into_data();
            assert_eq!(kernel(&tower), kernel(&model.vision_tower_high));
        }
    }

    #[test]
    fn layout_that_can_not_hold_the_sizes() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = GotOcr2Config::tiny(64);
        config.sam_config.net_2_chans += 1;
        let model = config.init(&Device::flex());
        let model = model.with_layout(GotLayout::Transformers);
        let error = model.save(&config, dir.path(), &SaveOptions::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("layout of transformers"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn checkpoint_without_vocabulary() {
        let dir = tempfile::tempdir().unwrap();
        let device = Device::flex();
        let config = VaryTinyConfig::tiny(64);
        config
            .init(&device)
            .save(&config, dir.path(), &SaveOptions::default())
            .unwrap();
        let lm = burn::nn::LinearConfig::new(2, 2).init(&device);
        let path = dir.path().join("model.safetensors");
        checkpoint::save(&lm, &KeyMap::new(), &path, &SaveOptions::default()).unwrap();
        let error = read_vocabulary(dir.path(), &device).unwrap_err();
        assert!(error.to_string().contains("vision_tower"), "{error}");
    }
}
