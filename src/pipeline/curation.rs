//! What people decided, matched to the sites of this run by place.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io::{self, AppliedRow, BlindKey, CurationRow, Marked, TrackPlaces};
use crate::model::{Session, Verdict};
use crate::params::params;
use crate::units::PointUm;

params! {
    /// From what people decided to the sites of a run.
    ///
    /// ```
    /// use gemmule::pipeline::CurationParams;
    /// let params = CurationParams::default().reach_um(0.5)?;
    /// assert_eq!((params.reach_um, params.reach_z_um), (0.5, 2.0));
    /// assert!(params.reach_z_um(0.0).is_err());
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub struct CurationParams in "curation" {
        /// Farthest a site may be from the place marked, in the image plane.
        reach_um: f64 = 0.8, "µm", 0.01..=10.0, "spines are at least detect.apart_s_um apart; a place moves less than this between runs";
        /// The same along z.
        reach_z_um: f64 = 2.0, "µm", 0.01..=20.0, "planes of 1 µm, and a head's plane is uncertain by one";
    }
}

/// Marks nearer than this (image plane, z) are one place marked twice: spines do not stand so close.
const ONE_PLACE_UM: (f64, f64) = (0.3, 1.0);

/// Decisions of people, each about a place in a session. See the example of [`Curation::read`].
#[derive(Clone, Debug, Default)]
pub struct Curation {
    path: PathBuf,
    marks: Vec<Mark>,
    /// Rows without a verdict.
    pub undecided: usize,
}

#[derive(Clone, Debug)]
struct Mark {
    session: usize,
    name: String,
    place: PointUm,
    row: CurationRow,
}

impl Curation {
    /// Reads a `curation.csv`; `key` is the `blind-key.csv` of rows by code, `tracks` the `tracks.csv` of rows by track number.
    ///
    /// ```
    /// use gemmule::model::Session;
    /// use gemmule::pipeline::Curation;
    /// let sessions = ["day0", "day2"].map(|name| Session { name: name.into(), day: None });
    /// let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("curation.csv");
    /// std::fs::write(&path, "session,z_um,y_um,x_um,verdict\nday0,5,10,20,present\nday2,5,11,21,\n").unwrap();
    /// assert_eq!(Curation::read(&path, &sessions, None, None)?.undecided, 1);
    /// assert!(Curation::read(&path, &sessions[1..], None, None).is_err()); // there is no session day0
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`io::read_curation`]; rows about sessions, codes or tracks that are not there, or that need a file that is not given.
    pub fn read(path: &Path, sessions: &[Session], key: Option<&Path>, tracks: Option<&Path>) -> Result<Self> {
        let (rows, undecided) = io::read_curation(path)?;
        let key: Option<BlindKey> = key.map(io::read_blind_key).transpose()?;
        let tracks: Option<TrackPlaces> = tracks.map(io::read_track_places).transpose()?;
        let mark = |row: CurationRow| {
            let (name, place) = placed(path, &row, key.as_ref(), tracks.as_ref())?;
            let session = sessions.iter().position(|s| s.name == name).ok_or_else(|| {
                let names: Vec<&str> = sessions.iter().map(|s| s.name.as_str()).collect();
                let problem =
                    format!("line {} is about session \"{name}\", the series has {}", row.line, names.join(", "));
                Error::file(path, problem, "correct or leave out the row")
            })?;
            Ok(Mark { session, name, place, row })
        };
        let marks = rows.into_iter().map(mark).collect::<Result<_>>()?;
        Ok(Self { path: path.into(), marks, undecided })
    }

    /// Matches the decisions to sites. `places` has, by site and session, where the site may be said to lie.
    ///
    /// # Errors
    /// Decisions that contradict each other; a spine marked present where there is no site.
    pub(super) fn matched(&self, places: &[Vec<Vec<PointUm>>], params: &CurationParams) -> Result<Rulings> {
        let sessions = places.first().map_or(0, Vec::len);
        let mut rulings =
            Rulings { by_site: vec![vec![None; sessions]; places.len()], sites: vec![None; self.marks.len()] };
        for k in 0..sessions {
            let groups = self.groups(k)?;
            let mut near: Vec<(f64, usize, usize)> = Vec::new();
            for (g, group) in groups.iter().enumerate() {
                let mark = self.marks[group[0]].place;
                for (site, of) in places.iter().enumerate() {
                    let cost = of[k].iter().filter_map(|&p| cost(mark, p, params)).min_by(f64::total_cmp);
                    near.extend(cost.map(|c| (c, g, site)));
                }
            }
            // The nearest first, each place and each site once.
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            for (_, g, site) in near {
                if rulings.by_site[site][k].is_none() && rulings.sites[groups[g][0]].is_none() {
                    rulings.by_site[site][k] = Some(self.ruling(groups[g][0]));
                    groups[g].iter().for_each(|&mark| rulings.sites[mark] = Some(site));
                }
            }
        }
        self.nowhere(&rulings, params)?;
        self.spread(&mut rulings)?;
        Ok(rulings)
    }

    /// The decisions as applied; `track_of` gives the track of a site.
    pub(super) fn applied(&self, rulings: &Rulings, track_of: impl Fn(usize) -> Option<u32>) -> Vec<AppliedRow> {
        let row = |(mark, site): (&Mark, &Option<usize>)| AppliedRow {
            track_id: site.and_then(&track_of),
            session: mark.name.clone(),
            place: mark.place,
            row: mark.row.clone(),
        };
        self.marks.iter().zip(&rulings.sites).map(row).collect()
    }

    fn ruling(&self, mark: usize) -> Ruling {
        let row = &self.marks[mark].row;
        let who = if row.who.is_empty() { "someone".to_owned() } else { row.who.clone() };
        Ruling { verdict: row.verdict, who, line: row.line }
    }

    /// Marks of one place in session `k`.
    fn groups(&self, k: usize) -> Result<Vec<Vec<usize>>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (n, mark) in self.marks.iter().enumerate().filter(|(_, m)| m.session == k) {
            let same = |first: &Mark| {
                let d = (mark.place.z - first.place.z, mark.place.y - first.place.y, mark.place.x - first.place.x);
                d.1.hypot(d.2) <= ONE_PLACE_UM.0 && d.0.abs() <= ONE_PLACE_UM.1
            };
            match groups.iter_mut().find(|g| same(&self.marks[g[0]])) {
                Some(group) => {
                    let first = &self.marks[group[0]];
                    if first.row.verdict != mark.row.verdict {
                        return Err(self.contradiction(&self.ruling(group[0]), &self.ruling(n), &mark.name));
                    }
                    group.push(n);
                }
                None => groups.push(vec![n]),
            }
        }
        Ok(groups)
    }

    fn contradiction(&self, a: &Ruling, b: &Ruling, session: &str) -> Error {
        let problem = format!(
            "lines {} and {} contradict each other: {} (by {}) and {} (by {}) at the same site, session {session}",
            a.line,
            b.line,
            word(a.verdict),
            a.who,
            word(b.verdict),
            b.who
        );
        Error::file(&self.path, problem, "agree on one verdict and leave out the other row")
    }

    /// A spine that a person sees and the run does not know must not be lost; of other verdicts nothing is lost where there is no site.
    fn nowhere(&self, rulings: &Rulings, params: &CurationParams) -> Result<()> {
        let lost: Vec<String> = self
            .marks
            .iter()
            .zip(&rulings.sites)
            .filter(|(mark, site)| site.is_none() && mark.row.verdict == Verdict::Present)
            .map(|(m, _)| {
                format!(
                    "line {} (session {}: z {:.2}, y {:.2}, x {:.2})",
                    m.row.line, m.name, m.place.z, m.place.y, m.place.x
                )
            })
            .collect();
        if lost.is_empty() {
            return Ok(());
        }
        let problem = format!(
            "marks a spine as present where this run has no site within {} µm ({} µm along z): {}",
            params.reach_um,
            params.reach_z_um,
            lost.join("; ")
        );
        Err(Error::file(
            &self.path,
            problem,
            "correct the place, lower detect.score_min so that it is found, or leave out the row",
        ))
    }

    /// What is not a spine is none in any session.
    fn spread(&self, rulings: &mut Rulings) -> Result<()> {
        for site in &mut rulings.by_site {
            let Some(not) = site.iter().flatten().find(|r| r.verdict == Verdict::NotASpine).cloned() else { continue };
            if let Some(present) = site.iter().flatten().find(|r| r.verdict == Verdict::Present) {
                return Err(self.contradiction(&not, present, "any: what is not a spine is none in every session"));
            }
            site.iter_mut().for_each(|ruling| *ruling = Some(not.clone()));
        }
        Ok(())
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Present => "present",
        Verdict::Absent => "absent",
        Verdict::Unscorable => "unscorable",
        Verdict::NotASpine => "not-a-spine",
    }
}

/// Session and place of a row.
fn placed(
    path: &Path,
    row: &CurationRow,
    key: Option<&BlindKey>,
    tracks: Option<&TrackPlaces>,
) -> Result<(String, PointUm)> {
    let error = |problem: String, remedy: &str| Error::file(path, format!("line {} {problem}", row.line), remedy);
    match &row.marked {
        Marked::Place(session, place) => Ok((session.clone(), *place)),
        Marked::Code(code) => {
            let remedy = "give the blind-key.csv of the run that was reviewed as --blind-key";
            let key = key.ok_or_else(|| error(format!("has code {code}, and there is no key"), remedy))?;
            key.get(code).cloned().ok_or_else(|| error(format!("has code {code}, which is not in the key"), remedy))
        }
        Marked::Track(session, id) => {
            let remedy = "give z_um, y_um, x_um, or the tracks.csv that the number is from as --curated-tracks";
            let tracks = tracks.ok_or_else(|| {
                error(format!("has track_id {id} and no place; numbers change from run to run"), remedy)
            })?;
            let place = tracks.get(&(*id, session.clone())).ok_or_else(|| {
                error(format!("has track_id {id} in session {session}, which has no place in that table"), remedy)
            })?;
            Ok((session.clone(), *place))
        }
    }
}

/// Distance over reach, where within it.
fn cost(a: PointUm, b: PointUm, params: &CurationParams) -> Option<f64> {
    let (plane, z) = ((a.y - b.y).hypot(a.x - b.x) / params.reach_um, (a.z - b.z).abs() / params.reach_z_um);
    (plane <= 1.0 && z <= 1.0).then(|| plane.hypot(z))
}

/// A decision about a site in a session.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ruling {
    pub(super) verdict: Verdict,
    pub(super) who: String,
    line: u64,
}

/// Decisions by site and session, and the site of every decision.
#[derive(Clone, Debug)]
pub(super) struct Rulings {
    pub(super) by_site: Vec<Vec<Option<Ruling>>>,
    sites: Vec<Option<usize>>,
}

impl Rulings {
    /// What is known for certain of a site, by session.
    pub(super) fn known(&self) -> Vec<Vec<Option<bool>>> {
        let of = |ruling: &Option<Ruling>| match ruling.as_ref().map(|r| r.verdict) {
            Some(Verdict::Present) => Some(true),
            Some(Verdict::Absent | Verdict::NotASpine) => Some(false),
            Some(Verdict::Unscorable) | None => None,
        };
        self.by_site.iter().map(|site| site.iter().map(of).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::model::{Session, Verdict};
    use crate::pipeline::curation::{Curation, CurationParams, Rulings};
    use crate::units::PointUm;

    fn read(text: &str) -> Result<Curation, String> {
        let dir = tempfile::tempdir().unwrap();
        let (path, tracks, key) = (dir.path().join("c.csv"), dir.path().join("t.csv"), dir.path().join("k.csv"));
        std::fs::write(&path, text).unwrap();
        std::fs::write(&tracks, "track_id,session,z_um,y_um,x_um\n4,a,1,5,5\n4,b,,,\n").unwrap();
        std::fs::write(&key, "code,session,z_um,y_um,x_um\nQ2,b,1,5,5\n").unwrap();
        let sessions = ["a", "b"].map(|name| Session { name: name.into(), day: None });
        let refer = |given: bool, path: &'static str| given.then(|| dir.path().join(path));
        let bare = text.contains("bare");
        let (key, tracks) = (refer(!bare, "k.csv"), refer(!bare, "t.csv"));
        Curation::read(&path, &sessions, key.as_deref().map(Path::new), tracks.as_deref()).map_err(|e| e.to_string())
    }

    /// Two sites 1 µm apart, in both sessions at the same place.
    fn matched(text: &str) -> Result<Rulings, String> {
        let site = |x: f64| vec![vec![PointUm::new(1.0, 5.0, x)]; 2];
        read(text)?.matched(&[site(5.0), site(6.0)], &CurationParams::default()).map_err(|e| e.to_string())
    }

    fn verdicts(rulings: &Rulings) -> Vec<Vec<Option<Verdict>>> {
        rulings.by_site.iter().map(|s| s.iter().map(|r| r.as_ref().map(|r| r.verdict)).collect()).collect()
    }

    #[test]
    fn rows_are_matched_by_place_code_or_track_to_the_nearest_site_in_reach() {
        use Verdict::{Absent, Present};
        let text = "track_id,session,z_um,y_um,x_um,verdict,who,code\n9,a,1.5,5.1,5.9,Present,me,\n,,,,,absent,me,q2\n4,a,,,,,,\n4,a,,,,absent,me,\n";
        let rulings = matched(text).unwrap();
        assert_eq!(verdicts(&rulings), [[Some(Absent), Some(Absent)], [Some(Present), None]]);
        assert_eq!(read(text).unwrap().undecided, 1);
        assert_eq!(rulings.known()[0], [Some(false), Some(false)]);
    }

    #[test]
    fn what_cannot_be_applied_is_named_by_its_line() {
        let head = "session,z_um,y_um,x_um,verdict,who\n";
        let fault = |rows: &str| matched(&format!("{head}{rows}")).unwrap_err();
        assert!(fault("a,1,5,5,maybe,me\n").contains("line 2, column verdict is \"maybe\""));
        assert!(
            fault("a,1,5,5,absent,me\nc,1,5,5,absent,me\n")
                .contains("line 3 is about session \"c\", the series has a, b")
        );
        assert!(fault("a,1,5,oops,absent,me\n").contains("line 2, column x_um"));
        let far = fault("a,1,5,5,absent,me\nb,1,9,9,present,me\n");
        assert!(far.contains("line 3 (session b") && far.contains("score_min"), "{far}");
        let both = fault("a,1,5,5,absent,me\na,1,5,5.1,present,you\n");
        assert!(both.contains("lines 2 and 3 contradict") && both.contains("by you"), "{both}");
        let not = fault("a,1,5,5,not-a-spine,me\nb,1,5,5,present,you\n");
        assert!(not.contains("lines 2 and 3 contradict"), "{not}");
        assert!(matched("session,track_id,verdict,note\na,4,absent,bare\n").unwrap_err().contains("--curated-tracks"));
        assert!(matched("code,verdict,note\nQ2,absent,bare\n").unwrap_err().contains("--blind-key"));
        assert!(matched("code,verdict\nQ3,absent\n").unwrap_err().contains("Q3, which is not in the key"));
        assert!(matched("verdict\nabsent\n").unwrap_err().contains("session"));
        // Nothing is lost: there is no spine, and no site that says there is.
        let rulings = matched(&format!("{head}b,1,9,9,absent,me\n")).unwrap();
        assert_eq!(rulings.sites, [None]);
    }

    #[test]
    fn what_is_not_a_spine_is_none_in_any_session_and_raters_may_agree() {
        let rulings = matched("session,z_um,y_um,x_um,verdict\na,1,5,5,not-a-spine\na,1,5,5.05,not-a-spine\n").unwrap();
        assert_eq!(verdicts(&rulings)[0], [Some(Verdict::NotASpine); 2]);
        assert_eq!((rulings.sites[0], rulings.sites[1]), (Some(0), Some(0)));
        assert_eq!(verdicts(&rulings)[1], [None; 2]);
    }
}
