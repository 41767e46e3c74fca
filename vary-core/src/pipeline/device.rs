use std::panic::catch_unwind;

use burn::prelude::*;

use crate::{Error, Result};

/// The best device of the backends that are built in, or the one that the environment variable
/// `BURN_DEVICE` names.
///
/// # Errors
/// [`Error::NoDevice`], where burn itself panics.
pub fn default_device() -> Result<Device> {
    catch_unwind(Device::default).map_err(|panic| {
        let reason: String = match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => other
                .downcast::<&str>()
                .map_or_else(|_| "no backend is built in".into(), |text| text.to_string()),
        };
        let reason = reason.trim_end_matches('.').into();
        Error::NoDevice { reason }
    })
}

/// A device by its name: `cpu`, or a GPU backend that is built in with the number of the device
/// (`cuda`, `cuda:1`, `wgpu`).
///
/// # Errors
/// [`Error::NoDevice`] for another name, or a backend that is not built in.
pub fn named_device(name: &str) -> Result<Device> {
    let no = |reason| Err(Error::NoDevice { reason });
    let (backend, index) = name.split_once(':').unwrap_or((name, "0"));
    let Ok(index) = index.parse::<usize>() else {
        return no(format!("in `{name}`, `{index}` is not a number"));
    };
    match backend {
        #[cfg(feature = "flex")]
        "cpu" | "flex" if index == 0 => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(index)),
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        "wgpu" => Ok(Device::wgpu(burn::prelude::DeviceKind::DiscreteGpu(index))),
        _ => no(format!(
            "no device {index} of `{backend}`: there are cpu, cuda:N and wgpu:N, as far as their \
             backends are built in"
        )),
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn unknown_devices_are_refused() {
        assert!(named_device("cpu").is_ok() && named_device("flex:0").is_ok());
        for name in ["cpu:1", "tpu", "cpu:x", ""] {
            assert!(named_device(name).is_err(), "{name}");
        }
    }
}
