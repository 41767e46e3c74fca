//! Shared by the extensions of burn's Flex backend.

use burn::backend::flex::FlexTensor;
use burn::backend::{BackendTensor, DispatchDevice, DispatchTensorKind};
use burn::prelude::*;
use burn::tensor::DType;

/// Whether a device is Flex, without autodiff.
pub(crate) fn is(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// The Flex tensor behind a tensor, sharing its memory, if it is in f32 without autodiff.
pub(crate) fn tensor<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    match tensor.clone().into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => Some(tensor),
        _ => None,
    }
}

/// Whether a tensor is in f32 on Flex, without autodiff.
pub(crate) fn plain<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is(&tensor.device())
}

/// Whether a tensor is in f32 on Flex, with autodiff or without.
pub(crate) fn differentiable<const D: usize>(tensor: &Tensor<D>) -> bool {
    #[cfg(feature = "autodiff")]
    if let DispatchDevice::Autodiff(device) = tensor.device().as_dispatch() {
        return tensor.dtype() == DType::F32 && matches!(**device, DispatchDevice::Flex(_));
    }
    plain(tensor)
}

/// The values of a contiguous f32 tensor.
pub(crate) fn numbers(tensor: &FlexTensor) -> &[f32] {
    // Kernels check the length.
    tensor.as_slice().unwrap_or_default()
}
