//! What the texts in a file say: how its pages are ordered, and how large its voxels are.

mod imagej;
mod layout;
mod ome;
mod scanimage;
mod unit;

pub(super) use crate::io::meta::layout::{Layout, Texts, layout};
