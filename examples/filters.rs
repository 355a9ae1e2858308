//! Filters only: ridge response, smoothing and blobs of voxels that lie in the caller's own memory.
//!
//! `cargo run --release --example filters`

use gemmule::engine::{Backend, Engine};
use gemmule::filter::blob::{BlobParams, blobs};
use gemmule::filter::noise;
use gemmule::filter::ridge::{RidgeParams, ridge};
use gemmule::filter::smooth::{SigmaUm, smooth};
use gemmule::progress::Silent;
use gemmule::units::VoxelSize;
use gemmule::volume::{StackView, VolumeView, VoxelsView};
use ndarray::Array3;

fn main() -> gemmule::error::Result<()> {
    let voxels: Array3<u16> = bright_line();
    let stack =
        StackView::new(VoxelsView::U16(VolumeView::try_from(voxels.view())?), VoxelSize::new(1.0, 0.12, 0.12)?)?;

    let engine = Engine::new(Backend::Auto)?;
    let noise = noise::estimate(stack.voxels)?;
    let params = RidgeParams::default().sigma_xy_um(vec![0.3, 0.5])?;
    let map = ridge(&engine, stack, &noise, &params, &mut Silent)?;
    let strongest = map.ridge.as_slice().iter().copied().fold(0.0, f32::max);
    println!("ridge: {} voxels, strongest {strongest:.2}", map.ridge.shape());

    let sigma = SigmaUm { z_um: 0.5, y_um: 0.15, x_um: 0.15 };
    let smoothed = smooth(&engine, stack, sigma, &mut Silent)?;
    println!("smoothed: {:.1} on the line, {:.1} beside it", smoothed.at(4, 48, 48), smoothed.at(4, 20, 48));

    println!("blobs: {}", blobs(&engine, stack, &noise, &BlobParams::default(), &mut Silent)?.len());
    Ok(())
}

/// A line along x on a background with some texture.
fn bright_line() -> Array3<u16> {
    Array3::from_shape_fn((9, 96, 96), |(z, y, x)| {
        let off = (y as f64 - 48.0).hypot(6.0 * (z as f64 - 4.0));
        let texture = (z * 7919 + y * 104_729 + x * 1_299_709) % 37;
        (100.0 + 400.0 * (-off * off / 18.0).exp()) as u16 + texture as u16
    })
}
