//! Two hidden states, absent and present, over the sessions of one site: forward-backward (Rabiner 1989, doi:10.1109/5.18626).

/// How often spines go and come, by the number of spines there are.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) loss_per_day: f64,
    pub(super) gain_per_day: f64,
}

/// Forward-backward of two states.
pub(super) struct Chain {
    /// P(present), per session.
    pub(super) present: Vec<f64>,
    /// P(present in this and in the session before); 0 for the first.
    pub(super) both: Vec<f64>,
    /// P(present in every session).
    pub(super) always: f64,
    /// P(present), per session, from what is seen up to it.
    pub(super) so_far: Vec<f64>,
    /// Of what is seen up to each session, over all absent.
    pub(super) log_so_far: Vec<f64>,
    /// Of what is seen, over all absent.
    pub(super) log_likelihood: f64,
}

/// `ratio`: log likelihood of present over absent per session; the likelihood is relative to absent throughout.
pub(super) fn chain(ratio: &[f64], gaps: &[f64], rates: Rates, prior: f64) -> Chain {
    let n = ratio.len();
    let transition = |k: usize| {
        let changes = |per_day: f64| 1.0 - (-per_day * gaps[k]).exp();
        let goes = changes(rates.loss_per_day);
        // Gains are counted by the spines there are, not by the places where there is none.
        let comes = (prior / (1.0 - prior) * changes(rates.gain_per_day)).min(1.0);
        [[1.0 - comes, comes], [goes, 1.0 - goes]]
    };
    // Emissions scaled so that the larger of the two is 1.
    let emission: Vec<[f64; 2]> = ratio.iter().map(|r| [(-r.max(0.0)).exp(), (r.min(0.0)).exp()]).collect();
    let mut log_likelihood = 0.0;
    let (mut forward, mut log_so_far): (Vec<[f64; 2]>, Vec<f64>) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for k in 0..n {
        let before = match k {
            0 => [1.0 - prior, prior],
            _ => {
                let (t, f) = (transition(k - 1), forward[k - 1]);
                [f[0] * t[0][0] + f[1] * t[1][0], f[0] * t[0][1] + f[1] * t[1][1]]
            }
        };
        let here = [before[0] * emission[k][0], before[1] * emission[k][1]];
        let sum = here[0] + here[1];
        log_likelihood += ratio[k].max(0.0) + sum.ln();
        log_so_far.push(log_likelihood);
        forward.push([here[0] / sum, here[1] / sum]);
    }
    let mut backward = vec![[1.0, 1.0]; n];
    let mut both = vec![0.0; n];
    for k in (1..n).rev() {
        let t = transition(k - 1);
        let next = [emission[k][0] * backward[k][0], emission[k][1] * backward[k][1]];
        let joint = |i: usize, j: usize| forward[k - 1][i] * t[i][j] * next[j];
        let total = joint(0, 0) + joint(0, 1) + joint(1, 0) + joint(1, 1);
        both[k] = joint(1, 1) / total;
        let here = [t[0][0] * next[0] + t[0][1] * next[1], t[1][0] * next[0] + t[1][1] * next[1]];
        let sum = here[0] + here[1];
        backward[k - 1] = [here[0] / sum, here[1] / sum];
    }
    let stays: f64 = (1..n).map(|k| transition(k - 1)[1][1].ln()).sum();
    let always = (prior.ln() + stays + ratio.iter().sum::<f64>() - log_likelihood).exp();
    let present = forward.iter().zip(&backward).map(|(f, b)| f[1] * b[1] / (f[0] * b[0] + f[1] * b[1])).collect();
    let so_far = forward.iter().map(|f| f[1]).collect();
    Chain { present, both, always, so_far, log_so_far, log_likelihood }
}

#[cfg(test)]
mod tests {
    use crate::track::states::{Rates, chain};

    /// Against all paths written out.
    #[test]
    fn chains_equal_the_sum_over_paths() {
        let (ratio, gaps, prior) = ([2.0, -1.5, 0.3], [2.0, 5.0], 0.1);
        let rates = Rates { loss_per_day: 0.04, gain_per_day: 0.07 };
        let goes = |k: usize| 1.0 - f64::exp(-rates.loss_per_day * gaps[k]);
        let comes = |k: usize| prior / (1.0 - prior) * (1.0 - f64::exp(-rates.gain_per_day * gaps[k]));
        let step = |k: usize, a: usize, b: usize| match (a, b) {
            (0, b) => [1.0 - comes(k), comes(k)][b],
            (_, b) => [goes(k), 1.0 - goes(k)][b],
        };
        let (mut total, mut present, mut both, mut always) = (0.0, [0.0; 3], [0.0; 3], 0.0);
        for path in 0..8_usize {
            let state = [path & 1, path >> 1 & 1, path >> 2];
            let mut p = if state[0] == 1 { prior } else { 1.0 - prior };
            p *= (0..2).map(|k| step(k, state[k], state[k + 1])).product::<f64>();
            p *= (0..3).map(|k| if state[k] == 1 { f64::exp(ratio[k]) } else { 1.0 }).product::<f64>();
            total += p;
            always += if path == 7 { p } else { 0.0 };
            (0..3).filter(|&k| state[k] == 1).for_each(|k| present[k] += p);
            (1..3).filter(|&k| state[k] == 1 && state[k - 1] == 1).for_each(|k| both[k] += p);
        }
        let found = chain(&ratio, &gaps, rates, prior);
        assert!((found.log_likelihood - total.ln()).abs() < 1e-12 && (found.always - always / total).abs() < 1e-12);
        for k in 0..3 {
            // As if the sessions after it had not been.
            let until = chain(&ratio[..=k], &gaps[..k], rates, prior);
            assert!((found.so_far[k] - until.present[k]).abs() < 1e-12);
            assert!((found.log_so_far[k] - until.log_likelihood).abs() < 1e-12);
            assert!((found.present[k] - present[k] / total).abs() < 1e-12);
            assert!((found.both[k] - both[k] / total).abs() < 1e-12);
        }
    }
}
