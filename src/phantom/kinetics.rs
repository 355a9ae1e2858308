//! Births and deaths of spines between sessions.

use std::f64::consts::PI;

use rand::Rng;
use rand_distr::{Exp1, Poisson, StandardNormal};

use crate::phantom::curve::Curve;
use crate::phantom::params::PhantomParams;
use crate::phantom::series::SeriesParams;
use crate::phantom::shape::{SpineShape, SpineSite};

/// One spine and when it is there, days from the first session.
pub(super) struct Life {
    pub(super) site: SpineSite,
    born_day: f64,
    dies_day: f64,
}

impl Life {
    pub(super) fn is_there(&self, day: f64) -> bool {
        (self.born_day..self.dies_day).contains(&day)
    }
}

/// The lives of all spines of one dendrite: those of the first session, and those born until the last.
///
/// Old spines go at a constant hazard. Of new ones a share is transient and goes faster; births are as frequent as makes the asked share of the
/// first session's spines be seen as formed at the end of an interval, since some go before they are seen.
pub(super) fn lives(
    initial: Vec<SpineSite>,
    shaft: &Curve,
    days: &[f64],
    phantom: &PhantomParams,
    params: &SeriesParams,
    rng: &mut impl Rng,
) -> Vec<Life> {
    let old = |k: usize| -(1.0 - at(&params.loss_2_days, k)).ln() / 2.0;
    let transient = |k: usize| 2.0_f64.ln() / at(&params.transient_half_life_days, k);
    let count = initial.len() as f64;
    let mut lives: Vec<Life> = Vec::new();
    for site in initial {
        let is_transient = params.transient_at_start > 0.0 && rng.random::<f64>() < params.transient_at_start;
        let dies_day =
            if is_transient { rng.sample::<f64, _>(Exp1) / transient(0) } else { old_death(0.0, days, &old, rng) };
        lives.push(Life { site, born_day: f64::NEG_INFINITY, dies_day });
    }
    for (k, pair) in days.windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        let (share, transient) = (at(&params.transient_share, k), transient(k));
        let seen = share * left(transient * gap) + (1.0 - share) * left(old(k) * gap);
        let wanted = count * at(&params.gain_2_days, k) * gap / 2.0 / seen;
        let born = if wanted > 0.0 { Poisson::new(wanted).map_or(0.0, |p| rng.sample(p)) as usize } else { 0 };
        for _ in 0..born {
            let born_day = pair[0] + gap * rng.random::<f64>();
            let is_transient = rng.random::<f64>() < share;
            let mut dies_day = if is_transient {
                born_day + rng.sample::<f64, _>(Exp1) / transient
            } else {
                old_death(born_day, days, &old, rng)
            };
            if erases(params, params.days[0] + born_day) {
                dies_day = dies_day.min(params.erase_day - params.days[0]);
            }
            let site = new_site(shaft, &lives, phantom, rng);
            lives.push(Life { site, born_day, dies_day });
        }
    }
    lives
}

/// Share of those born evenly over an interval that are left at its end; `risk` is hazard times length.
pub(super) fn left(risk: f64) -> f64 {
    if risk < 1e-9 { 1.0 } else { (1.0 - (-risk).exp()) / risk }
}

/// Whether what is born on a day is among what [`SeriesParams::erase_day`] takes.
pub(super) fn erases(params: &SeriesParams, born_day: f64) -> bool {
    born_day > params.erase_from_day && born_day < params.erase_day
}

pub(super) fn at(list: &[f64], k: usize) -> f64 {
    list.get(k).or(list.last()).copied().unwrap_or(0.0)
}

/// Day of death at the old spines' hazard, which may differ between intervals.
fn old_death(from_day: f64, days: &[f64], hazard: &impl Fn(usize) -> f64, rng: &mut impl Rng) -> f64 {
    let mut patience = rng.sample::<f64, _>(Exp1);
    for (k, pair) in days.windows(2).enumerate() {
        let span = (pair[1] - pair[0].max(from_day)).max(0.0);
        if hazard(k) * span >= patience {
            return pair[1] - span + patience / hazard(k);
        }
        patience -= hazard(k) * span;
    }
    f64::INFINITY
}

/// A new spine: thinner and more often a filopodium, at a place that no other spine ever has.
fn new_site(shaft: &Curve, lives: &[Life], phantom: &PhantomParams, rng: &mut impl Rng) -> SpineSite {
    let classes = PhantomParams { mushroom: 0.15, thin: 0.55, stubby: 0.10, filopodium: 0.20, ..phantom.clone() };
    let mut s_um = shaft.length_um() * rng.random::<f64>();
    // On a full dendrite the last try stands.
    for _ in 0..50 {
        if lives.iter().all(|l| (l.site.s_um - s_um).abs() >= phantom.spine_distance_um) {
            break;
        }
        s_um = shaft.length_um() * rng.random::<f64>();
    }
    let angle = rng.random_range(-PI..PI);
    let lean = 0.2 * rng.sample::<f64, _>(StandardNormal);
    SpineSite { site: 0, s_um, angle, lean, shape: SpineShape::draw(&classes, rng), present: true }
}

#[cfg(test)]
mod tests {
    use crate::phantom::curve::{Course, Curve};
    use crate::phantom::kinetics::lives;
    use crate::phantom::params::PhantomParams;
    use crate::phantom::random::{Purpose, stream};
    use crate::phantom::scene;
    use crate::phantom::series::SeriesParams;

    /// 10,000 spines: rates within 4 standard errors, new spines' survival that of the two classes.
    #[test]
    fn rates_are_those_asked_for() {
        let phantom = PhantomParams { density_per_um: 1.0, spine_distance_um: 0.0, ..PhantomParams::default() };
        let mut rng = stream(3, Purpose::Spines, 0);
        let course = Course {
            through: [0.0; 3],
            angle: 0.0,
            half_um: 5000.0,
            wander_um: 0.0,
            wander_z_um: 0.0,
            wander_length_um: 100.0,
            radius_um: 0.4,
            radius_ripple: 0.0,
        };
        let shaft = Curve::new(&course, &mut rng);
        let initial = scene::spines(&phantom, shaft.length_um(), &mut rng);
        let days = [0.0, 2.0, 9.0];
        let series = SeriesParams { gain_2_days: vec![0.12, 0.02], ..SeriesParams::default() };
        let all = lives(initial, &shaft, &days, &phantom, &series, &mut rng);
        let count = |there: &dyn Fn(f64) -> bool| days.iter().filter(|&&d| there(d)).count();
        assert!(all.iter().all(|l| count(&|d| l.is_there(d)) <= 3));
        let n = all.iter().filter(|l| l.is_there(0.0)).count() as f64;
        let lost = all.iter().filter(|l| l.is_there(0.0) && !l.is_there(2.0)).count() as f64 / n;
        let formed: Vec<_> = all.iter().filter(|l| !l.is_there(0.0) && l.is_there(2.0)).collect();
        let (loss, gain) = (0.08, 0.12);
        assert!((lost - loss).abs() < 4.0 * (loss * (1.0 - loss) / n).sqrt(), "{lost}");
        assert!((formed.len() as f64 / n - gain).abs() < 4.0 * (gain / n).sqrt(), "{}", formed.len());
        // 7 days on: the transient ones halve every 4 days, the others lose 8 % in 2 days. Those seen hold fewer transient ones than are born.
        let left = |hazard: f64, gap: f64| (1.0 - (-hazard * gap).exp()) / (hazard * gap);
        let (fast, slow) = (2.0_f64.ln() / series.transient_half_life_days[0], -(0.92_f64).ln() / 2.0);
        let share = series.transient_share[0];
        let (a, b) = (share * left(fast, 2.0), (1.0 - share) * left(slow, 2.0));
        let expected = (a * (-fast * 7.0).exp() + b * (-slow * 7.0).exp()) / (a + b);
        let survived = formed.iter().filter(|l| l.is_there(9.0)).count() as f64 / formed.len() as f64;
        assert!((survived - expected).abs() < 4.0 * (0.25 / formed.len() as f64).sqrt(), "{survived} {expected}");
    }
}
