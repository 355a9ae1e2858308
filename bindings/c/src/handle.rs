//! Handles: numbers into one table, each used once, so that a stale one is found out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use gemmule::engine::Engine;
use gemmule::pipeline::Params;
use gemmule::volume::Stack;

use crate::fault::{Fault, Outcome, gemmule_status, guarded};
use crate::filter::Map;
use crate::find::FoundSpines;
use crate::follow::{Series, TrackedSeries};
use crate::table::Table;

/// Something gemmule made; 0 is none. To be freed with gemmule_free().
pub type gemmule_handle = u64;

/// What a handle may stand for. Whoever works with one holds its own reference, so that it can be freed meanwhile.
#[derive(Clone)]
pub(crate) enum Object {
    Engine(Arc<Engine>),
    Params(Arc<Params>),
    Stack(Arc<Stack>),
    Map(Arc<Map>),
    Found(Arc<FoundSpines>),
    Series(Arc<Mutex<Series>>),
    Tracked(Arc<TrackedSeries>),
    Table(Arc<Table>),
}

static OBJECTS: LazyLock<RwLock<HashMap<u64, Object>>> = LazyLock::new(RwLock::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Kinds of objects that handles are asked for.
pub(crate) trait Kind: Sized {
    const NAME: &'static str;
    fn of(object: &Object) -> Option<Self>;
}

macro_rules! kinds {
    ($($variant:ident($type:ty), $name:literal;)+) => {$(
        impl Kind for Arc<$type> {
            const NAME: &'static str = $name;
            fn of(object: &Object) -> Option<Self> {
                if let Object::$variant(held) = object { Some(Arc::clone(held)) } else { None }
            }
        }
    )+};
}
kinds! {
    Engine(Engine), "engine";
    Params(Params), "params";
    Stack(Stack), "stack";
    Map(Map), "map";
    Found(FoundSpines), "found";
    Series(Mutex<Series>), "series";
    Tracked(TrackedSeries), "tracked series";
    Table(Table), "table";
}

/// Enters an object.
pub(crate) fn enter(object: Object) -> gemmule_handle {
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    OBJECTS.write().unwrap_or_else(PoisonError::into_inner).insert(handle, object);
    handle
}

/// The object of a handle.
pub(crate) fn get<K: Kind>(handle: gemmule_handle) -> Outcome<K> {
    let objects = OBJECTS.read().unwrap_or_else(PoisonError::into_inner);
    objects.get(&handle).and_then(K::of).ok_or_else(|| {
        let what = match objects.get(&handle) {
            Some(_) => "is of another kind",
            None if handle == 0 => "is none",
            None if handle < NEXT.load(Ordering::Relaxed) => "was freed",
            None => "was never made",
        };
        Fault(
            gemmule_status::BadHandle,
            format!("handle {handle} {what}, allowed is a handle of a live {}: create one, and free it last", K::NAME),
        )
    })
}

/// Puts another object in the place of one.
pub(crate) fn replace(handle: gemmule_handle, object: Object) {
    if let Some(held) = OBJECTS.write().unwrap_or_else(PoisonError::into_inner).get_mut(&handle) {
        *held = object;
    }
}

/// Frees what a handle stands for, and every pointer it gave out. 0 is allowed and does nothing. A call that uses it on another thread ends undisturbed.
#[unsafe(no_mangle)]
pub extern "C" fn gemmule_free(handle: gemmule_handle) -> gemmule_status {
    guarded(|| {
        if handle == 0 {
            return Ok(());
        }
        let freed = OBJECTS.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
        // Large objects are dropped after the lock.
        freed.map(drop).ok_or_else(|| {
            let text = format!("handle {handle} was freed already or never made: free each handle once");
            Fault(gemmule_status::BadHandle, text)
        })
    })
}

/// Number of handles that have not been freed: for tests of what links gemmule.
#[unsafe(no_mangle)]
pub extern "C" fn gemmule_live_handles() -> usize {
    OBJECTS.read().unwrap_or_else(PoisonError::into_inner).len()
}
