//! How a stack is read.

use clap::Args;

use crate::io::ReadOptions;
use crate::units::VoxelSize;

/// How a stack is read.
#[derive(Args, Debug)]
pub(crate) struct ReadArgs {
    /// Edges of a voxel in µm, as Z,Y,X; instead of what the file says.
    #[arg(long, value_name = "Z,Y,X", allow_hyphen_values = true, value_parser = voxel_um)]
    pub(crate) voxel_um: Option<VoxelSize>,

    /// Channel to read, from 0; needed where the file has several.
    #[arg(long, value_name = "N")]
    pub(crate) channel: Option<usize>,

    /// Time point to read, from 0; needed where the file has several.
    #[arg(long, value_name = "N")]
    pub(crate) time: Option<usize>,

    /// The most memory to use, e.g. 2GiB; otherwise what is free. A stack that does not fit as a whole is read in parts (`detect`) or refused (the others).
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) memory_limit: Option<u64>,
}

impl ReadArgs {
    /// The same for the library.
    pub(crate) fn options(&self) -> ReadOptions {
        ReadOptions {
            voxel_size: self.voxel_um,
            channel: self.channel,
            time: self.time,
            memory_limit: self.memory_limit,
        }
    }
}

/// Three edges in µm, as `Z,Y,X`.
pub(crate) fn voxel_um(text: &str) -> std::result::Result<VoxelSize, String> {
    let edges: std::result::Result<Vec<f64>, _> = text.split(',').map(|edge| edge.trim().parse::<f64>()).collect();
    match edges.as_deref() {
        Ok(&[z, y, x]) => VoxelSize::new(z, y, x).map_err(|e| e.to_string()),
        _ => Err("three numbers in µm, as Z,Y,X, e.g. 1.0,0.12,0.12".into()),
    }
}

/// A number of bytes, with KiB, MiB, GiB or TiB (or kB, MB, GB, TB) behind it or nothing.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "" | "B" => Some(1),
        "kB" => Some(1000),
        "KiB" => Some(1 << 10),
        "MB" => Some(1_000_000),
        "MiB" => Some(1 << 20),
        "GB" => Some(1_000_000_000),
        "GiB" => Some(1 << 30),
        "TB" => Some(1_000_000_000_000),
        "TiB" => Some(1_u64 << 40),
        _ => None,
    };
    let number = number.parse::<f64>().ok().filter(|n| *n > 0.0);
    let bytes = number.zip(scale).map(|(n, scale)| n * scale as f64).filter(|n| (1.0..9e18).contains(n));
    bytes.map(|n| n as u64).ok_or_else(|| "a number of bytes, e.g. 2GiB or 500MB".into())
}
