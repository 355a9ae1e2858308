//! What the texts in a file say: how its pages are ordered, and how large its voxels are.

mod imagej;
mod layout;
pub(super) mod ome;
mod scanimage;
mod unit;

pub(super) use crate::io::meta::layout::{FoundSize, Layout, Texts, check_count, is_ome, layout};
pub(super) use crate::io::meta::unit::to_um;
