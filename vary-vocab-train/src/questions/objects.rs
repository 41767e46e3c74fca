use vary_data::scenes::{Scene, SceneObject};

/// The objects of an image, and its width and height in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    /// The objects.
    pub objects: &'a [SceneObject],
    /// Width and height.
    pub size: (u32, u32),
}

impl<'a> From<&'a Scene> for Objects<'a> {
    fn from(scene: &'a Scene) -> Self {
        Self {
            objects: &scene.objects,
            size: scene.image.dimensions(),
        }
    }
}
