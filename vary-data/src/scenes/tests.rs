#![allow(clippy::unwrap_used)]

use super::*;

fn atlas() -> Atlas {
    Atlas::embedded().unwrap()
}

#[test]
fn scenes_are_reproducible() {
    let (config, atlas) = (SceneConfig::default(), atlas());
    let scene = draw(&config, &atlas, 1, 3);
    assert_eq!(draw(&config, &atlas, 1, 3), scene);
    assert_ne!(draw(&config, &atlas, 1, 4), scene);
    assert_ne!(draw(&config, &atlas, 2, 3), scene);
    assert_ne!(draw(&config, &atlas, 3, 1), scene);
}

#[test]
fn batch_equals_single_scenes() {
    let (config, atlas) = (SceneConfig::default(), atlas());
    let batch = draw_batch(&config, &atlas, 1, 10..74);
    assert_eq!(batch.len(), 64);
    for (index, scene) in (10..).zip(&batch) {
        assert_eq!(*scene, draw(&config, &atlas, 1, index));
    }
}

/// A change of the scenes voids every recorded training run: it must be meant. The sum is also
/// the same in debug and release and on every machine.
#[test]
fn scenes_have_version_2() {
    let (config, atlas) = (SceneConfig::default(), atlas());
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for scene in draw_batch(&config, &atlas, 1, 0..64) {
        for &byte in scene.image.as_raw() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    assert_eq!(sum, 0x95f2_ec7c_3914_fa80, "{sum:#x}");
}

#[test]
fn objects_are_in_range() {
    let config = SceneConfig {
        size: 96,
        min_objects: 2,
        max_objects: 5,
        ..Default::default()
    };
    let atlas = atlas();
    let (mut counts, mut classes) = ([0; 6], vec![0; atlas.names().len()]);
    for Scene { image, objects } in draw_batch(&config, &atlas, 2, 0..4000) {
        assert_eq!(image.dimensions(), (96, 96));
        counts[objects.len()] += 1;
        for SceneObject {
            class,
            bbox: [x1, y1, x2, y2],
            ..
        } in objects
        {
            classes[class] += 1;
            assert!(0.0 <= x1 && x1 < x2 && x2 <= 96.0, "{x1}..{x2}");
            assert!(0.0 <= y1 && y1 < y2 && y2 <= 96.0, "{y1}..{y2}");
            // At a turn of 20 degrees the box of a square grows by cos + sin < 1.29.
            let longest = (x2 - x1).max(y2 - y1);
            assert!(
                (0.7 * 0.12 * 96.0 - 2.0..=1.29 * 0.5 * 96.0 + 2.0).contains(&longest),
                "{longest}"
            );
        }
    }
    assert_eq!(counts[0] + counts[1], 0);
    assert!(counts[2..].iter().all(|&n| n > 600), "{counts:?}");
    let mean = classes.iter().sum::<usize>() as f32 / classes.len() as f32;
    assert!(
        classes
            .iter()
            .all(|&n| (n as f32 - mean).abs() < 0.4 * mean),
        "{classes:?}"
    );
}

#[test]
fn repeats_as_often_as_configured() {
    let atlas = atlas();
    for (repeat, low, high) in [(0.0, 0, 0), (0.25, 200, 300), (1.0, 1000, 1000)] {
        let config = SceneConfig {
            min_objects: 2,
            max_objects: 2,
            max_share: 0.2,
            repeat,
            ..Default::default()
        };
        let scenes = draw_batch(&config, &atlas, 4, 0..1000);
        let same = scenes
            .iter()
            .filter(|s| s.objects[0].class == s.objects[1].class)
            .count();
        assert!((low..=high).contains(&same), "{same} of 1000 at {repeat}");
    }
}

#[test]
fn extreme_settings_draw() {
    let atlas = atlas();
    let tiny = SceneConfig {
        size: 16,
        min_share: 0.02,
        noise: 1.0,
        ..Default::default()
    };
    let full = SceneConfig {
        max_objects: 200,
        max_overlap: 1.0,
        min_share: 1.0,
        max_share: 1.0,
        rotation: 180.0,
        aspect_jitter: 0.5,
        blur: 0.33,
        flip: true,
        ..Default::default()
    };
    for config in [tiny, full] {
        config.validate().unwrap();
        assert_eq!(draw_batch(&config, &atlas, 1, 0..20).len(), 20);
    }
}

#[test]
fn crowds_are_a_quarter() {
    let (config, atlas) = (SceneConfig::default(), atlas());
    let scenes = draw_batch(&config, &atlas, 5, 0..800);
    let crowds = scenes.iter().filter(|s| s.objects.len() > 10).count();
    assert!((150..=250).contains(&crowds), "{crowds} of 800");
    let most = scenes.iter().map(|s| s.objects.len()).max();
    assert_eq!(most, Some(40));
    assert!(scenes.iter().any(|s| s.objects.len() == 1));
    for object in scenes
        .iter()
        .filter(|s| s.objects.len() > 10)
        .flat_map(|s| &s.objects)
    {
        let [x1, y1, x2, y2] = object.bbox;
        assert!((x2 - x1).max(y2 - y1) <= 1.29 * 0.2 * 192.0 + 2.0);
    }
}

#[test]
fn colours_need_recolourable_classes() {
    let (config, atlas) = (SceneConfig::default(), atlas());
    let (mut coloured, mut all) = ([0; 7], 0);
    for object in draw_batch(&config, &atlas, 6, 0..400)
        .iter()
        .flat_map(|s| &s.objects)
    {
        let recolourable = atlas.recolourable(object.class);
        all += usize::from(recolourable);
        if let Some(colour) = object.colour {
            assert!(recolourable);
            coloured[colour as usize] += 1;
        }
    }
    let share = coloured.iter().sum::<usize>() as f32 / all as f32;
    assert!((0.63..=0.77).contains(&share), "{share}");
    assert!(coloured.iter().all(|&n| n > 30), "{coloured:?}");
}
