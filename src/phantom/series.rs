//! Several sessions of one field: the same scene after births and deaths, in another pose, with new noise.

use rand::Rng;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::params::params;
use crate::phantom::kinetics::{self, Life};
use crate::phantom::pose::Pose;
use crate::phantom::random::{Purpose, stream};
use crate::phantom::scene::{Axon, Scene, SceneDendrite, extent_um};
use crate::phantom::shape::{SpineShape, SpineSite};
use crate::phantom::{Phantom, PhantomParams, seen};
use crate::progress::Progress;

params! {
    /// A series of sessions of one synthetic field. The first session is the single stack of the same seed.
    ///
    /// ```
    /// use gemmule::phantom::SeriesParams;
    /// let params = SeriesParams::default().days(vec![0.0, 1.0, 7.0])?.loss_2_days(vec![0.2])?;
    /// assert_eq!(params.clone().test_retest().loss_2_days, [0.0]);
    /// assert!(params.dimmest_session(0.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct SeriesParams in "phantom_series" {
        /// Days of the sessions, ascending from the first.
        days: Vec<f64> = vec![0.0, 2.0, 4.0], "days", -10000.0..=10000.0, "imaging every second day";
        /// Share of the spines that goes within two days, per interval (the last holds for all that follow).
        loss_2_days: Vec<f64> = vec![0.08], "", 0.0..=0.9, "SCIENCE.md section 1: vehicle, 7 to 9 %";
        /// New spines within two days as a share of the first session's, per interval (the last holds for all that follow).
        gain_2_days: Vec<f64> = vec![0.08], "", 0.0..=0.9, "SCIENCE.md section 1: vehicle, 7 to 9 %";
        /// Share of new spines that are transient, per interval (the last holds for all that follow); the others go as old ones do.
        transient_share: Vec<f64> = vec![0.5], "", 0.0..=1.0, "half of psilocybin's new spines survive 7 days, a third 34 days (Shao 2021)";
        /// Half-life of the transient spines born in an interval (the last holds for all that follow).
        transient_half_life_days: Vec<f64> = vec![4.0], "days", 0.01..=1000.0, "as transient_share";
        /// Share of the first session's spines that are transient.
        transient_at_start: f64 = 0.0, "", 0.0..=1.0, "0: all are old; scenarios begin in equilibrium";
        /// Day on which what was born after erase_from_day is erased.
        erase_day: f64 = 10000.0, "days", -10000.0..=10000.0, "never; targeted erasure of new spines: Hayashi-Takagi 2015, doi:10.1038/nature15257";
        /// Day after which what is born is erased on erase_day.
        erase_from_day: f64 = 10000.0, "days", -10000.0..=10000.0, "as erase_day";
        /// Mean diameter of heads in each session as a share of the first one's (the last holds for all that follow).
        head_factor: Vec<f64> = vec![1.0], "", 0.2..=5.0, "nothing changes";
        /// Standard deviation of the turn in the plane from the first session.
        turn_deg: f64 = 1.2, "degrees", 0.0..=30.0, "SCIENCE.md section 7";
        /// Standard deviation of the tilt about either axis.
        tilt_deg: f64 = 1.0, "degrees", 0.0..=10.0, "SCIENCE.md section 7";
        /// Standard deviation of the shift along y and x.
        shift_xy_um: f64 = 1.0, "µm", 0.0..=20.0, "SCIENCE.md section 7; in vivo up to 1.9 µm";
        /// Standard deviation of the shift along z.
        shift_z_um: f64 = 0.6, "µm", 0.0..=20.0, "SCIENCE.md section 7; in vivo up to 4.4 µm";
        /// Standard deviation of the distortion in the plane.
        warp_um: f64 = 0.25, "µm", 0.0..=5.0, "SCIENCE.md section 7";
        /// Dimmest session, as a share of the first one's photons.
        dimmest_session: f64 = 0.5, "", 0.05..=1.0, "SCIENCE.md section 7";
        /// Brightest session after the first, as a share of the first one's photons; not below `dimmest_session`.
        brightest_session: f64 = 1.0, "", 0.05..=2.0, "SCIENCE.md section 7";
        /// Standard deviation of the focus (point spread function) as a share of it.
        focus_change: f64 = 0.05, "", 0.0..=0.5, "windows and immersion differ from day to day";
        /// Standard deviation of a head's diameter as a share of it.
        head_change: f64 = 0.10, "", 0.0..=0.5, "SCIENCE.md section 7";
        /// Standard deviation of a spine's angle about the shaft.
        angle_change_rad: f64 = 0.15, "radians", 0.0..=1.0, "SCIENCE.md section 7";
        /// Standard deviation of a spine's place along the shaft.
        place_change_um: f64 = 0.12, "µm", 0.0..=1.0, "SCIENCE.md section 7";
        /// Share of boutons that stay from one session to the next; as many come as go.
        boutons_stay: f64 = 0.95, "", 0.0..=1.0, "SCIENCE.md section 7";
    }
}

impl SeriesParams {
    /// The same spines in every session: nothing is born, dies or changes. Whatever turnover is then found is false. See the example of [`SeriesParams`].
    pub fn test_retest(self) -> Self {
        Self {
            loss_2_days: vec![0.0],
            gain_2_days: vec![0.0],
            head_change: 0.0,
            angle_change_rad: 0.0,
            place_change_um: 0.0,
            boutons_stay: 1.0,
            ..self
        }
    }
}

/// Two sessions' spines that are the same: positions in [`PhantomSeries::sessions`], and in their `spines`.
pub type TrueLink = ((usize, usize), (usize, usize));

/// A synthetic series and what is in it. See the example of [`crate::phantom::series()`].
#[derive(Clone, Debug, PartialEq)]
pub struct PhantomSeries {
    /// Day of each session.
    pub days: Vec<f64>,
    /// The sessions; `site` of a spine is the same number in all of them, and a dendrite's number too.
    pub sessions: Vec<Phantom>,
}

impl PhantomSeries {
    /// Links between sessions next to each other, sorted.
    ///
    /// ```
    /// use gemmule::phantom::{self, PhantomParams, SeriesParams};
    /// use gemmule::progress::Silent;
    /// let small = PhantomParams::default().planes(8)?.rows(64)?.columns(96)?.axons(0)?.seed(7)?;
    /// let made = phantom::series(&small, &SeriesParams::default().days(vec![0.0, 1.0])?.test_retest(), &mut Silent)?;
    /// for ((a, i), (b, j)) in made.links() {
    ///     assert_eq!(made.sessions[a].spines[i].site, made.sessions[b].spines[j].site);
    /// }
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn links(&self) -> Vec<TrueLink> {
        let mut all = Vec::new();
        for (k, pair) in self.sessions.windows(2).enumerate() {
            for (i, a) in pair[0].spines.iter().enumerate() {
                let same = pair[1].spines.iter().position(|b| b.site == a.site);
                all.extend(same.map(|j| ((k, i), (k + 1, j))));
            }
        }
        all
    }
}

/// Makes a series.
///
/// A spine is scorable only if it is, or would be, in every session: what leaves the field is not lost.
///
/// ```
/// use gemmule::phantom::{self, PhantomParams, SeriesParams};
/// use gemmule::progress::Silent;
/// let params = PhantomParams { planes: 10, rows: 96, columns: 96, axons: 0, ..PhantomParams::default() };
/// let series = phantom::series(&params, &SeriesParams { days: vec![0.0, 1.0], ..SeriesParams::default() }, &mut Silent)?;
/// assert_eq!(series.sessions[0].stack, phantom::stack(&params, &mut Silent)?.stack);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`crate::phantom::stack`]; [`Error::Parameter`] for days that do not ascend.
pub fn series(phantom: &PhantomParams, params: &SeriesParams, progress: &mut dyn Progress) -> Result<PhantomSeries> {
    params.validate()?;
    if params.days.windows(2).any(|w| w[1] <= w[0]) {
        return Err(Error::parameter("phantom_series.days", format!("{:?}", params.days), "ascending", "sort them"));
    }
    let grid = phantom.grid()?;
    let first = Scene::draw(phantom, &grid);
    let start = params.days[0];
    let days: Vec<f64> = params.days.iter().map(|d| d - start).collect();
    let centre = extent_um(&grid).map(|e| e / 2.0);
    let lives: Vec<Vec<Life>> = first
        .dendrites
        .iter()
        .enumerate()
        .map(|(k, d)| {
            let mut rng = stream(phantom.seed, Purpose::Lives, k);
            kinetics::lives(d.spines.clone(), &d.shaft, &days, phantom, params, &mut rng)
        })
        .collect();
    let boutons: Vec<Vec<Vec<(f64, f64)>>> =
        first.axons.iter().enumerate().map(|(k, axon)| boutons(axon, k, days.len(), phantom, params)).collect();
    let mut sessions = Vec::with_capacity(days.len());
    for (k, &day) in days.iter().enumerate() {
        let mut rng = stream(phantom.seed, Purpose::Session, k);
        let (scene, seen_by) = if k == 0 {
            (with_all(&first, &lives, day, |curve| curve.clone(), |site, _| site.clone(), &boutons, 0), phantom.clone())
        } else {
            let pose = Pose::draw(centre, params, &mut rng);
            let seen_by = optics(phantom, params, k, &mut rng);
            let change = |site: &SpineSite, n: usize| {
                changed(
                    site,
                    params,
                    kinetics::at(&params.head_factor, k),
                    &mut stream(phantom.seed, Purpose::Change, k << 20 | n),
                )
            };
            (with_all(&first, &lives, day, |curve| pose.curve(curve), change, &boutons, k), seen_by)
        };
        sessions.push(seen(&scene, &seen_by, progress)?);
    }
    common_numbers(&mut sessions);
    Ok(PhantomSeries { days: params.days.clone(), sessions })
}

/// Brightness, focus and noise of a later session.
fn optics(phantom: &PhantomParams, params: &SeriesParams, k: usize, rng: &mut impl Rng) -> PhantomParams {
    let (dimmest, brightest) = (params.dimmest_session, params.brightest_session.max(params.dimmest_session));
    let bright = dimmest + (brightest - dimmest) * rng.random::<f64>();
    let focus = (params.focus_change * rng.sample::<f64, _>(StandardNormal)).exp();
    PhantomParams {
        photons: (phantom.photons * bright).max(1.0),
        background_photons: phantom.background_photons * bright,
        psf_fwhm_xy_um: (phantom.psf_fwhm_xy_um * focus).clamp(0.2, 2.0),
        psf_fwhm_z_um: (phantom.psf_fwhm_z_um * focus).clamp(0.2, 10.0),
        seed: phantom.seed.wrapping_mul(1_000_003).wrapping_add(k as u64) & i64::MAX as u64,
        ..phantom.clone()
    }
}

/// A spine as it is in a later session.
fn changed(site: &SpineSite, params: &SeriesParams, wider: f64, rng: &mut impl Rng) -> SpineSite {
    let mut normal = |sd: f64| sd * rng.sample::<f64, _>(StandardNormal);
    let (head, angle, along) =
        (normal(params.head_change).exp(), normal(params.angle_change_rad), normal(params.place_change_um));
    SpineSite {
        s_um: site.s_um + along,
        angle: site.angle + angle,
        shape: SpineShape { head_um: site.shape.head_um * head * wider, ..site.shape.clone() },
        ..site.clone()
    }
}

/// The scene of one session, with every site that is ever filled; `present` says which are.
fn with_all(
    first: &Scene,
    lives: &[Vec<Life>],
    day: f64,
    curve: impl Fn(&crate::phantom::curve::Curve) -> crate::phantom::curve::Curve,
    change: impl Fn(&SpineSite, usize) -> SpineSite,
    boutons: &[Vec<Vec<(f64, f64)>>],
    k: usize,
) -> Scene {
    let mut number = 0;
    let dendrites = first
        .dendrites
        .iter()
        .zip(lives)
        .map(|(d, lives)| {
            let mut spines: Vec<SpineSite> = lives
                .iter()
                .map(|life| {
                    number += 1;
                    SpineSite { site: number, present: life.is_there(day), ..change(&life.site, number as usize) }
                })
                .collect();
            spines.sort_by(|a, b| a.s_um.total_cmp(&b.s_um));
            SceneDendrite { shaft: curve(&d.shaft), expression: d.expression, spines }
        })
        .collect();
    let axons = first
        .axons
        .iter()
        .zip(boutons)
        .map(|(axon, boutons)| Axon { course: curve(&axon.course), boutons: boutons[k].clone() })
        .collect();
    Scene { dendrites, axons }
}

/// Boutons of one axon in every session.
fn boutons(
    axon: &Axon,
    n: usize,
    sessions: usize,
    phantom: &PhantomParams,
    params: &SeriesParams,
) -> Vec<Vec<(f64, f64)>> {
    let mut rng = stream(phantom.seed, Purpose::Boutons, n);
    let mut all = vec![axon.boutons.clone()];
    for k in 1..sessions {
        let next = all[k - 1].iter().map(|&(s_um, width_um)| {
            let stays = rng.random::<f64>() < params.boutons_stay;
            if stays { (s_um, width_um) } else { (axon.course.length_um() * rng.random::<f64>(), width_um) }
        });
        let next = next.collect();
        all.push(next);
    }
    all
}

/// Numbers dendrites alike in all sessions, keeps the spines that are there, and marks scorable those that would be in all sessions.
fn common_numbers(sessions: &mut [Phantom]) {
    let order = sessions[0].courses.clone();
    let id = |course: usize| order.iter().position(|&o| o == course).unwrap_or(order.len() + course) as u32 + 1;
    let everywhere: Vec<Vec<u32>> =
        sessions.iter().map(|s| s.spines.iter().filter(|t| t.scorable).map(|t| t.site).collect()).collect();
    for session in sessions.iter_mut() {
        for (dendrite, &course) in session.dendrites.iter_mut().zip(&session.courses) {
            dendrite.dendrite_id = id(course);
        }
        for spine in &mut session.spines {
            spine.dendrite_id = id(session.courses[spine.dendrite_id as usize - 1]);
            spine.scorable = everywhere.iter().all(|sites| sites.contains(&spine.site));
        }
        session.spines.retain(|s| s.present);
        session.spines.sort_by(|a, b| a.dendrite_id.cmp(&b.dendrite_id).then(a.s_um.total_cmp(&b.s_um)));
        for (spine_id, spine) in (1..).zip(&mut session.spines) {
            spine.spine_id = spine_id;
        }
        session.dendrites.sort_by_key(|d| d.dendrite_id);
        session.courses.sort_by_key(|&course| id(course));
    }
}
