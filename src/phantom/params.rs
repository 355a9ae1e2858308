//! What a synthetic stack looks like.

use crate::error::{Error, Result};
use crate::params::params;
use crate::phantom::optics;
use crate::units::VoxelSize;
use crate::volume::{Grid, Shape};

params! {
    /// Scene, optics and camera of a synthetic stack. The same parameters give the same stack.
    ///
    /// ```
    /// use gemmule::phantom::PhantomParams;
    /// let dim = PhantomParams::default().planes(10)?.rows(128)?.columns(192)?.photons(30.0)?.seed(5)?;
    /// assert_eq!(dim.grid()?.shape.to_string(), "10 x 128 x 192");
    /// assert!(PhantomParams::default().density_per_um(5.0).is_err()); // above 1.5 per µm
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct PhantomParams in "phantom" {
        /// Number of planes.
        planes: usize = 24, "", 4..=2000, "an in-vivo stack of one dendrite layer";
        /// Number of rows.
        rows: usize = 512, "", 32..=16384, "a field of 51 µm";
        /// Number of columns.
        columns: usize = 512, "", 32..=16384, "a field of 51 µm";
        /// Distance between planes.
        z_um: f64 = 1.0, "µm", 0.05..=5.0, "common in vivo";
        /// Distance between rows.
        y_um: f64 = 0.1, "µm", 0.02..=0.5, "common in vivo";
        /// Distance between columns.
        x_um: f64 = 0.1, "µm", 0.02..=0.5, "common in vivo";
        /// Dendrites in the field, side by side.
        dendrites: usize = 2, "", 1..=16, "one and a neighbour";
        /// Spines per µm of dendrite, whatever their direction.
        density_per_um: f64 = 0.4, "1/µm", 0.0..=1.5, "0.25 to 0.55 in vivo; mean 0.50 in Shao et al. 2021, doi:10.1016/j.neuron.2021.06.008";
        /// Least distance between the bases of two spines.
        spine_distance_um: f64 = 0.3, "µm", 0.0..=0.6, "two bases do not share a place";
        /// Thinnest shaft: mean radius of a dendrite.
        radius_min_um: f64 = 0.30, "µm", 0.05..=3.0, "apical tuft dendrites";
        /// Thickest shaft: mean radius of a dendrite.
        radius_max_um: f64 = 0.55, "µm", 0.05..=3.0, "apical tuft dendrites";
        /// Standard deviation of the radius along a dendrite, as a share of its mean.
        radius_ripple: f64 = 0.08, "", 0.0..=0.3, "shafts are no cylinders";
        /// Standard deviation of a dendrite's way from its straight line, in the plane.
        wander_um: f64 = 1.2, "µm", 0.0..=5.0, "traced dendrites in vivo";
        /// The same along z.
        wander_z_um: f64 = 0.6, "µm", 0.0..=5.0, "tuft dendrites keep to their layer";
        /// Length over which the way changes.
        wander_length_um: f64 = 8.0, "µm", 1.0..=200.0, "traced dendrites in vivo";
        /// Weight of mushroom spines among the four classes.
        mushroom: f64 = 0.45, "", 0.0..=1.0, "mature cortex";
        /// Weight of thin spines.
        thin: f64 = 0.33, "", 0.0..=1.0, "mature cortex";
        /// Weight of stubby spines.
        stubby: f64 = 0.16, "", 0.0..=1.0, "mature cortex";
        /// Weight of filopodia.
        filopodium: f64 = 0.06, "", 0.0..=1.0, "mature cortex";
        /// Mean photons per voxel on the axis of the brightest dendrite, above the background.
        photons: f64 = 120.0, "photons", 1.0..=10000.0, "30, 60, 120, 200: dim to bright in-vivo stacks";
        /// Dimmest dendrite, as a share of the brightest.
        dimmest: f64 = 0.7, "", 0.05..=1.0, "expression differs between cells";
        /// Mean photons per voxel without structure.
        background_photons: f64 = 6.0, "photons", 0.0..=1000.0, "in vivo";
        /// Standard deviation of the neuropil's texture, as a share of the background.
        neuropil_share: f64 = 0.35, "", 0.0..=1.0, "in vivo";
        /// Standard deviation of the Gaussian that makes the texture, before the optics.
        neuropil_um: f64 = 0.6, "µm", 0.2..=5.0, "in vivo";
        /// Axons that cross the field.
        axons: usize = 3, "", 0..=200, "2 to 6 in a field of 25 µm";
        /// Mean distance of an axon's boutons.
        bouton_distance_um: f64 = 5.0, "µm", 1.5..=100.0, "cortical axons";
        /// Full width at half maximum of the point spread function in the plane.
        psf_fwhm_xy_um: f64 = 0.40, "µm", 0.2..=2.0, "0.35 to 0.45 in two-photon stacks";
        /// Full width at half maximum of the point spread function along z.
        psf_fwhm_z_um: f64 = 2.0, "µm", 0.2..=10.0, "1.5 to 2.5 in two-photon stacks; heads of the open set read 2.6 to 3.4";
        /// Standard deviation of each plane's displacement along each axis, by motion.
        plane_jitter_um: f64 = 0.1, "µm", 0.0..=1.0, "0.05 to 0.15 in vivo";
        /// The plane that a movement of the animal displaces along y, from 0.
        moved_plane: usize = 0, "", 0..=1999, "any";
        /// By how much.
        moved_um: f64 = 0.0, "µm", 0.0..=20.0, "none; a startled animal: 1 to 5";
        /// Grey levels per photon.
        gain: f64 = 4.0, "grey levels", 0.01..=1000.0, "typical of photomultiplier stacks";
        /// Grey level without light.
        offset: f64 = 10.0, "grey levels", 0.0..=10000.0, "keeps the read noise above 0";
        /// Standard deviation without light.
        read_noise: f64 = 1.0, "grey levels", 0.0..=1000.0, "typical of photomultiplier stacks";
        /// Seed of everything random.
        seed: u64 = 1, "", 0..=9_223_372_036_854_775_807_u64, "any";
    }
}

impl PhantomParams {
    /// Largest stack made, voxels: 6 bytes each are held at once.
    pub const MAX_VOXELS: u64 = 1 << 29;

    /// How far motion displaces what is seen in a plane (from 0), (y, x) in µm: the truth for an estimate. See the example of [`crate::register::motion()`].
    pub fn displacement_um(&self, plane: usize) -> (f64, f64) {
        let [_, y, x] = optics::plane_place(self, plane);
        (-y, -x)
    }

    /// Checks every parameter, and those that depend on each other, and returns the stack's grid. See the example of [`PhantomParams`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value out of range, a least radius above the largest or classes without weight;
    /// [`Error::Memory`] for a stack of more than [`Self::MAX_VOXELS`].
    pub fn grid(&self) -> Result<Grid> {
        self.validate()?;
        if self.radius_min_um > self.radius_max_um {
            return Err(Error::parameter(
                "phantom.radius_min_um",
                self.radius_min_um,
                &format!("at most phantom.radius_max_um, {}", self.radius_max_um),
                "exchange the two",
            ));
        }
        if self.mushroom + self.thin + self.stubby + self.filopodium <= 0.0 {
            return Err(Error::parameter(
                "phantom.mushroom, thin, stubby and filopodium",
                0.0,
                "a sum above 0",
                "give one class a weight; for no spines set phantom.density_per_um to 0",
            ));
        }
        let shape = Shape::new(self.planes, self.rows, self.columns)?;
        if shape.len() as u64 > Self::MAX_VOXELS {
            return Err(Error::Memory {
                what: format!("a phantom of {shape} voxels"),
                needed_bytes: shape.len() as u64 * 6,
                limit_bytes: Self::MAX_VOXELS * 6,
                remedy: "lower phantom.planes, rows or columns".into(),
            });
        }
        Ok(Grid::of_stack(shape, VoxelSize::new(self.z_um, self.y_um, self.x_um)?))
    }
}
