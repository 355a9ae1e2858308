//! The search for the relative standard deviations.

use argmin::core::{CostFunction, Executor, State as _};
use argmin::solver::neldermead::NelderMead;

/// Sides of the simplices of the searches, one after the other from where the last one ended.
const STARTS: [f64; 3] = [0.5, 0.1, 0.01];
/// Searches begin at each of these, for all components alike.
const FROM: [f64; 2] = [1.0, 0.3];
/// Steps of one search.
const STEPS: u64 = 2000;

struct Criterion<F>(F);

impl<F: Fn(&[f64]) -> Option<f64>> CostFunction for Criterion<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, theta: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        // Where the system cannot be solved the simplex turns back.
        Ok((self.0)(theta).unwrap_or(1e300))
    }
}

/// Minimises an even function of `dimensions` numbers and returns their absolute values, and whether the slope there is 0. Nelder and Mead's simplex (1965) from
/// two starts, each three times over; numbers that may as well be 0 are.
pub(super) fn minimise(dimensions: usize, criterion: impl Fn(&[f64]) -> Option<f64> + Copy) -> (Vec<f64>, bool) {
    let value = |theta: &[f64]| criterion(theta).unwrap_or(f64::INFINITY);
    let searched =
        FROM.map(|from| STARTS.iter().fold(vec![from; dimensions], |from, &side| search(from, side, criterion)));
    let [first, second] = searched;
    let mut best = if value(&second) < value(&first) { second } else { first };
    best.iter_mut().for_each(|t| *t = t.abs());
    for k in 0..dimensions {
        let mut without = best.clone();
        without[k] = 0.0;
        if value(&without) <= value(&best) + 1e-8 {
            best = search_rest(without, criterion);
        }
    }
    let slope = |k: usize| {
        let at = |step: f64| {
            let mut moved = best.clone();
            moved[k] += step;
            value(&moved)
        };
        (at(1e-4) - at(-1e-4)) / 2e-4
    };
    let flat = (0..dimensions).all(|k| slope(k).abs() < 1e-3);
    (best, flat)
}

/// A search in which components that are 0 stay 0.
fn search_rest(from: Vec<f64>, criterion: impl Fn(&[f64]) -> Option<f64> + Copy) -> Vec<f64> {
    let free: Vec<usize> = (0..from.len()).filter(|&k| from[k] > 0.0).collect();
    if free.is_empty() {
        return from;
    }
    let whole = |part: &[f64]| {
        let mut theta = vec![0.0; from.len()];
        free.iter().zip(part).for_each(|(&k, v)| theta[k] = v.abs());
        theta
    };
    let start = free.iter().map(|&k| from[k]).collect();
    whole(&search(start, STARTS[STARTS.len() - 1], |part: &[f64]| criterion(&whole(part))))
}

fn search(from: Vec<f64>, side: f64, criterion: impl Fn(&[f64]) -> Option<f64>) -> Vec<f64> {
    let vertex = |k: usize| {
        let mut moved = from.clone();
        moved[k] += side;
        moved
    };
    let simplex = std::iter::once(from.clone()).chain((0..from.len()).map(vertex)).collect();
    let Ok(solver) = NelderMead::new(simplex).with_sd_tolerance(1e-12) else { return from };
    let ran = Executor::new(Criterion(&criterion), solver).configure(|state| state.max_iters(STEPS)).run();
    ran.ok().and_then(|r| r.state().get_best_param().cloned()).unwrap_or(from)
}
