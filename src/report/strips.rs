//! `strips.png`: each site over the sessions, for a person to check what was called.

use image::RgbImage;

use crate::error::Result;
use crate::model::{Blind, Call, Session, Status, Track};
use crate::report::canvas::{Canvas, Font, Pen};
use crate::report::grey::{Contrast, plane_crop};
use crate::report::style;
use crate::volume::Source;

/// Side of a crop, µm: the site, its shaft and its neighbours.
const SIDE_UM: f64 = 6.0;
/// Side of a crop, pixels.
const SIDE: u32 = 100;
/// Pixels between crops.
const GAP: u32 = 8;
/// A line of text below each crop.
const TEXT: u32 = 20;
/// Height of the header: title, legend, sessions.
const HEADER: u32 = 88;
/// Width of the site's number beside its crops.
const LABEL: u32 = 72;
/// Sites below each other before the next block begins to the right.
const ROWS: u32 = 60;
/// Radius of the ring around a site, µm.
const RING_UM: f64 = 0.55;
/// Most crops in one picture: some 100 million pixels.
const MAX_CROPS: usize = 8000;

/// A picture that is drawn session by session, so that only one stack is held. See the example of [`Strips::new`].
pub struct Strips<'a> {
    canvas: Canvas,
    sessions: &'a [Session],
    shown: Vec<(usize, &'a Track)>,
    blind: Option<&'a Blind>,
}

impl<'a> Strips<'a> {
    /// An empty picture: one row per site by number, one column per session. Where there are more than 8000 crops the least certain sites are shown (whose
    /// `p_present` comes nearest to .5), and the title says so. With `blind` each site's
    /// crops stand in the order of their codes, which are all that is said of them.
    ///
    /// ```
    /// use gemmule::model::{Call, Session, Status, Track};
    /// use gemmule::report::Strips;
    /// use gemmule::units::{PointUm, VoxelSize};
    /// use gemmule::volume::{Shape, Stack, Volume, Voxels};
    /// let sessions = [Session { name: "0".into(), day: Some(0.0) }];
    /// let calls = vec![Call::bare(Status::Absent, Some(PointUm::new(1.0, 2.0, 2.0)))];
    /// let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls }];
    /// let mut strips = Strips::new("m1", &sessions, &tracks, None);
    /// let voxels = Voxels::U16(Volume::filled(Shape::new(3, 40, 50)?, 100));
    /// strips.session(0, &Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? });
    /// assert!(strips.picture().height() > 200);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn new(title: &str, sessions: &'a [Session], tracks: &'a [Track], blind: Option<&'a Blind>) -> Self {
        let fits = (MAX_CROPS / sessions.len().max(1)).max(1);
        let mut shown: Vec<(usize, &Track)> = tracks.iter().enumerate().collect();
        shown.sort_by(|a, b| b.1.doubt().total_cmp(&a.1.doubt()).then(a.0.cmp(&b.0)));
        shown.truncate(fits);
        shown.sort_by_key(|t| blind.map_or(t.1.track_id, |b| b.numbers[t.0]));
        let blocks = (shown.len() as u32).div_ceil(ROWS).max(1);
        let rows = (shown.len() as u32).clamp(1, ROWS);
        let width = (GAP + blocks * block_width(sessions)).max(760);
        let mut canvas = Canvas::new(width, HEADER + rows * (SIDE + TEXT + GAP) + GAP);
        let left_out = match tracks.len() - shown.len() {
            0 => String::new(),
            n => format!(", the {} least certain ones; {n} are not shown", shown.len()),
        };
        let heading = format!("{title}  {} sites, {} sessions{left_out}", tracks.len(), sessions.len());
        canvas.text((GAP as i32, 6), &heading, Font::LARGE, style::INK);
        let mut x = GAP;
        let statuses = [Status::Present, Status::Absent, Status::Unscorable];
        for status in statuses.into_iter().filter(|_| blind.is_none()) {
            let (name, colour) = (format!("{status:?}").to_lowercase(), style::status_colour(status));
            canvas.disc(((x + 6) as f32, 46.0), 6.0, colour);
            canvas.text((x as i32 + 18, 38), &name, Font::SMALL, colour);
            x += 40 + Font::SMALL.width(&name);
        }
        let legend = match blind {
            Some(_) => "codes instead of sessions, in no order of time; crops of 6 µm, plane of the site",
            None => "and P(present); crops of 6 µm, plane of the site",
        };
        canvas.text((x as i32, 38), legend, Font::SMALL, style::FAINT);
        for block in 0..blocks {
            for (k, session) in sessions.iter().enumerate().filter(|_| blind.is_none()) {
                let left = GAP + block * block_width(sessions) + LABEL + k as u32 * (SIDE + GAP);
                let day = session.day.map_or_else(String::new, |d| format!(" d{d:.4}"));
                let day = day.trim_end_matches('0').trim_end_matches('.');
                let name: String = format!("{}{day}", session.name).chars().take(12).collect();
                canvas.text((left as i32, 64), &name, Font::BOLD, style::INK);
            }
        }
        Self { canvas, sessions, shown, blind }
    }

    /// Draws the column of session `k` (its position among the sessions) from its stack; beyond the last session nothing is drawn. See the example of [`Strips::new`].
    ///
    /// # Errors
    /// What reading the planes of a stack that is not in memory says.
    pub fn session<'s>(&mut self, k: usize, stack: impl Into<Source<'s>>) -> Result<()> {
        let stack = stack.into();
        let width = block_width(self.sessions);
        for (n, &(site, track)) in (0_u32..).zip(&self.shown) {
            let Some(call) = track.calls.get(k) else { continue };
            let (left, top) = (GAP + n / ROWS * width, HEADER + n % ROWS * (SIDE + TEXT + GAP));
            if k == 0 {
                let name = self.blind.map_or(track.track_id, |b| b.numbers[site]).to_string();
                self.canvas.text((left as i32, top as i32 + 30), &name, Font::BOLD, style::INK);
                let dendrite = if self.blind.is_none() { format!("D{}", track.dendrite_id) } else { String::new() };
                self.canvas.text((left as i32, top as i32 + 50), &dendrite, Font::SMALL, style::FAINT);
            }
            let column = self.blind.map_or(k, |b| b.order(site).iter().position(|&s| s == k).unwrap_or(k));
            let at = (left + LABEL + column as u32 * (SIDE + GAP), top);
            match self.blind {
                None => crop(&mut self.canvas, at, stack, call, style::status_colour(call.status), &said(call))?,
                Some(blind) => crop(&mut self.canvas, at, stack, call, style::INK, &blind.codes[site][k])?,
            }
        }
        Ok(())
    }

    /// The picture as far as it is drawn. See the example of [`Strips::new`].
    pub fn picture(self) -> RgbImage {
        self.canvas.into_rgb()
    }
}

fn block_width(sessions: &[Session]) -> u32 {
    LABEL + sessions.len() as u32 * (SIDE + GAP) + 2 * GAP
}

/// The call in a few letters, with a mark if a person made it.
fn said(call: &Call) -> String {
    let by_hand = if call.curated.is_some() { " by hand" } else { "" };
    match (call.p_present, call.reason) {
        (Some(p), _) => format!("P {p:.2}{by_hand}"),
        (None, reason) => reason.map_or("?", style::reason_name).into(),
    }
}

fn crop(
    canvas: &mut Canvas,
    (left, top): (u32, u32),
    stack: Source<'_>,
    call: &Call,
    colour: [u8; 3],
    text: &str,
) -> Result<()> {
    if let Some(place) = call.place {
        let levels = plane_crop(stack, place.z, (place.y, place.x), SIDE, SIDE_UM / f64::from(SIDE))?;
        // The shaft sets the white, so that an empty site is not blown up to noise.
        canvas.grey(left, top, &Contrast::from_quantiles(levels.as_raw(), 0.05, 0.99, 0.7).picture(&levels));
        let middle = (left as f32 + SIDE as f32 / 2.0, top as f32 + SIDE as f32 / 2.0);
        let radius = (RING_UM / SIDE_UM * f64::from(SIDE)) as f32;
        canvas.ring(middle, radius, Pen { colour, alpha: 230, width: 1.4 });
    }
    canvas.disc((left as f32 + 6.0, (top + SIDE) as f32 + 10.0), 5.0, colour);
    canvas.text((left as i32 + 16, (top + SIDE) as i32 + 2), text, Font::SMALL, colour);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::model::{Call, Session, Status, Track};
    use crate::report::Strips;
    use crate::report::style;
    use crate::units::{PointUm, VoxelSize};
    use crate::volume::{Shape, Stack, Volume, Voxels};

    fn sessions() -> [Session; 2] {
        [0.0, 2.5].map(|day| Session { name: "s".into(), day: Some(day) })
    }

    fn tracks(status: Status, sites: u32) -> Vec<Track> {
        let call = |status| Call { p_present: Some(0.9), ..Call::bare(status, Some(PointUm::new(1.0, 3.0, 3.0))) };
        let track =
            |track_id| Track { track_id, dendrite_id: 1, s_um: 0.0, calls: vec![call(Status::Present), call(status)] };
        (1..=sites).map(track).collect()
    }

    fn drawn(status: Status, sites: u32) -> image::RgbImage {
        let (sessions, tracks) = (sessions(), tracks(status, sites));
        let voxels = Voxels::U16(Volume::filled(Shape::new(3, 60, 60).unwrap(), 100));
        let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1).unwrap() };
        let mut strips = Strips::new("fov", &sessions, &tracks, None);
        (0..3).try_for_each(|k| strips.session(k, &stack)).unwrap();
        strips.picture()
    }

    /// Pixels in the colour of a status below the header, where the legend is.
    fn pixels(picture: &image::RgbImage, status: Status) -> usize {
        let colour = style::status_colour(status);
        picture.enumerate_pixels().filter(|(_, y, p)| *y > 90 && p.0 == colour).count()
    }

    #[test]
    fn each_status_has_its_colour_and_each_site_its_row() {
        let one = drawn(Status::Absent, 1);
        assert!(pixels(&one, Status::Absent) > 50 && pixels(&one, Status::Present) > 50);
        assert_eq!(pixels(&one, Status::Unscorable), 0);
        assert_eq!(pixels(&drawn(Status::Present, 1), Status::Absent), 0);
        let many = drawn(Status::Absent, 61);
        assert!(many.height() > one.height() && pixels(&many, Status::Absent) == 61 * pixels(&one, Status::Absent));
    }

    #[test]
    fn of_too_many_sites_the_least_certain_are_shown() {
        let (sessions, mut tracks) = (sessions(), tracks(Status::Absent, 9000));
        tracks[8999].calls[1].p_present = Some(0.5);
        let strips = Strips::new("fov", &sessions, &tracks, None);
        assert_eq!((strips.shown.len(), strips.shown[3999].1.track_id), (4000, 9000));
    }
}
