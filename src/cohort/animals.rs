//! From dendrites to animals.

use std::collections::{BTreeMap, BTreeSet};

use crate::cohort::series::{Measured, Observation};
use crate::cohort::{AnimalValue, Scale, StatsParams};

/// Values of one arm on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Every value, as Welch's test over dendrites takes them.
    pub(super) values: Vec<f64>,
    /// Per animal in their order: its number, its value, and over how many dendrites.
    pub(super) animals: Vec<(usize, f64, usize)>,
    /// Whether animals' values are those of all their spines together.
    pub(super) pooled: bool,
}

impl Sample {
    /// The sample of `arm` on `day`; `scale` is that of the observations.
    pub(super) fn of(observations: &[Observation], scale: Scale, arm: usize, day: f64, animal: AnimalValue) -> Self {
        let here: Vec<&Observation> = observations.iter().filter(|o| o.arm == arm && o.day == day).collect();
        Self::of_animals(&here, scale, animal)
    }

    fn of_animals(here: &[&Observation], scale: Scale, animal: AnimalValue) -> Self {
        let mut by_mouse: BTreeMap<usize, Vec<&Observation>> = BTreeMap::new();
        here.iter().for_each(|o| by_mouse.entry(o.mouse).or_default().push(o));
        let pooled = animal == AnimalValue::Pooled && here.iter().all(|o| o.measured.denominator.is_some());
        let animals = by_mouse.into_iter().filter_map(|(mouse, of)| {
            let dendrites: BTreeMap<usize, Vec<f64>> = by_dendrite(&of);
            let value = if pooled { together(&of, scale)? } else { mean_of_means(&dendrites) };
            Some((mouse, value, dendrites.len()))
        });
        Self { animals: animals.collect(), values: here.iter().map(|o| o.value).collect(), pooled }
    }

    /// The animals' values.
    pub(super) fn means(&self) -> Vec<f64> {
        self.animals.iter().map(|(_, mean, _)| *mean).collect()
    }
}

fn by_dendrite(of: &[&Observation]) -> BTreeMap<usize, Vec<f64>> {
    let mut all: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    of.iter().for_each(|o| all.entry(o.dendrite).or_default().push(o.value));
    all
}

fn mean_of_means(dendrites: &BTreeMap<usize, Vec<f64>>) -> f64 {
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    dendrites.values().map(mean).sum::<f64>() / dendrites.len() as f64
}

/// The value of all dendrites together against the baseline of the same dendrites together: so one that is missing on either day changes neither.
fn together(of: &[&Observation], scale: Scale) -> Option<f64> {
    let now = Measured::pooled(of.iter().map(|o| o.measured))?;
    match scale {
        Scale::Raw => Some(now),
        _ => scale.normalise(now, Measured::pooled(of.iter().filter_map(|o| o.baseline))?),
    }
}

/// Every animal of `arm` that has a value on `day` and a baseline: the value as measured, and that of all baseline days together, both of the dendrites that have both.
pub(super) fn against_baseline(raw: &[Observation], arm: usize, day: f64, params: &StatsParams) -> Vec<(f64, f64)> {
    let of_arm = || raw.iter().filter(|o| o.arm == arm);
    let dendrites = |of: &dyn Fn(&Observation) -> bool| -> BTreeSet<usize> {
        of_arm().filter(|o| of(o)).map(|o| o.dendrite).collect()
    };
    let (now, before) = (|o: &Observation| o.day == day, |o: &Observation| o.day <= params.last_baseline_day);
    let both: BTreeSet<usize> = dendrites(&now).intersection(&dendrites(&before)).copied().collect();
    let of = |when: &dyn Fn(&Observation) -> bool| {
        let here: Vec<&Observation> = of_arm().filter(|o| both.contains(&o.dendrite) && when(o)).collect();
        Sample::of_animals(&here, Scale::Raw, params.animal_value).animals
    };
    // The same animals in the same order: each has all its dendrites in both.
    of(&now).iter().zip(of(&before)).map(|(now, before)| (now.1, before.1)).collect()
}

/// Days of some observations, sorted.
pub(super) fn days(observations: &[Observation]) -> Vec<f64> {
    let mut days: Vec<f64> = observations.iter().map(|o| o.day).collect();
    days.sort_by(f64::total_cmp);
    days.dedup();
    days
}

#[cfg(test)]
mod tests {
    use crate::cohort::animals::against_baseline;
    use crate::cohort::series::{Measured, Observation};
    use crate::cohort::{AnimalValue, LongRow, LongTable, Scale, StatsParams, stats};

    /// Formation of one animal: dendrite, day, new spines, spines before; and of another that nothing happens to.
    fn animals(rows: &[(&str, f64, f64, f64)], params: &StatsParams) -> Vec<(Scale, f64, f64, usize)> {
        let row = |mouse: &str, &(dendrite, day, new, before): &(&str, f64, f64, f64)| LongRow {
            treatment: if mouse == "a" { "psilocybin".into() } else { "saline".into() },
            mouse: mouse.into(),
            dendrite: dendrite.into(),
            metric: "formation_rate".into(),
            day,
            value: Some(new / before),
            denominator: Some(before),
            ..LongRow::default()
        };
        let still = [("1", -1.0, 1.0, 8.0), ("1", 1.0, 1.0, 8.0)];
        let rows = rows.iter().map(|r| row("a", r)).chain(still.iter().map(|r| row("b", r))).collect();
        let found = stats(&LongTable::new(rows, vec![]).expect("valid"), params).expect("two arms");
        found.animals.iter().filter(|a| a.mouse == "a").map(|a| (a.scale, a.day, a.mean, a.dendrites)).collect()
    }

    #[test]
    fn a_baseline_is_that_of_all_days_before_on_the_dendrites_of_the_day() {
        let seen = |mouse, dendrite, day, value, over| Observation {
            arm: 1,
            mouse,
            cell: String::new(),
            dendrite,
            sex: String::new(),
            cell_type: String::new(),
            day,
            value,
            measured: Measured { value, denominator: Some(over) },
            baseline: None,
        };
        let raw = [
            seen(0, 0, -3.0, 0.1, 10.0),
            seen(0, 0, -1.0, 0.4, 20.0),
            seen(0, 0, 1.0, 0.5, 10.0),
            // Not seen on day 1, before, and in another animal only after.
            seen(0, 1, -1.0, 0.9, 90.0),
            seen(0, 2, 1.0, 0.9, 90.0),
            seen(1, 3, 1.0, 0.3, 10.0),
            seen(2, 4, -1.0, 0.2, 10.0),
            seen(2, 4, 1.0, 0.6, 10.0),
        ];
        let params = StatsParams::default();
        let pooled = against_baseline(&raw, 1, 1.0, &params);
        assert_eq!(pooled.len(), 2, "{pooled:?}");
        assert!((pooled[0].0 - 0.5).abs() < 1e-12 && (pooled[0].1 - 0.3).abs() < 1e-12, "{pooled:?}");
        assert!((pooled[1].0 - 0.6).abs() < 1e-12 && (pooled[1].1 - 0.2).abs() < 1e-12, "{pooled:?}");
        let apart = against_baseline(&raw, 1, 1.0, &StatsParams { animal_value: AnimalValue::Dendrites, ..params });
        assert!((apart[0].1 - 0.25).abs() < 1e-12, "{apart:?}");
        assert!(against_baseline(&raw, 0, 1.0, &StatsParams::default()).is_empty());
    }

    #[test]
    fn an_animal_is_all_its_spines_together_against_the_same_dendrites_before() {
        let rows = [
            ("1", -1.0, 0.0, 10.0),
            ("2", -1.0, 1.0, 2.0),
            // Seen before the dose only.
            ("3", -1.0, 4.0, 8.0),
            ("1", 1.0, 2.0, 10.0),
            ("2", 1.0, 0.0, 1.0),
        ];
        let found = animals(&rows, &StatsParams::default());
        let of = |scale, day| found.iter().find(|a| (a.0, a.1) == (scale, day)).expect("it is there");
        assert_eq!(of(Scale::Raw, -1.0).2, 5.0 / 20.0);
        assert_eq!(of(Scale::Raw, 1.0).2, 2.0 / 11.0);
        let (.., difference, dendrites) = *of(Scale::Difference, 1.0);
        assert!((difference - (2.0 / 11.0 - 1.0 / 12.0)).abs() < 1e-12 && dendrites == 2, "{difference}");

        let apart = StatsParams::default().animal_value(AnimalValue::Dendrites).expect("in range");
        let found = animals(&rows, &apart);
        let (.., difference, _) = found.iter().find(|a| (a.0, a.1) == (Scale::Difference, 1.0)).expect("it is there");
        assert!((difference - (0.2 - 0.5) / 2.0).abs() < 1e-12, "{difference}");
    }
}
