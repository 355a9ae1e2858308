//! Random numbers: one stream per purpose, so that a change to one part of a scene leaves the others as they were, and
//! planes can be made in any order.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// How the dendrites lie as a whole.
    Layout = 1,
    /// Course, radius and brightness of one dendrite.
    Dendrite,
    /// The spines of one dendrite.
    Spines,
    /// One axon.
    Axon,
    /// One layer of the neuropil's texture.
    Neuropil,
    /// Motion of one plane.
    Motion,
    /// Noise of one plane.
    Noise,
    /// Births and deaths of one dendrite's spines.
    Lives,
    /// Pose and light of one session.
    Session,
    /// How one spine differs in one session.
    Change,
    /// Which boutons of one axon stay.
    Boutons,
}

/// The generator for the `index`-th thing of a kind.
pub(super) fn stream(seed: u64, purpose: Purpose, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 32) | index as u64);
    rng
}
