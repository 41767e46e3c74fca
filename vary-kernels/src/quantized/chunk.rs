/// Chunk `at` of a slice split into arrays of `N`.
#[inline(always)]
pub(super) fn chunk<T, const N: usize>(values: &[T], at: usize) -> &[T; N] {
    &values.as_chunks().0[at]
}
