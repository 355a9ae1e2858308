//! Rates, bounds and tables, by hand and on human marks.

use std::collections::BTreeMap;

use gemmule::dynamics::{
    Basis, Cohort, DendriteLength, DynamicsParams, Turnover, bootstrap, intervals, survival, write_dynamics_csv,
    write_survival_csv,
};
use gemmule::model::{Call, Session, Status, Track, UnscorableReason};
use proptest::prelude::*;

fn sessions(days: &[f64]) -> Vec<Session> {
    days.iter().enumerate().map(|(n, &day)| Session { name: n.to_string(), day: Some(day) }).collect()
}

/// A track from "+", "-" and "?" per session.
fn track(track_id: u32, dendrite_id: u32, calls: &str) -> Track {
    let call = |c| match c {
        '+' => Call { p_present: Some(0.9), ..Call::bare(Status::Present, None) },
        '-' => Call { p_present: Some(0.2), ..Call::bare(Status::Absent, None) },
        _ => Call::bare(Status::Unscorable, None),
    };
    Track { track_id, dendrite_id, s_um: 0.0, calls: calls.chars().map(call).collect() }
}

#[test]
fn only_sites_scorable_in_both_count() {
    let tracks: Vec<Track> =
        ["++", "++", "+-", "-+", "+?", "?+", "--"].iter().zip(1..).map(|(c, n)| track(n, 1, c)).collect();
    let lengths = [DendriteLength { session: 0, dendrite_id: 1, length_um: 8.0 }];
    let all = intervals(&sessions(&[0.0, 4.0]), &tracks, &lengths, &DynamicsParams::default()).unwrap();
    assert_eq!(all.len(), 2, "one dendrite and all together");
    let it = &all[1];
    assert_eq!((it.dendrite_id, it.n, it.unscorable), (None, (4, 4), 2));
    let c = &it.called;
    assert_eq!((c.scorable_a, c.persistent, c.formed, c.eliminated), (3.0, 2.0, 1.0, 1.0));
    assert_eq!(it.density_per_um(), (Some(0.5), None));
    let rates = |variant| c.rates(variant).turnover.unwrap();
    assert!((rates(Turnover::OverBoth) - 2.0 / 6.0).abs() < 1e-12);
    assert!((rates(Turnover::MeanOfRates) - (1.0 / 3.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
    assert!((rates(Turnover::OverCurrent) - 2.0 / 6.0).abs() < 1e-12);
    // Two of .9 .9, one of .9 .2, one of .2 .9, one of .2 .2.
    let expected = 2.0 * 0.81 + 0.18 + 0.18 + 0.04;
    assert!((it.expected.persistent - expected).abs() < 1e-12, "{:?}", it.expected);
    assert!((it.expected.scorable_a - (2.7 + 0.4)).abs() < 1e-12);
}

/// What a session between two others would have shown is not known: the two are compared as if they followed each other.
#[test]
fn a_session_left_out_ends_no_interval_and_is_no_baseline() {
    let params = DynamicsParams::default();
    let kept: Vec<Track> = ["++", "+-", "-+", "++"].iter().zip(1..).map(|(c, n)| track(n, 1, c)).collect();
    let left_out = Call { reason: Some(UnscorableReason::NotRegistered), ..Call::bare(Status::Unscorable, None) };
    let lengths = |last| [0, last].map(|session| DendriteLength { session, dendrite_id: 1, length_um: 8.0 });
    let with_it = |at: usize| -> Vec<Track> {
        let add = |t: &Track| {
            let mut calls = t.calls.clone();
            calls[1].p_both = Some(0.7);
            calls.insert(at, left_out.clone());
            Track { calls, ..t.clone() }
        };
        kept.iter().map(add).collect()
    };
    let two = sessions(&[0.0, 4.0]);
    let middle = intervals(&sessions(&[0.0, 2.0, 4.0]), &with_it(1), &lengths(2), &params).unwrap();
    assert_eq!((middle.len(), middle[1].sessions, middle[1].unscorable), (2, (0, 2), 0));
    assert_eq!(middle[1].called, intervals(&two, &kept, &lengths(1), &params).unwrap()[1].called);
    assert!((middle[1].expected.persistent - 4.0 * 0.7).abs() < 1e-12, "{:?}", middle[1].expected);
    // The spines of the first session that is known are followed.
    let first = with_it(0);
    assert_eq!(intervals(&sessions(&[-2.0, 0.0, 4.0]), &first, &[], &params).unwrap()[1].sessions, (1, 2));
    let alive = survival(&sessions(&[-2.0, 0.0, 4.0]), &first, Cohort::Baseline, &params).unwrap();
    let steps: Vec<_> = alive.iter().map(|p| (p.session, p.since, p.n_at_risk, p.n_lost)).collect();
    assert_eq!(steps, [(1, 0.0, 3, 0), (2, 4.0, 3, 1)]);
    // It has no point of its own, and nothing was formed at it.
    let points = |cohort| survival(&sessions(&[0.0, 2.0, 4.0]), &with_it(1), cohort, &params).unwrap();
    assert_eq!(points(Cohort::Baseline).iter().map(|p| p.session).collect::<Vec<_>>(), [0, 2]);
    assert_eq!((points(Cohort::FormedAt(1)), points(Cohort::FormedAt(2)).len()), (vec![], 1));
}

proptest! {
    #[test]
    fn numbers_add_up(rows in prop::collection::vec("[-+?]{3}", 1..40)) {
        let tracks: Vec<Track> = rows.iter().zip(1..).map(|(c, n)| track(n, n % 3, c)).collect();
        for it in intervals(&sessions(&[0.0, 1.0, 2.0]), &tracks, &[], &DynamicsParams::default()).unwrap() {
            let c = it.called;
            prop_assert_eq!(c.scorable_a, c.persistent + c.eliminated);
            prop_assert!(c.scorable_a <= it.n.0 as f64 && c.persistent + c.formed <= it.n.1 as f64);
            prop_assert!((it.expected.scorable_a - it.expected.persistent - it.expected.eliminated).abs() < 1e-9);
        }
        let points = survival(&sessions(&[0.0, 1.0, 2.0]), &tracks, Cohort::Baseline, &DynamicsParams::default()).unwrap();
        for p in &points {
            prop_assert!(p.bounds.0 <= p.fraction && p.fraction <= p.bounds.1, "{:?}", p);
        }
        prop_assert!(points.windows(2).all(|w| w[1].fraction <= w[0].fraction));
    }
}

#[test]
fn bounds_hold_the_rate_and_repeat() {
    let tracks: Vec<Track> = (0..200).map(|n| track(n, 1, if n % 10 == 0 { "+-" } else { "++" })).collect();
    let refs: Vec<&Track> = tracks.iter().collect();
    let params = DynamicsParams::default();
    let (lower, upper) = bootstrap(&refs, (0, 1), Basis::Called, &params).elimination.unwrap();
    // Binomial: .1 +- 1.96 * sqrt(.09 / 200) = .042; 1000 resamples leave some .003.
    assert!((lower - 0.058).abs() < 0.008 && (upper - 0.142).abs() < 0.008, "{lower} {upper}");
    assert_eq!(bootstrap(&refs, (0, 1), Basis::Called, &params), bootstrap(&refs, (0, 1), Basis::Called, &params));
    assert_eq!(bootstrap(&[], (0, 1), Basis::Called, &params).elimination, None);
}

#[test]
fn tables_have_the_promised_columns() {
    let dir = tempfile::tempdir().unwrap();
    let tracks = [track(1, 1, "++-"), track(2, 1, "-++"), track(3, 2, "+?+")];
    let (sessions, params) = (sessions(&[0.0, 2.0, 6.0]), DynamicsParams::default());
    let path = dir.path().join("dynamics.csv");
    write_dynamics_csv(&path, "a", &sessions, &tracks, &[], &params).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let head = "fov,dendrite_id,session_a,session_b,day_a,day_b,n_a,n_b,scorable_a,persistent,formed,eliminated,unscorable,\
                formation_rate,elimination_rate,turnover_ratio,density_a_per_um,density_b_per_um,length_um";
    assert!(text.starts_with(head), "{text}");
    assert!(text.contains("\na,all,0,1,0.00000,2.00000,2,2,1,1,1,0,1,1.00000,0.00000,0.33333,,,,over-both,"), "{text}");
    assert_eq!(text.lines().count(), 1 + 2 * 3);
    let path = dir.path().join("survival.csv");
    write_survival_csv(&path, "a", &sessions, &tracks, &params).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("fov,cohort,session,day_since,n_at_risk,survival_fraction,lower,upper\n"), "{text}");
    assert!(
        text.contains("a,baseline,2,6.00000,2,0.50000,") && text.contains("a,formed-1,1,0.00000,1,1.00000,"),
        "{text}"
    );
    let error = intervals(&sessions, &[track(9, 1, "++")], &[], &params).unwrap_err().to_string();
    assert!(error.starts_with("calls of track 9 is 2, allowed is 3"), "{error}");
}

/// The human's tracks give what the data's own tables say.
#[test]
fn human_turnover_is_as_expected() {
    let Some(data) = std::env::var_os("GEMMULE_DATA") else {
        eprintln!("NOT RUN: set GEMMULE_DATA to the folder of rr30a");
        return;
    };
    let folder = std::path::Path::new(&data).join("rr30a");
    let table = |name: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    };
    let mut seen: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for row in table("spines.csv") {
        let key = (row["track_id"].clone(), row["dendrite_id"].clone());
        seen.entry(key).or_default().push(row["session"].parse().unwrap());
    }
    let calls = |at: &[usize]| (0..3).map(|k| if at.contains(&k) { '+' } else { '-' }).collect::<String>();
    let tracks: Vec<Track> =
        seen.iter().zip(1..).map(|((key, at), n)| track(n, key.1.parse().unwrap(), &calls(at))).collect();
    let found = intervals(&sessions(&[0.0, 4.0, 7.0]), &tracks, &[], &DynamicsParams::default()).unwrap();
    let expected = table("expected_turnover.csv");
    assert!(expected.len() > 5);
    for row in expected {
        let number = |column: &str| row[column].parse::<f64>().unwrap();
        let (a, id) = (number("session_a") as usize, row["dendrite_id"].parse::<u32>().ok());
        let mine = found.iter().find(|it| it.sessions.0 == a && it.dendrite_id == id).unwrap();
        assert_eq!(mine.called.persistent, number("persistent"), "{row:?}");
        assert_eq!((mine.called.formed, mine.called.eliminated), (number("formed"), number("eliminated")), "{row:?}");
        let turnover = mine.called.rates(Turnover::OverBoth).turnover.unwrap();
        assert!((turnover - number("turnover_ratio")).abs() < 1e-5, "{row:?}");
    }
    let survived =
        survival(&sessions(&[0.0, 4.0, 7.0]), &tracks, Cohort::Baseline, &DynamicsParams::default()).unwrap();
    for row in table("expected_survival.csv").iter().filter(|row| row["baseline_session"] == "0") {
        let point = &survived[row["session"].parse::<usize>().unwrap()];
        assert!((point.fraction - row["survival"].parse::<f64>().unwrap()).abs() < 1e-5, "{row:?} {point:?}");
    }
}
