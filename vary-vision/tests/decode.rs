//! Valid images of every format, and damaged ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;

use image::{DynamicImage, ImageBuffer, ImageFormat, RgbImage};
use vary_vision::Error;
use vary_vision::preprocess::{DecodeOptions, decode, open, to_rgb};

fn drawn(width: u32, height: u32) -> RgbImage {
    // Hash-like values: every row of the compressed data matters.
    RgbImage::from_fn(width, height, |x, y| {
        let seed = (x * 7919 + y * 104_729 + 1).wrapping_mul(2_654_435_761);
        image::Rgb([(seed >> 8) as u8, (seed >> 16) as u8, (seed >> 24) as u8])
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn read(bytes: &[u8]) -> vary_vision::Result<RgbImage> {
    decode(bytes, &DecodeOptions::default())
}

fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    [
        &(data.len() as u32).to_be_bytes(),
        body.as_slice(),
        &crc(&body).to_be_bytes(),
    ]
    .concat()
}

/// A PNG of a few rows that were not compressed, with `extra` chunks in between.
fn png(width: u32, height: u32, depth: u8, colour: u8, extra: &[Vec<u8>], rows: &[u8]) -> Vec<u8> {
    let header = [
        &width.to_be_bytes(),
        &height.to_be_bytes(),
        [depth, colour, 0, 0, 0].as_slice(),
    ]
    .concat();
    let len = rows.len() as u16;
    let adler = rows.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (a + b) % 65521)
    });
    let data = [
        &[0x78, 0x01, 1],
        len.to_le_bytes().as_slice(),
        &(!len).to_le_bytes(),
        rows,
        &(adler.1 << 16 | adler.0).to_be_bytes(),
    ]
    .concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        extra.concat(),
        chunk(b"IDAT", &data),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn missing_file_is_named() {
    let error = open("no/such.png", &DecodeOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("no/such.png"), "{error}");
}

#[test]
fn empty_and_foreign_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.png");
    let open = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        open(&path, &DecodeOptions::default()).unwrap_err()
    };
    let error = open(b"");
    assert!(matches!(error, Error::EmptyFile { .. }), "{error}");
    assert!(error.to_string().contains("page.png"), "{error}");

    let text = "# A readme\n".repeat(50);
    let error = open(text.as_bytes());
    assert!(matches!(&error, Error::NotAnImage { len, .. } if *len == text.len() as u64));
    assert!(error.to_string().contains(r"# A readme\n# A r"), "{error}");

    assert!(matches!(read(b"").unwrap_err(), Error::EmptyFile { .. }));
    assert!(matches!(
        read(b"text").unwrap_err(),
        Error::NotAnImage { len: 4, .. }
    ));
}

#[test]
fn unsupported_format() {
    let error = read(b"II*\0\x08\0\0\0\0\0\0\0\0\0").unwrap_err();
    assert!(matches!(error, Error::UnsupportedImage { .. }), "{error}");
}

#[test]
fn truncated_images_are_errors() {
    let image = DynamicImage::ImageRgb8(drawn(37, 23));
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Gif,
    ] {
        let bytes = encoded(&image, format);
        let whole = read(&bytes).unwrap();
        let mut complete = None;
        for len in 1..bytes.len() {
            match read(&bytes[..len]) {
                // Only what follows the last pixel may be missing, and then nothing is lost.
                Ok(cut) => {
                    assert!(
                        cut == whole,
                        "{format:?} cut to {len} of {} differs",
                        bytes.len()
                    );
                    complete.get_or_insert(len);
                }
                Err(Error::BrokenImage { .. } | Error::NotAnImage { .. }) => {
                    assert_eq!(
                        complete, None,
                        "{format:?}: {len} fails, fewer bytes do not"
                    );
                }
                Err(error) => panic!("{format:?} cut to {len}: {error}"),
            }
        }
        let spare = complete.map_or(0, |len| bytes.len() - len);
        println!(
            "{format:?}: {spare} of {} bytes are not needed",
            bytes.len()
        );
        // PNG: checksums and the IEND chunk. JPEG: nothing, as in the original.
        assert!(
            spare <= if format == ImageFormat::Jpeg { 0 } else { 24 },
            "{format:?}: {spare}"
        );
    }
}

#[test]
fn truncated_jpeg_with_thumbnail() {
    let whole = encoded(&DynamicImage::ImageRgb8(drawn(16, 16)), ImageFormat::Jpeg);
    let mut app = vec![0xFF, 0xE5];
    app.extend((whole.len() as u16 + 2).to_be_bytes());
    app.extend(&whole);
    let with_thumbnail = [&whole[..2], &app, &whole[2..]].concat();
    assert!(read(&with_thumbnail).unwrap() == read(&whole).unwrap());
    let cut = &with_thumbnail[..with_thumbnail.len() - 30];
    assert!(matches!(read(cut).unwrap_err(), Error::BrokenImage { .. }));
}

#[test]
fn damaged_data_never_panics() {
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let bytes = encoded(&DynamicImage::ImageRgb8(drawn(9, 6)), format);
        let options = DecodeOptions {
            max_pixels: 10_000,
            ..DecodeOptions::default()
        };
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                decode(&damaged, &options).ok();
            }
        }
    }
}

#[test]
fn pixel_limit_before_decoding() {
    // 1.6 gigapixels are claimed, three bytes are there.
    let error = read(&png(40_000, 40_000, 8, 2, &[], &[0, 1, 2])).unwrap_err();
    let Error::TooManyPixels {
        width: 40_000,
        height: 40_000,
        limit,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*limit, 100_000_000);
    assert!(error.to_string().contains("max_pixels"), "{error}");

    let bytes = encoded(&DynamicImage::ImageRgb8(drawn(20, 10)), ImageFormat::Jpeg);
    let limited = |max_pixels| {
        decode(
            &bytes,
            &DecodeOptions {
                max_pixels,
                ..DecodeOptions::default()
            },
        )
    };
    assert!(matches!(
        limited(199).unwrap_err(),
        Error::TooManyPixels { limit: 199, .. }
    ));
    assert_eq!(limited(200).unwrap().dimensions(), (20, 10));
}

#[test]
fn long_edges_are_refused_before_decoding() {
    let error = read(&png(1, 15_000_000, 8, 2, &[], &[0, 1, 2])).unwrap_err();
    assert!(
        matches!(error, Error::EdgeTooLong { limit: 65_535, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("max_edge"), "{error}");
}

/// Every scan of a progressive JPEG passes over the whole image.
#[test]
fn many_scans_are_refused_before_decoding() {
    let bytes = encoded(&DynamicImage::ImageRgb8(drawn(20, 10)), ImageFormat::Jpeg);
    let (image, end) = bytes.split_at(bytes.len() - 2);
    let with = |scans: usize| [image, &[0xFF, 0xDA, 0, 2].repeat(scans), end].concat();
    let options = DecodeOptions {
        max_pixels: 200,
        ..DecodeOptions::default()
    };
    // The image has a scan of its own.
    let error = decode(&with(20), &options).unwrap_err();
    assert!(error.to_string().contains("21 scans"), "{error}");
    let error = decode(&with(19), &options).unwrap_err();
    assert!(!error.to_string().contains("limit"), "{error}");
}

#[cfg(unix)]
#[test]
fn pipes_are_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.png");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let error = open(&pipe, &DecodeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("regular file"), "{error}");
}

#[test]
fn empty_images_are_errors() {
    // A GIF of 0 x 0 pixels, and a PNG whose decoder refuses such a header by itself.
    let gif = read(b"GIF89a\0\0\0\0\0\0\0\x2C\0\0\0\0\0\0\0\0\0\x02\0;").unwrap_err();
    assert!(matches!(gif, Error::EmptyImage { .. }), "{gif}");
    let png = read(&png(0, 4, 8, 0, &[], &[0])).unwrap_err();
    assert!(matches!(png, Error::BrokenImage { .. }), "{png}");
}

#[test]
fn alpha_is_dropped() {
    let rgba = ImageBuffer::from_pixel(2, 1, image::Rgba([9u8, 80, 200, 0]));
    assert!(to_rgb(&rgba.into()).pixels().all(|p| p.0 == [9, 80, 200]));
    let grey = ImageBuffer::from_pixel(2, 1, image::LumaA([77u8, 3]));
    assert!(to_rgb(&grey.into()).pixels().all(|p| p.0 == [77; 3]));
    let grey = ImageBuffer::from_pixel(2, 1, image::Luma([78u8]));
    assert!(to_rgb(&grey.into()).pixels().all(|p| p.0 == [78; 3]));
}

#[test]
fn sixteen_bits_become_eight() {
    for (value, clipped, high) in [
        (0u16, 0u8, 0u8),
        (254, 254, 0),
        (256, 255, 1),
        (51_000, 255, 199),
    ] {
        let read = |image: DynamicImage| {
            let pixel = to_rgb(&image).get_pixel(0, 0).0;
            let file = first_pixel(&encoded(&image, ImageFormat::Png));
            assert_eq!(file, pixel, "decoded as converted");
            pixel
        };
        assert_eq!(
            read(ImageBuffer::from_pixel(1, 1, image::Luma([value])).into()),
            [clipped; 3]
        );
        let with_alpha = ImageBuffer::from_pixel(1, 1, image::LumaA([value, 7]));
        assert_eq!(read(with_alpha.into()), [high; 3]);
        let rgb = ImageBuffer::from_pixel(1, 1, image::Rgb([value, 513, 0]));
        assert_eq!(read(rgb.into()), [high, 2, 0]);
        let rgba = ImageBuffer::from_pixel(1, 1, image::Rgba([value, 513, 0, 9]));
        assert_eq!(read(rgba.into()), [high, 2, 0]);
    }
}

fn first_pixel(bytes: &[u8]) -> [u8; 3] {
    read(bytes).unwrap().get_pixel(0, 0).0
}

#[test]
fn transparent_sixteen_bit_grey() {
    let transparent = chunk(b"tRNS", &[0x01, 0x00]);
    let image = read(&png(
        2,
        1,
        16,
        0,
        &[transparent],
        &[0, 0x01, 0x00, 0x00, 0x30],
    ))
    .unwrap();
    assert_eq!(image.into_raw(), [255, 255, 255, 48, 48, 48]);
}

#[test]
fn palette_is_expanded() {
    let palette = [
        chunk(b"PLTE", &[1, 2, 3, 200, 100, 50]),
        chunk(b"tRNS", &[0]),
    ];
    let image = read(&png(3, 1, 1, 3, &palette, &[0, 0b0100_0000])).unwrap();
    assert_eq!(image.into_raw(), [1, 2, 3, 200, 100, 50, 1, 2, 3]);
    let bilevel = read(&png(3, 1, 1, 0, &[], &[0, 0b1010_0000])).unwrap();
    assert_eq!(bilevel.into_raw(), [255, 255, 255, 0, 0, 0, 255, 255, 255]);
    let two_bits = read(&png(4, 1, 2, 0, &[], &[0, 0b0001_1011])).unwrap();
    assert_eq!(
        two_bits.into_raw(),
        [0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255]
    );
}

/// The EXIF data of an image with nothing but an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    [tiff.as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

#[test]
fn exif_orientations() {
    let jpeg = encoded(&DynamicImage::ImageRgb8(drawn(24, 16)), ImageFormat::Jpeg);
    let rows: Vec<u8> = vec![0, 10, 20, 30, 0, 40, 50, 60];
    for orientation in 1..=8 {
        let exif = exif(orientation);
        let app = [b"Exif\0\0".as_slice(), &exif].concat();
        let length = (app.len() as u16 + 2).to_be_bytes();
        let jpeg = [&jpeg[..2], &[0xFF, 0xE1], &length, &app, &jpeg[2..]].concat();
        for bytes in [jpeg, png(3, 2, 8, 0, &[chunk(b"eXIf", &exif)], &rows)] {
            let options = DecodeOptions {
                apply_orientation: false,
                ..DecodeOptions::default()
            };
            let stored = DynamicImage::ImageRgb8(decode(&bytes, &options).unwrap());
            let expected = match orientation {
                1 => stored,
                2 => stored.fliph(),
                3 => stored.rotate180(),
                4 => stored.flipv(),
                5 => stored.rotate90().fliph(),
                6 => stored.rotate90(),
                7 => stored.rotate270().fliph(),
                _ => stored.rotate270(),
            };
            assert!(
                read(&bytes).unwrap() == expected.into_rgb8(),
                "orientation {orientation}"
            );
        }
    }
}
