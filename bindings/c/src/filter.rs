//! The filters alone.

use std::ffi::c_void;
use std::sync::Arc;

use gemmule::columns::Columns;
use gemmule::engine::Engine;
use gemmule::filter::blob::blobs;
use gemmule::filter::noise;
use gemmule::filter::ridge::ridge;
use gemmule::filter::smooth::{SigmaUm, smooth};
use gemmule::units::PointUm;
use gemmule::volume::{Grid, Volume};

use crate::fault::{gemmule_status, guarded};
use crate::handle::{Object, enter, gemmule_handle, get};
use crate::params;
use crate::progress::{Callback, gemmule_progress};
use crate::table;
use crate::text::{borrowed, place};
use crate::volume::{gemmule_volume, gemmule_voxel_type};

/// A filter's result, and where it lies.
pub(crate) struct Map {
    values: Volume<f32>,
    grid: Grid,
}

/// The ridge response of a stack, with the section [ridge] of the parameters; binned as that says.
///
/// # Safety
/// As gemmule_detect().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_ridge(
    engine: gemmule_handle,
    params: gemmule_handle,
    volume: *const gemmule_volume,
    progress: gemmule_progress,
    user: *mut c_void,
    map: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let (engine, params): (Arc<Engine>, _) = (get(engine)?, params::of(params)?);
        // SAFETY: as promised by the caller.
        let (out, stack) = unsafe { (place("map", map)?, borrowed("volume", volume)?.stack()?) };
        let noise = noise::estimate(stack.view().voxels)?;
        let made = ridge(&engine, stack.view(), &noise, &params.ridge, &mut Callback { call: progress, user })?;
        *out = enter(Object::Map(Arc::new(Map { values: made.ridge, grid: made.grid })));
        Ok(())
    })
}

/// The stack smoothed by a Gaussian whose standard deviations (um) along z, y, x `sigma_um` points to; 0 leaves an axis as it is.
///
/// # Safety
/// As gemmule_detect(); `sigma_um` is null or three numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_smooth(
    engine: gemmule_handle,
    volume: *const gemmule_volume,
    sigma_um: *const f64,
    progress: gemmule_progress,
    user: *mut c_void,
    map: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let engine: Arc<Engine> = get(engine)?;
        // SAFETY: as promised by the caller.
        let (out, stack, sigma) = unsafe {
            (
                place("map", map)?,
                borrowed("volume", volume)?.stack()?,
                borrowed("sigma_um", sigma_um.cast::<[f64; 3]>())?,
            )
        };
        let sigma = SigmaUm { z_um: sigma[0], y_um: sigma[1], x_um: sigma[2] };
        let values = smooth(&engine, stack.view(), sigma, &mut Callback { call: progress, user })?;
        *out = enter(Object::Map(Arc::new(Map { values, grid: stack.view().grid() })));
        Ok(())
    })
}

/// The values of a map (float), and where they lie. Good until the map is freed.
///
/// # Safety
/// `volume` is null or has room for a gemmule_volume.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_map_volume(map: gemmule_handle, volume: *mut gemmule_volume) -> gemmule_status {
    guarded(|| {
        let map: Arc<Map> = get(map)?;
        // SAFETY: as promised by the caller.
        let out = unsafe { place("volume", volume) }?;
        let Grid { shape, voxel_size, origin } = map.grid;
        *out = gemmule_volume::given(map.values.as_slice(), gemmule_voxel_type::F32, shape, voxel_size, origin);
        Ok(())
    })
}

/// Bright blobs of a stack, strongest first, with the section `blob`: a table of z_um, y_um, x_um, sigma_um, response.
///
/// # Safety
/// As gemmule_detect().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_blobs(
    engine: gemmule_handle,
    params: gemmule_handle,
    volume: *const gemmule_volume,
    progress: gemmule_progress,
    user: *mut c_void,
    table: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let (engine, params): (Arc<Engine>, _) = (get(engine)?, params::of(params)?);
        // SAFETY: as promised by the caller.
        let (out, stack) = unsafe { (place("table", table)?, borrowed("volume", volume)?.stack()?) };
        let noise = noise::estimate(stack.view().voxels)?;
        let found = blobs(&engine, stack.view(), &noise, &params.blob, &mut Callback { call: progress, user })?;
        let place = |of: fn(PointUm) -> f64| move |b: &gemmule::filter::blob::Blob| Some(of(b.place));
        let columns = Columns::of(&found, Some(4))
            .number("z_um", place(|p| p.z))
            .number("y_um", place(|p| p.y))
            .number("x_um", place(|p| p.x))
            .number("sigma_um", |b| Some(b.sigma_um))
            .number("response", |b| Some(b.response));
        *out = table::made(columns.done());
        Ok(())
    })
}
