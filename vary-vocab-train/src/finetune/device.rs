use anyhow::{Context, bail};
use burn::prelude::Device;

/// A device by its name: `flex`, or a GPU backend that is built in, with the number of the device
/// (`cuda`, `cuda:1`, `wgpu`).
pub(super) fn parse(name: &str) -> anyhow::Result<Device> {
    let (backend, index) = name.split_once(':').unwrap_or((name, "0"));
    let index: usize = index
        .parse()
        .with_context(|| format!("device `{name}`: `{index}` is not a number"))?;
    match backend {
        #[cfg(feature = "flex")]
        "flex" if index == 0 => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(index)),
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        "wgpu" => Ok(Device::wgpu(burn::prelude::DeviceKind::DiscreteGpu(index))),
        _ => bail!(
            "no device `{name}`: use flex, cuda:N or wgpu:N, of the backends that this program was \
             built with (`--features`)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_devices_are_refused() {
        assert!(parse("flex").is_ok());
        for name in ["flex:1", "tpu", "flex:x", ""] {
            assert!(parse(name).is_err(), "{name}");
        }
    }
}
