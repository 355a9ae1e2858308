//! Review without knowing the order of sessions, their days, or the group.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::io::{self, BlindKey};
use crate::model::{Blind, Session, Track};

/// Where everything is that a rater must not see.
pub const LOCKED: &str = "locked";
/// What a rater gets, beside that folder.
pub const BLIND_FILES: [&str; 3] = ["strips.png", "report.html", "curation-template.csv"];
/// What the codes stand for; in the folder [`LOCKED`].
pub const BLIND_KEY: &str = "blind-key.csv";
/// Where the blind pictures go when they are no longer needed.
const PUT_AWAY: &str = "blind";
/// Letters and digits that are not mistaken for each other and make no words.
const ALPHABET: &[u8] = b"23456789BCDFGHJKLMNPQRSTVWXYZ";

/// Codes for every site and session, from the checksums of the stacks and the places: the same stacks and the same place give the same code, and who does
/// not have the stacks cannot compute it.
///
/// ```
/// use gemmule::model::{Call, Session, Status, Track};
/// use gemmule::pipeline::{blind, blind_key};
/// use gemmule::units::PointUm;
/// let sessions = ["day0", "day2"].map(|name| Session { name: name.into(), day: None });
/// let place = PointUm::new(5.0, 10.0, 20.0);
/// let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls: vec![Call::bare(Status::Present, Some(place)); 2] }];
/// let stacks = ["ba7816bf".into(), "01ab23cd".into()]; // their SHA-256
/// let coded = blind("m1", &stacks, &sessions, &tracks);
/// assert_ne!(coded.codes[0][0], coded.codes[0][1]);
/// assert_eq!(blind("m1", &stacks, &sessions, &tracks), coded);
///
/// let dir = tempfile::tempdir().unwrap(); // no earlier review lies here
/// let key = blind_key(dir.path(), &coded, &sessions, &tracks)?;
/// assert_eq!(key[&coded.codes[0][1]], ("day2".into(), place));
/// # Ok::<(), gemmule::error::Error>(())
/// ```
pub fn blind(fov: &str, checksums: &[String], sessions: &[Session], tracks: &[Track]) -> Blind {
    let mut taken = BTreeSet::new();
    let mut code = |about: &str| {
        (0..)
            .map(|n| encoded(&format!("{fov}\n{}\n{about}\n{n}", checksums.join("\n"))))
            .find(|c| taken.insert(c.clone()))
    };
    let mut all = |about: String| code(&about).unwrap_or_default();
    let field = all("field".into());
    let coded_sessions = sessions.iter().map(|s| all(format!("session {}", s.name))).collect();
    let mut codes: Vec<Vec<String>> = Vec::with_capacity(tracks.len());
    for track in tracks {
        let call = |(k, call): (usize, &crate::model::Call)| {
            let place = call
                .place
                .map_or_else(|| format!("{}", track.track_id), |p| format!("{:.3} {:.3} {:.3}", p.z, p.y, p.x));
            all(format!("crop {} {place}", sessions[k].name))
        };
        codes.push(track.calls.iter().enumerate().map(call).collect());
    }
    let mut order: Vec<usize> = (0..codes.len()).collect();
    order.sort_by_key(|&site| codes[site].iter().min());
    let mut numbers = vec![0; codes.len()];
    (1..).zip(order).for_each(|(number, site)| numbers[site] = number);
    Blind { field, sessions: coded_sessions, numbers, codes }
}

/// Eight characters of a checksum.
fn encoded(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()])).collect()
}

/// What the codes stand for, and those of earlier runs in `folder`, so that a review that is under way keeps its meaning. See the example of [`blind`].
///
/// # Errors
/// [`Error::File`] for a key in `folder` that cannot be read.
pub fn blind_key(folder: &Path, blind: &Blind, sessions: &[Session], tracks: &[Track]) -> Result<BlindKey> {
    let before = folder.join(BLIND_KEY);
    let mut key = if before.exists() { io::read_blind_key(&before)? } else { BlindKey::new() };
    for (track, codes) in tracks.iter().zip(&blind.codes) {
        for ((call, code), session) in track.calls.iter().zip(codes).zip(sessions) {
            if let Some(place) = call.place {
                key.insert(code.clone(), (session.name.clone(), place));
            }
        }
    }
    Ok(key)
}

/// Whether results that are open lie in a folder, where a blind review would be none.
///
/// ```
/// use gemmule::pipeline::{TRACK_FILES, check_blind};
/// let dir = tempfile::tempdir().unwrap();
/// assert!(check_blind(dir.path(), &TRACK_FILES).is_ok());
/// std::fs::write(dir.path().join("tracks.csv"), "").unwrap();
/// assert!(check_blind(dir.path(), &TRACK_FILES).is_err()); // these calls could be looked at
/// ```
///
/// # Errors
/// [`Error::File`] naming the first.
pub fn check_blind(dir: &Path, open: &[&str]) -> Result<()> {
    let there = open.iter().find(|name| !BLIND_FILES.contains(name) && dir.join(name).exists());
    there.map_or(Ok(()), |name| {
        Err(Error::file(dir.join(name), "is open there, and a blind review would not be blind", "give another -o DIR"))
    })
}

/// Whether a blind review lies in a folder, which open results would end. See the example of [`unblind`].
///
/// # Errors
/// [`Error::File`] if it does.
pub fn check_open(dir: &Path) -> Result<()> {
    let key = dir.join(LOCKED).join(BLIND_KEY);
    if !key.exists() {
        return Ok(());
    }
    Err(Error::file(
        key,
        "is of a blind review, which open results would end",
        "run `gemmule unblind`, or give another -o DIR",
    ))
}

/// Unlocks the results of a blind run: puts the blind pictures into `blind/` and what was locked into their place. Returns what is open now.
///
/// ```
/// use gemmule::pipeline::{BLIND_KEY, LOCKED, check_open, unblind};
/// let dir = tempfile::tempdir().unwrap();
/// let locked = dir.path().join(LOCKED);
/// std::fs::create_dir(&locked).unwrap();
/// std::fs::write(locked.join("tracks.csv"), "").unwrap();
/// std::fs::write(locked.join(BLIND_KEY), "").unwrap();
/// assert!(check_open(dir.path()).is_err()); // a review is under way
/// let open = unblind(dir.path())?;
/// assert!(open.contains(&dir.path().join("tracks.csv")) && check_open(dir.path()).is_ok());
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] if nothing is locked there, something would be replaced, or a file cannot be moved.
pub fn unblind(dir: &Path) -> Result<Vec<PathBuf>> {
    let locked = dir.join(LOCKED);
    if !locked.join(BLIND_KEY).is_file() {
        return Err(Error::file(
            &locked,
            "holds no locked results",
            "give the folder that `gemmule track --blind` wrote",
        ));
    }
    let failed = |path: &Path, e: std::io::Error| {
        Error::file(path, format!("cannot be moved ({e})"), "check the permissions, and run it again")
    };
    let entries = fs::read_dir(&locked).map_err(|e| failed(&locked, e))?;
    let mut names: Vec<_> =
        entries.map(|e| e.map(|e| e.file_name())).collect::<std::io::Result<_>>().map_err(|e| failed(&locked, e))?;
    // The key last: until then it can be run again.
    names.sort_by_key(|name| (name == BLIND_KEY, name.clone()));
    let away = dir.join(PUT_AWAY);
    fs::create_dir_all(&away).map_err(|e| failed(&away, e))?;
    for name in BLIND_FILES {
        let (from, to) = (dir.join(name), away.join(name));
        if from.exists() && locked.join(name).exists() {
            fs::rename(&from, &to).map_err(|e| failed(&from, e))?;
        }
    }
    if let Some(name) = names.iter().find(|name| dir.join(name).exists()) {
        return Err(Error::file(
            dir.join(name),
            "is there already, and results are not replaced unasked",
            "move it away",
        ));
    }
    let mut open = Vec::with_capacity(names.len());
    for name in &names {
        let (from, to) = (locked.join(name), dir.join(name));
        fs::rename(&from, &to).map_err(|e| failed(&from, e))?;
        open.push(to);
    }
    // Only an empty folder is removed; another file in it stays.
    fs::remove_dir(&locked).map_err(|e| failed(&locked, e))?;
    Ok(open)
}

#[cfg(test)]
mod tests {
    use crate::model::{Call, Session, Status, Track};
    use crate::pipeline::blind::{blind, blind_key};
    use crate::units::PointUm;

    #[test]
    fn codes_are_unique_repeatable_and_in_no_order() {
        let sessions = ["a", "b", "c"].map(|name| Session { name: name.into(), day: None });
        let track = |n: u32| {
            let call = |k: u32| Call::bare(Status::Present, Some(PointUm::new(1.0, f64::from(n), f64::from(k))));
            Track { track_id: n, dendrite_id: 1, s_um: 0.0, calls: (0..3).map(call).collect() }
        };
        let tracks: Vec<Track> = (1..=300).map(track).collect();
        let made = |sum: &str| blind("fov", &[sum.to_owned()], &sessions, &tracks);
        let codes = made("1");
        assert_eq!(codes, made("1"));
        assert!(codes.codes.iter().flatten().all(|code| code.len() == 8 && !made("2").codes[0].contains(code)));
        let all: std::collections::BTreeSet<&String> = codes.codes.iter().flatten().collect();
        assert_eq!(all.len(), 900);
        // Each of the six orders comes at about a sixth of the sites: 50, standard deviation 6.5.
        let mut counts = std::collections::BTreeMap::new();
        (0..300).for_each(|site| *counts.entry(codes.order(site)).or_insert(0) += 1);
        assert!(counts.len() == 6 && counts.values().all(|n| (25..=75).contains(n)), "{counts:?}");
        // Numbers are those of no track: in order by chance half of the time, standard deviation 8.6 of 299.
        let rising = codes.numbers.windows(2).filter(|w| w[0] < w[1]).count();
        assert!((110..=190).contains(&rising), "{rising}");
        let mut numbers = codes.numbers.clone();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=300).collect::<Vec<u32>>());
        // A review that is under way keeps its codes, whatever is found in the next run.
        let dir = tempfile::tempdir().unwrap();
        let key = |codes, tracks: &[Track]| blind_key(dir.path(), codes, &sessions, tracks).unwrap();
        crate::io::write_blind_key(dir.path().join(super::BLIND_KEY), &key(&codes, &tracks)).unwrap();
        let both = key(&made("2"), &tracks);
        assert!(both.len() == 1800 && codes.codes.iter().flatten().all(|code| both.contains_key(code)));
        assert_eq!(both[&codes.codes[4][2]], ("c".to_owned(), PointUm::new(1.0, 5.0, 2.0)));
        // A place that is still there keeps its code, whatever its number.
        let fewer = blind("fov", &["1".into()], &sessions, &tracks[7..]);
        assert_eq!(fewer.codes[0], codes.codes[7]);
    }
}
