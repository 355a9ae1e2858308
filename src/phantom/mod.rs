//! Synthetic stacks with known truth.
