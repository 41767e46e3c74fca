use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use vary_vision::vocab::VisionVocabulary;

/// A forward pass through a vision vocabulary that keeps only the input of every block. Its
/// backward pass computes each block again (activation checkpointing, Chen et al., arXiv
/// 1604.06174).
///
/// At 1024 x 1024 pixels a global block has 12 score matrices of 4096 x 4096: on the tape of a
/// whole pass they are tens of gigabytes, of one block a few. The price is one more forward pass.
pub(super) struct CheckpointedPass {
    pixels: Tensor<4>,
    /// Inputs of the blocks, then of neck and convolutions; off the tape.
    inputs: Vec<Tensor<4>>,
    /// `[images, tokens, net_3_chans]`, a leaf of the tape of what comes next.
    pub tokens: Tensor<3>,
}

impl CheckpointedPass {
    /// # Shapes
    /// - pixels: `[images, 3, img_size, img_size]`
    pub fn forward(tower: &VisionVocabulary, pixels: Tensor<4>) -> Self {
        let plain = tower.valid();
        let pixels = pixels.without_autodiff();
        let pixels = pixels.cast(plain.pos_embed.val().dtype());
        let mut x = plain.embed(pixels.clone());
        let mut inputs = vec![];
        for block in &plain.blocks {
            inputs.push(x.clone());
            x = block.forward(x);
        }
        let tokens = plain.tokens(x.clone());
        inputs.push(x);
        Self {
            pixels,
            inputs,
            tokens: Tensor::from_inner(tokens).require_grad(),
        }
    }

    /// Adds the gradients of the tower's parameters to `grads`.
    ///
    /// # Shapes
    /// - of_tokens: gradient of the loss by `tokens`, off the tape
    pub fn backward(
        self,
        tower: &VisionVocabulary,
        of_tokens: Tensor<3>,
        grads: &mut GradientsParams,
    ) {
        let Self {
            pixels, mut inputs, ..
        } = self;
        let Some(last) = inputs.pop() else { return };
        let leaf = Tensor::from_inner(last).require_grad();
        let mut of_output = backward(
            tower.tokens(leaf.clone()),
            of_tokens,
            Some(leaf),
            tower,
            grads,
        );
        for (block, input) in tower.blocks.iter().zip(inputs).rev() {
            let Some(of_block) = of_output else { return };
            let leaf = Tensor::from_inner(input).require_grad();
            of_output = backward(
                block.forward(leaf.clone()),
                of_block,
                Some(leaf),
                block,
                grads,
            );
        }
        if let Some(of_embedding) = of_output {
            let embedding = tower.embed(Tensor::from_inner(pixels));
            backward(embedding, of_embedding, None, tower, grads);
        }
    }
}

/// Gradients of `module`'s parameters, and of `leaf`, where the gradient of `output` is
/// `of_output`.
fn backward<const D: usize, M: Module>(
    output: Tensor<D>,
    of_output: Tensor<D>,
    leaf: Option<Tensor<4>>,
    module: &M,
    grads: &mut GradientsParams,
) -> Option<Tensor<4>> {
    struct Merge<'a> {
        from: GradientsParams,
        into: &'a mut GradientsParams,
    }
    impl ModuleVisitor for Merge<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.from.remove::<D>(param.id) {
                self.into.register(param.id, grad);
            }
        }
    }
    // The derivative of this sum by `output` is `of_output`.
    let mut all = (output * Tensor::from_inner(of_output)).sum().backward();
    let from = GradientsParams::from_module(&mut all, module);
    module.visit(&mut Merge { from, into: grads });
    leaf.and_then(|leaf| leaf.grad_remove(&mut all))
}
