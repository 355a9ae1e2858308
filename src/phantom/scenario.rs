//! Whole cohorts: animals of two groups whose spines come and go as an intervention makes them, and as they do without it.

use rand::Rng as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::interventions::{Baseline, Intervention, Piece};
use crate::params::params;
use crate::phantom::kinetics::left;
use crate::phantom::{PhantomParams, SeriesParams};

params! {
    /// A synthetic cohort. See the example of [`plan`].
    pub struct ScenarioParams in "scenario" {
        /// Animals per group.
        animals: usize = 6, "", 1..=1000, "the field's cohorts: 6 to 12 per group";
        /// Fields of view per animal.
        fovs: usize = 2, "", 1..=100, "a few dendrites per animal";
        /// Standard deviation of the animals' density as a share of it.
        density_between_animals: f64 = 0.1, "", 0.0..=0.5, "SCIENCE.md section 5: the spread between mice is about half of that between branches";
        /// Seed of the animals.
        seed: u64 = 1, "", 0..=9_000_000_000_u64, "any";
    }
}

/// Treatment of the group without the intervention.
pub const CONTROL: &str = "vehicle";

/// One field of view to be made. See the example of [`plan`].
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFov {
    /// Its animal.
    pub animal: String,
    /// `F` or `M`, alternating within a group.
    pub sex: &'static str,
    /// The intervention's, or [`CONTROL`].
    pub treatment: String,
    /// Number within the animal, from 1.
    pub fov: usize,
    /// Its first session.
    pub phantom: PhantomParams,
    /// Its series.
    pub series: SeriesParams,
}

/// A stack of one dendrite and a field of 26 by 38 µm: small, so that a cohort takes minutes.
///
/// ```
/// use gemmule::phantom::small_field;
/// let (field, grid) = (small_field(), small_field().grid()?);
/// assert_eq!((field.dendrites, grid.shape.z), (1, 12));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn small_field() -> PhantomParams {
    PhantomParams {
        planes: 12,
        rows: 256,
        columns: 384,
        dendrites: 1,
        axons: 1,
        density_per_um: 0.5,
        ..PhantomParams::default()
    }
}

/// The kinetics of an intervention (or, without one, of the baseline) for sessions on `days`.
///
/// Rates of an interval are the means over it of what holds on its days; the loss of old spines is what keeps the density of the baseline as it is.
///
/// ```
/// use gemmule::interventions::Interventions;
/// use gemmule::phantom::{SeriesParams, expected, kinetics_of};
/// let known = Interventions::own();
/// let (days, series) = ([-1.0, 1.0, 3.0], SeriesParams::default());
/// let rest = expected(&kinetics_of(&known.baseline, None, &days, &series)?);
/// let treated = expected(&kinetics_of(&known.baseline, Some(known.get("psilocybin")?), &days, &series)?);
/// assert!((rest.density_ratio[2] - 1.0).abs() < 0.01); // as many come as go
/// assert!(treated.density_ratio[2] > rest.density_ratio[2]);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for a baseline that cannot be at rest (all new spines transient, or more formed than can be lost).
pub fn kinetics_of(
    baseline: &Baseline,
    intervention: Option<&Intervention>,
    days: &[f64],
    series: &SeriesParams,
) -> Result<SeriesParams> {
    let rest = Rest::of(baseline)?;
    let pieces: &[Piece] = intervention.map_or(&[], |i| &i.kinetics);
    let mut made = SeriesParams {
        days: days.to_vec(),
        loss_2_days: Vec::new(),
        gain_2_days: Vec::new(),
        transient_share: Vec::new(),
        transient_half_life_days: Vec::new(),
        head_factor: days.iter().map(|&d| wider(pieces, d)).collect(),
        transient_at_start: rest.transient,
        ..series.clone()
    };
    if let Some(erase) = intervention.and_then(|i| i.erase.as_ref()) {
        (made.erase_day, made.erase_from_day) = (erase.day, erase.born_after_day);
    }
    for pair in days.windows(2) {
        let (mut hazard, mut gain, mut share, mut half_life) = (0.0, 0.0, 0.0, 0.0);
        for (length, piece) in parts(pieces, pair[0], pair[1]) {
            let part = length / (pair[1] - pair[0]);
            let formed = piece.and_then(|p| p.formation_2_days).unwrap_or(baseline.formation_2_days);
            hazard += part * rest.hazard * piece.and_then(|p| p.loss_factor).unwrap_or(1.0);
            gain += part * formed;
            share += part * formed * piece.and_then(|p| p.transient_share).unwrap_or(baseline.transient_share);
            let life = piece.and_then(|p| p.transient_half_life_days).unwrap_or(baseline.transient_half_life_days);
            half_life += part * formed * life;
        }
        made.loss_2_days.push(1.0 - (-2.0 * hazard).exp());
        made.gain_2_days.push(gain);
        // Without births neither matters.
        made.transient_share.push(if gain > 0.0 { share / gain } else { baseline.transient_share });
        made.transient_half_life_days.push(if gain > 0.0 {
            half_life / gain
        } else {
            baseline.transient_half_life_days
        });
    }
    made.validate()?;
    Ok(made)
}

/// An interval cut at the pieces' ends: the length of each part and the piece that holds there.
fn parts(pieces: &[Piece], from: f64, until: f64) -> Vec<(f64, Option<&Piece>)> {
    let mut cuts: Vec<f64> = pieces.iter().flat_map(|p| [p.from_day, p.until_day]).collect();
    cuts.retain(|c| *c > from && *c < until);
    cuts.extend([from, until]);
    cuts.sort_by(f64::total_cmp);
    let holds = |day: f64| pieces.iter().find(|p| p.from_day < day && day <= p.until_day);
    cuts.windows(2).map(|w| (w[1] - w[0], holds((w[0] + w[1]) / 2.0))).collect()
}

fn wider(pieces: &[Piece], day: f64) -> f64 {
    let piece = pieces.iter().find(|p| p.from_day < day && day <= p.until_day);
    piece.and_then(|p| p.head_factor).unwrap_or(1.0)
}

/// The baseline at rest: as many come as go.
struct Rest {
    /// Share of transient spines among all.
    transient: f64,
    /// Hazard of the others, per day.
    hazard: f64,
}

impl Rest {
    fn of(baseline: &Baseline) -> Result<Self> {
        let (share, fast) = (baseline.transient_share, 2.0_f64.ln() / baseline.transient_half_life_days);
        let mut rest = Self { transient: 0.0, hazard: 0.0 };
        // Births depend on the hazard through those lost before they are seen: weakly, so that a few rounds settle it.
        for _ in 0..50 {
            let seen = share * left(2.0 * fast) + (1.0 - share) * left(2.0 * rest.hazard);
            let born = baseline.formation_2_days / 2.0 / seen;
            rest.transient = born * share / fast;
            rest.hazard = born * (1.0 - share) / (1.0 - rest.transient);
        }
        let sound = (0.0..1.0).contains(&rest.transient) && (0.0..0.5).contains(&rest.hazard);
        if sound {
            return Ok(rest);
        }
        Err(Error::parameter(
            "baseline of the interventions",
            format!("{baseline:?}"),
            "formation that old and transient spines' loss can balance",
            "lower formation_2_days or transient_half_life_days",
        ))
    }
}

/// The fields of view of a cohort: the intervention's animals and as many controls, in turn.
///
/// ```
/// use gemmule::interventions::Interventions;
/// use gemmule::phantom::{CONTROL, ScenarioParams, SeriesParams, plan, small_field};
/// let known = Interventions::own();
/// let cohort = ScenarioParams::default().animals(2)?.fovs(3)?;
/// let psilocybin = known.get("psilocybin")?;
/// let planned = plan(&known.baseline, psilocybin, &psilocybin.days, &cohort, (&small_field(), &SeriesParams::default()))?;
/// assert_eq!(planned.len(), 2 * 2 * 3); // two groups
/// assert_eq!(planned.iter().filter(|fov| fov.treatment == CONTROL).count(), 6);
/// assert_ne!(planned[0].phantom.seed, planned[1].phantom.seed);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// As [`kinetics_of`], and parameters out of range.
pub fn plan(
    baseline: &Baseline,
    intervention: &Intervention,
    days: &[f64],
    scenario: &ScenarioParams,
    (phantom, series): (&PhantomParams, &SeriesParams),
) -> Result<Vec<PlannedFov>> {
    scenario.validate()?;
    let treated = kinetics_of(baseline, Some(intervention), days, series)?;
    let control = kinetics_of(baseline, None, days, series)?;
    let mut all = Vec::new();
    for n in 0..2 * scenario.animals {
        let mut rng = ChaCha8Rng::seed_from_u64(scenario.seed);
        rng.set_stream(n as u64);
        let denser = (scenario.density_between_animals * rng.sample::<f64, _>(StandardNormal)).exp();
        let is_treated = n % 2 == 0;
        for fov in 1..=scenario.fovs {
            let density_per_um = (phantom.density_per_um * denser).min(1.5);
            let seed = rng.random::<u32>().into();
            all.push(PlannedFov {
                animal: format!("m{:02}", n + 1),
                sex: if n / 2 % 2 == 0 { "F" } else { "M" },
                treatment: if is_treated { intervention.treatment.clone() } else { CONTROL.into() },
                fov,
                phantom: PhantomParams { density_per_um, seed, ..phantom.clone() },
                series: if is_treated { treated.clone() } else { control.clone() },
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::interventions::Interventions;
    use crate::phantom::{SeriesParams, expected, kinetics_of};

    /// Density on a day over that of the last session before the dose.
    fn change(name: &str, day: f64) -> f64 {
        let known = Interventions::own();
        let what = known.get(name).unwrap();
        let params = kinetics_of(&known.baseline, Some(what), &what.days, &SeriesParams::default()).unwrap();
        let course = expected(&params);
        let before = what.days.iter().rposition(|d| *d < 0.0).unwrap();
        let on = what.days.iter().position(|d| *d == day).unwrap();
        course.density_ratio[on] / course.density_ratio[before] - 1.0
    }

    #[test]
    fn the_baseline_rests_and_half_of_its_new_spines_are_left_after_a_week() {
        let known = Interventions::own();
        let days: Vec<f64> = (0..20).step_by(2).map(f64::from).collect();
        let course = expected(&kinetics_of(&known.baseline, None, &days, &SeriesParams::default()).unwrap());
        assert!(course.density_ratio.iter().all(|r| (r - 1.0).abs() < 0.01), "{:?}", course.density_ratio);
        let two: Vec<f64> = vec![0.0, 2.0, 9.0];
        let course = expected(&kinetics_of(&known.baseline, None, &two, &SeriesParams::default()).unwrap());
        assert!((course.formation[0] - 0.07).abs() < 1e-9 && (course.elimination[0] - 0.07).abs() < 1e-3);
        assert!((course.survival[0][1] - 0.5).abs() < 0.05, "{:?}", course.survival);
    }

    #[test]
    fn interventions_do_what_the_review_says() {
        let within = |name, day, low: f64, high: f64| {
            let met = change(name, day);
            assert!((low..=high).contains(&met), "{name} on day {day}: {met}");
        };
        within("psilocybin", 1.0, 0.04, 0.10);
        within("psilocybin", 5.0, 0.08, 0.14);
        within("ketamine", 1.0, 0.08, 0.20);
        within("ketamine", 3.0, 0.12, 0.20);
        within("ketamine-anaesthetic", 3.0, -0.02, 0.02);
        within("5-meo-dmt", 3.0, 0.12, 0.20);
        within("allopregnanolone", 8.0, 0.03, 0.07);
        within("cocaine", 8.0, 0.03, 0.07);
        within("diazepam-high", 8.0, -0.30, -0.10);
        within("diazepam-low", 8.0, -0.10, -0.02);
        within("zolpidem", 8.0, -0.01, 0.01);
        within("vehicle", 8.0, -0.01, 0.01);
        within("stress", 8.0, -0.25, -0.08);
        within("ketamine-stress", 8.0, -0.01, 0.01);
        within("stress-ketamine", 3.0, 0.05, 0.25);
        within("erasure", 3.0, 0.06, 0.14);
        within("erasure", 5.0, -0.04, 0.04);
    }
}
