use std::fs::{self, File};
use std::io::{Cursor, Error as IoError, ErrorKind, Read};
use std::path::Path;

use image::error::ImageError;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use jpeg_decoder::PixelFormat;

use crate::{Error, Result};

/// How an image is read from bytes or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Turn the image upright by its EXIF orientation (default). The original code does
    /// not: switch it off to get the same values for a turned image.
    pub apply_orientation: bool,
    /// Largest width times height that is decoded; 100 megapixels by default. Twenty times as many
    /// pixels may be in the scans of a progressive JPEG, each of which passes over all of them.
    pub max_pixels: u64,
    /// Longest edge that is decoded, in pixels; 65,535 by default, the most that a JPEG can have.
    pub max_edge: u32,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            apply_orientation: true,
            max_pixels: 100_000_000,
            max_edge: 65_535,
        }
    }
}

impl DecodeOptions {
    /// Bytes that a file or a decoder may need: eight for a pixel, and what is beside the pixels.
    fn max_bytes(&self) -> u64 {
        self.max_pixels
            .saturating_mul(8)
            .saturating_add(EXTRA_MEMORY)
    }
}

/// Enough bytes to recognise any known format.
const HEAD: u64 = 64;
/// Memory a decoder may take beside the pixels: palettes, ICC profiles, text.
const EXTRA_MEMORY: u64 = 64 << 20;
/// Passes over as many pixels as an image may have, which the scans of a JPEG may make. Usual
/// progressive files have ten scans; a file of a megabyte can have ten thousand.
const SCANS: u64 = 20;

/// Reads the image in a file and converts it to RGB, as [`decode`].
///
/// # Errors
/// [`Error::Io`] if the file can't be read or is no regular file, such as a pipe, which could keep
/// the reader waiting; else as [`decode`].
pub fn open(path: impl AsRef<Path>, options: &DecodeOptions) -> Result<RgbImage> {
    let path = path.as_ref();
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let name = path.display().to_string();
    // Asked first: to open a pipe without a writer waits for one.
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(io(IoError::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        )));
    }
    let mut file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if guess(&bytes).is_none() {
        // Not worth reading gigabytes of something else for the same answer.
        return Err(not_an_image(&name, &bytes, metadata.len()));
    }
    let limit = options.max_bytes();
    file.take(limit).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        let reason = format!(
            "the file is longer than the {limit} bytes that `DecodeOptions::max_pixels` allows"
        );
        return Err(Error::UnsupportedImage { name, reason });
    }
    decode_named(&name, &bytes, options)
}

/// Decodes a PNG, JPEG, WebP, BMP or GIF (its first frame) and converts it to RGB, as [`to_rgb`].
///
/// The size in the header is checked against the limit before any pixel is decoded.
///
/// # Errors
/// [`Error::EmptyFile`], [`Error::NotAnImage`], [`Error::UnsupportedImage`],
/// [`Error::TooManyPixels`], [`Error::EmptyImage`] or, for broken and cut data,
/// [`Error::BrokenImage`].
pub fn decode(bytes: &[u8], options: &DecodeOptions) -> Result<RgbImage> {
    decode_named("image in memory", bytes, options)
}

/// Converts to RGB as Pillow does: alpha is dropped, not composited; 16-bit grey is clipped at
/// 255, other 16-bit images keep their high bytes.
pub fn to_rgb(image: &DynamicImage) -> RgbImage {
    let high = |value: u16| (value >> 8) as u8;
    let (width, height) = (image.width(), image.height());
    match image {
        DynamicImage::ImageLuma16(grey) => RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([grey.get_pixel(x, y).0[0].min(255) as u8; 3])
        }),
        DynamicImage::ImageLumaA16(grey) => RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([high(grey.get_pixel(x, y).0[0]); 3])
        }),
        DynamicImage::ImageRgb16(rgb) => RgbImage::from_fn(width, height, |x, y| {
            image::Rgb(rgb.get_pixel(x, y).0.map(high))
        }),
        DynamicImage::ImageRgba16(rgba) => RgbImage::from_fn(width, height, |x, y| {
            let [red, green, blue, _] = rgba.get_pixel(x, y).0.map(high);
            image::Rgb([red, green, blue])
        }),
        other => other.to_rgb8(),
    }
}

fn decode_named(name: &str, bytes: &[u8], options: &DecodeOptions) -> Result<RgbImage> {
    let Some(format) = guess(bytes) else {
        return Err(not_an_image(name, bytes, bytes.len() as u64));
    };
    let failed = |error| from_image(name, format, error);

    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(options.max_bytes());
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;

    let (width, height) = decoder.dimensions();
    check_size(name, width, height, options)?;
    if format == ImageFormat::Jpeg {
        check_scans(name, bytes, u64::from(width) * u64::from(height), options)?;
    }
    // Metadata that can't be read is no reason to refuse the pixels.
    let orientation = match options.apply_orientation {
        true => decoder.orientation().unwrap_or(Orientation::NoTransforms),
        false => Orientation::NoTransforms,
    };
    let exact = match format {
        ImageFormat::Jpeg => jpeg_pixels(bytes, width, height),
        _ => None,
    };
    let decoded = exact
        .map_or_else(|| DynamicImage::from_decoder(decoder), Ok)
        .map_err(failed)?;
    let image = match decoded {
        DynamicImage::ImageRgb8(rgb) => rgb,
        // 16-bit grey with one transparent value: still grey to Pillow, so it is clipped.
        DynamicImage::ImageLumaA16(grey) if is_grey_png(format, bytes) => to_rgb(
            &DynamicImage::ImageLuma16(image::ImageBuffer::from_fn(width, height, |x, y| {
                image::Luma([grey.get_pixel(x, y).0[0]])
            })),
        ),
        other => to_rgb(&other),
    };
    let mut upright = DynamicImage::ImageRgb8(image);
    upright.apply_orientation(orientation);
    Ok(upright.into_rgb8())
}

/// Compares the size in a header with the limits, before anything is allocated for it.
fn check_size(name: &str, width: u32, height: u32, options: &DecodeOptions) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::EmptyImage {
            name: name.into(),
            width,
            height,
        });
    }
    let name = || name.to_owned();
    if u64::from(width) * u64::from(height) > options.max_pixels {
        return Err(Error::TooManyPixels {
            name: name(),
            width,
            height,
            limit: options.max_pixels,
        });
    }
    if width.max(height) > options.max_edge {
        return Err(Error::EdgeTooLong {
            name: name(),
            width,
            height,
            limit: options.max_edge,
        });
    }
    Ok(())
}

/// Compares what the scans of a JPEG decode with the limit. Without an end marker it is cut off:
/// the decoder fills what is missing with grey and reports nothing.
fn check_scans(name: &str, bytes: &[u8], pixels: u64, options: &DecodeOptions) -> Result<()> {
    let Some(scans) = jpeg_scans(bytes) else {
        let reason = "the data ends before the end marker (truncated?)";
        return Err(broken(name, ImageFormat::Jpeg, reason));
    };
    let limit = options.max_pixels.saturating_mul(SCANS);
    if pixels.saturating_mul(scans) > limit {
        let reason = format!(
            "its {scans} scans decode {} pixels, over the limit of {limit}; \
             raise `DecodeOptions::max_pixels` if you trust it",
            pixels.saturating_mul(scans)
        );
        return Err(Error::UnsupportedImage {
            name: name.into(),
            reason,
        });
    }
    Ok(())
}

fn guess(bytes: &[u8]) -> Option<ImageFormat> {
    image::guess_format(bytes).ok()
}

/// Whether a PNG is grey without an alpha channel, by its header.
fn is_grey_png(format: ImageFormat, bytes: &[u8]) -> bool {
    const COLOUR_TYPE: usize = 25;
    format == ImageFormat::Png && bytes.get(COLOUR_TYPE) == Some(&0)
}

/// The pixels of a grey or RGB JPEG, or `None` to leave the rest to the `image` crate.
///
/// That crate's decoder rounds interpolated chroma twice: up to 6 levels from libjpeg in the parity
/// cases, where this one stays within 3.
fn jpeg_pixels(bytes: &[u8], width: u32, height: u32) -> Option<DynamicImage> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let pixels = decoder.decode().ok()?;
    match decoder.info()?.pixel_format {
        PixelFormat::L8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => None,
    }
}

/// The number of scans before a JPEG's end marker, or `None` if there is no end marker. The
/// segments are walked here, since a thumbnail's end marker lies inside one of them.
fn jpeg_scans(bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes.get(2..)?;
    let mut scans = 0;
    loop {
        // Entropy-coded data holds stuffed zeros, restart markers and fill bytes: not segments.
        let is_segment =
            |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0x01 | 0xD0..=0xD8 | 0xFF);
        let at = rest.windows(2).position(is_segment)?;
        match rest[at + 1] {
            0xD9 => return Some(scans),
            0xDA => scans += 1,
            _ => {}
        }
        let &[high, low] = rest.get(at + 2..at + 4)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(at + 2 + length..)?;
    }
}

fn not_an_image(name: &str, head: &[u8], len: u64) -> Error {
    match len {
        0 => Error::EmptyFile { name: name.into() },
        _ => Error::NotAnImage {
            name: name.into(),
            len,
            head: head
                .iter()
                .take(16)
                .copied()
                .collect::<Vec<u8>>()
                .escape_ascii()
                .to_string(),
        },
    }
}

fn broken(name: &str, format: ImageFormat, reason: impl Into<String>) -> Error {
    Error::BrokenImage {
        name: name.into(),
        format: format!("{format:?}"),
        reason: reason.into(),
    }
}

fn from_image(name: &str, format: ImageFormat, error: ImageError) -> Error {
    match error {
        ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => broken(
            name,
            format,
            "the data ends before the last pixel (truncated?)",
        ),
        ImageError::Unsupported(reason) => Error::UnsupportedImage {
            name: name.into(),
            reason: reason.to_string(),
        },
        other => broken(name, format, other.to_string()),
    }
}
