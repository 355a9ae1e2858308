//! The same spines over sessions, and statistics of tables.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gemmule::cohort::{effects_table, read_lives_csv, read_long_csv, stats, survival_effects};
use gemmule::columns::Columns;
use gemmule::dynamics::{dynamics_table, survival_table};
use gemmule::engine::Engine;
use gemmule::error::Error;
use gemmule::io::{links_table, tracks_table};
use gemmule::model::Session;
use gemmule::pipeline::{self, Curation, Params, SeenSession};

use crate::fault::{gemmule_status, guarded};
use crate::find::no_table;
use crate::handle::{Object, enter, gemmule_handle, get};
use crate::params;
use crate::progress::{Callback, gemmule_progress};
use crate::table;
use crate::text::{borrowed, needed, optional, place};
use crate::volume::gemmule_volume;

/// Sessions of one field, as far as they have been added.
pub(crate) struct Series {
    fov: String,
    params: Arc<Params>,
    sessions: Vec<Session>,
    seen: Vec<SeenSession>,
}

/// The tables of a tracked series.
pub(crate) struct TrackedSeries {
    tracks: Columns,
    links: Columns,
    dynamics: Columns,
    survival: Columns,
}

/// Begins a series of sessions of one field of view, whose name may be null.
///
/// # Safety
/// `fov` is null or a text, `series` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_series_create(
    params: gemmule_handle,
    fov: *const c_char,
    series: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        // SAFETY: as promised by the caller.
        let (fov, out) = unsafe { (optional("fov", fov)?.unwrap_or_default(), place("series", series)?) };
        let made = Series { fov: fov.into(), params: params::of(params)?, sessions: Vec::new(), seen: Vec::new() };
        *out = enter(Object::Series(Arc::new(Mutex::new(made))));
        Ok(())
    })
}

/// Adds the next session: finds its spines and keeps what tracking needs; the voxels can be given back after the call. `name` null is its number from 0, `day` NaN is not
/// known. `found` may be null; else it gets what was found.
///
/// # Safety
/// As gemmule_detect(); `name` is null or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_series_add(
    series: gemmule_handle,
    engine: gemmule_handle,
    volume: *const gemmule_volume,
    name: *const c_char,
    day: f64,
    progress: gemmule_progress,
    user: *mut c_void,
    found: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let (series, engine): (Arc<Mutex<Series>>, Arc<Engine>) = (get(series)?, get(engine)?);
        // SAFETY: as promised by the caller.
        let (name, stack) = unsafe { (optional("name", name)?, borrowed("volume", volume)?.stack()?) };
        if day.is_infinite() {
            let remedy = "give the day of the session";
            return Err(Error::parameter("day", day, "a finite number, or NaN if it is not known", remedy).into());
        }
        // Sessions keep the order of the calls.
        let mut series = series.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name.map_or_else(|| series.sessions.len().to_string(), Into::into);
        if series.sessions.iter().any(|s| s.name == name) {
            return Err(
                Error::parameter("name", name, "one of each name in a series", "name the session otherwise").into()
            );
        }
        let (made, kept) =
            pipeline::see(&engine, stack.view(), &series.params, &mut Callback { call: progress, user })?;
        series.sessions.push(Session { name, day: Some(day).filter(|d| !d.is_nan()) });
        series.seen.push(kept);
        // SAFETY: as promised by the caller.
        if let Some(out) = unsafe { found.as_mut() } {
            *out = enter(Object::Found(Arc::new(made.into())));
        }
        Ok(())
    })
}

/// Decides jointly over all sessions where spines are. `curation` is the path of a curation.csv, or null. More sessions can be added afterwards.
///
/// # Safety
/// `curation` is null or a text; `progress` is null or a function that may be called with `user`; `tracked` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_series_track(
    series: gemmule_handle,
    curation: *const c_char,
    progress: gemmule_progress,
    user: *mut c_void,
    tracked: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let series: Arc<Mutex<Series>> = get(series)?;
        // SAFETY: as promised by the caller.
        let (curation, out) = unsafe { (optional("curation", curation)?, place("tracked", tracked)?) };
        let series = series.lock().unwrap_or_else(PoisonError::into_inner);
        let Series { fov, params, sessions, seen } = &*series;
        let curation = match curation {
            Some(path) => Curation::read(Path::new(path), sessions, None, None)?,
            None => Curation::default(),
        };
        let mut progress = Callback { call: progress, user };
        let made = pipeline::track_curated(seen, sessions, &curation, params, &mut progress)?;
        let lengths = pipeline::lengths(&made, seen);
        let tables = TrackedSeries {
            tracks: tracks_table(sessions, &made.tracks),
            links: links_table(sessions, &made.links),
            dynamics: dynamics_table(fov, sessions, &made.tracks, &lengths, &params.dynamics)?,
            survival: survival_table(fov, sessions, &made.tracks, &params.dynamics)?,
        };
        *out = enter(Object::Tracked(Arc::new(tables)));
        Ok(())
    })
}

/// A table of a tracked series: "tracks", "links", "dynamics" or "survival", with the columns of the CSV of that name.
///
/// # Safety
/// `name` is null or a text, `table` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_tracked_table(
    tracked: gemmule_handle,
    name: *const c_char,
    table: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let tracked: Arc<TrackedSeries> = get(tracked)?;
        // SAFETY: as promised by the caller.
        let (name, out) = unsafe { (needed("name", name)?, place("table", table)?) };
        let columns = match name {
            "tracks" => &tracked.tracks,
            "links" => &tracked.links,
            "dynamics" => &tracked.dynamics,
            "survival" => &tracked.survival,
            other => return Err(no_table(other, "tracks, links, dynamics or survival")),
        };
        *out = table::made(columns.clone());
        Ok(())
    })
}

/// The effects of a long table of anyone's (and, if not null, of a table of lifetimes), with the section [stats]: the table that `gemmule stats` writes as effects.csv.
///
/// # Safety
/// `long_csv` and `lives_csv` are null or texts, `table` is null or has room for a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gemmule_stats(
    params: gemmule_handle,
    long_csv: *const c_char,
    lives_csv: *const c_char,
    table: *mut gemmule_handle,
) -> gemmule_status {
    guarded(|| {
        let params = params::of(params)?;
        // SAFETY: as promised by the caller.
        let (long, lives, out) =
            unsafe { (needed("long_csv", long_csv)?, optional("lives_csv", lives_csv)?, place("table", table)?) };
        let mut effects = stats(&read_long_csv(long)?, &params.stats)?;
        if let Some(lives) = lives {
            effects.rows.extend(survival_effects(&read_lives_csv(lives)?, &params.stats)?.rows);
        }
        *out = table::made(effects_table(&effects));
        Ok(())
    })
}
