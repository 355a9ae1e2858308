//! `report.html` of a series: what became of every site, how sure it is, and what it rests on.

mod doubt;
mod fov;
mod origin;
mod rates;

use maud::html;

use crate::dynamics::{DendriteLength, DynamicsParams, Fate};
use crate::error::Result;
use crate::model::{Blind, Session, Status, Track};
use crate::report::html::{self, Section};
use crate::report::series::doubt::Doubts;
use crate::report::series::fov::Field;
use crate::volume::Stack;

pub use crate::report::series::origin::{Origin, Registration};

/// What the report of a series is made from. See the example of [`SeriesReport::new`].
#[derive(Clone, Copy, Debug)]
pub struct SeriesReportData<'a> {
    /// Name of the field of view; may be empty.
    pub fov: &'a str,
    /// The sessions, in order.
    pub sessions: &'a [Session],
    /// The sites with one call per session.
    pub tracks: &'a [Track],
    /// Scorable length of every dendrite in every session.
    pub lengths: &'a [DendriteLength],
    /// How rates are counted.
    pub dynamics: &'a DynamicsParams,
    /// Codes instead of sessions, for raters who must not know them.
    pub blind: Option<&'a Blind>,
}

/// A report that is made session by session, so that only one stack is held. See the example of [`SeriesReport::new`].
#[derive(Debug)]
pub struct SeriesReport<'a> {
    data: SeriesReportData<'a>,
    fields: Vec<Field>,
    doubts: Doubts<'a>,
}

impl<'a> SeriesReport<'a> {
    /// An empty report.
    ///
    /// ```
    /// use gemmule::dynamics::DynamicsParams;
    /// use gemmule::model::{Call, Session, Status, Track};
    /// use gemmule::report::{Origin, SeriesReport, SeriesReportData};
    /// use gemmule::units::{PointUm, VoxelSize};
    /// use gemmule::volume::{Shape, Stack, Volume, Voxels};
    /// let sessions = ["a", "b"].map(|name| Session { name: name.into(), day: None });
    /// let calls = vec![Call::bare(Status::Present, Some(PointUm::new(1.0, 2.0, 2.0))); 2];
    /// let tracks = [Track { track_id: 1, dendrite_id: 1, s_um: 3.0, calls }];
    /// let dynamics = DynamicsParams::default();
    /// let data = SeriesReportData { fov: "<m1>", sessions: &sessions, tracks: &tracks, lengths: &[], dynamics: &dynamics, blind: None };
    /// let mut report = SeriesReport::new(data);
    /// let voxels = Voxels::U16(Volume::filled(Shape::new(3, 40, 50)?, 100));
    /// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
    /// (0..2).try_for_each(|k| report.session(k, &stack))?;
    /// let page = report.page(&Origin::default())?;
    /// assert!(page.contains("&lt;m1&gt;") && !page.contains("<m1>"));
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn new(data: SeriesReportData<'a>) -> Self {
        let doubts = Doubts::new(data.tracks, data.sessions.len());
        Self { data, fields: Vec::new(), doubts }
    }

    /// Takes the pictures of session `k` (its position among the sessions) from its stack; beyond the last session nothing is taken. See the example of [`SeriesReport::new`].
    ///
    /// # Errors
    /// [`crate::error::Error::Parameter`] for a stack of which no picture can be made.
    pub fn session(&mut self, k: usize, stack: &Stack) -> Result<()> {
        if k < self.data.sessions.len() {
            self.fields.push(Field::new(k, stack)?);
            self.doubts.session(k, stack)?;
        }
        Ok(())
    }

    /// The page. A blind one shows pictures alone: no days, calls, rates, or files. See the example of [`SeriesReport::new`].
    ///
    /// # Errors
    /// As [`crate::dynamics::intervals`] and [`crate::dynamics::survival`].
    pub fn page(&self, origin: &Origin) -> Result<String> {
        let data = &self.data;
        let fields = Section::new("field", "The field, session by session", fov::section(data, &self.fields));
        let doubts = Section::new("doubt", self.doubts.title(data.blind.is_some()), self.doubts.section(data));
        if let Some(blind) = data.blind {
            let lead = html! {
                p { "The order of the sessions, their names and days, the calls, and what field this is are hidden. Each crop has a code of its own; the codes of
                     one site stand in the order of the alphabet, which is not that of time. Write what you see into " code { "curation-template.csv" }
                    ": one row per code, with verdict " code { "present" } ", " code { "absent" } ", " code { "unscorable" } " or " code { "not-a-spine" } "." }
            };
            let subtitle = format!("Blind review · {} sites, {} sessions", data.tracks.len(), data.sessions.len());
            return Ok(html::page(&format!("Field {}", blind.field), &subtitle, &lead, &[doubts, fields]));
        }
        let title = if data.fov.is_empty() { "Field of view" } else { data.fov };
        let lead = html! {
            (html::figures(&self.figures()))
            @for remark in &origin.remarks { p { strong { "Note. " } (remark) } }
        };
        let sections = [
            fields,
            Section::new("dynamics", "Formation, elimination, turnover, density", rates::dynamics(data)?),
            Section::new("survival", "Survival", rates::survival(data)?),
            doubts,
            Section::new("registration", "How the sessions fit each other", origin::registration(origin)),
            Section::new("unscorable", "What could not be judged, and why", origin::unscorable(data)),
            Section::new("origin", "What this rests on", origin::section(origin)),
        ];
        Ok(html::page(title, &self.subtitle(), &lead, &sections))
    }

    fn subtitle(&self) -> String {
        let day = |s: &Session| s.day.map_or_else(|| s.name.clone(), |d| format!("day {d}"));
        let days: Vec<String> = self.data.sessions.iter().map(day).collect();
        let over = match &days[..] {
            [first, .., last] if days.len() > 6 => format!("{first} to {last}"),
            _ => days.join(", "),
        };
        format!("Spines over {} sessions: {over}", days.len())
    }

    /// Numbers of sites by fate.
    fn figures(&self) -> Vec<(String, String)> {
        let there: Vec<&Track> = self.data.tracks.iter().filter(|t| fov::there(t)).collect();
        let fates: Vec<Fate> = there.iter().map(|t| Fate::of(t)).collect();
        let count = |fate: Fate| fates.iter().filter(|f| **f == fate).count().to_string();
        let calls = || self.data.tracks.iter().flat_map(|t| &t.calls);
        let unscorable = calls().filter(|c| c.status == Status::Unscorable).count() as f64;
        let share = format!("{:.1} %", 100.0 * unscorable / (calls().count().max(1)) as f64);
        let mut all = vec![("sites".to_owned(), there.len().to_string())];
        all.extend(Fate::ALL.iter().take(4).map(|&f| (fov::name(f).to_owned(), count(f))));
        all.push(("of all calls unscorable".to_owned(), share));
        let curated = calls().filter(|c| c.curated.is_some()).count();
        if curated > 0 {
            all.push(("calls made by people".to_owned(), curated.to_string()));
        }
        all
    }
}

/// What a session is called on the page.
fn session_name(session: &Session) -> String {
    match session.day {
        Some(day) => format!("{} (day {day})", session.name),
        None => session.name.clone(),
    }
}
