//! The least certain sites first, with a crop of every session: what a person should look at.

use maud::{Markup, html};

use crate::error::Result;
use crate::model::{Blind, Call, Track};
use crate::report::grey::{Contrast, plane_crop};
use crate::report::html::jpeg;
use crate::report::series::{SeriesReportData, session_name};
use crate::report::style;
use crate::volume::Stack;

/// Side of a crop, µm: the site, its shaft and its neighbours.
const SIDE_UM: f64 = 6.0;
/// Side of a crop, pixels.
const SIDE: u32 = 120;
/// Radius of the ring around a site, µm.
const RING_UM: f64 = 0.55;
/// Most sites and most crops on a page: what a person looks at in one go, and some 2 MB.
const MAX_SITES: usize = 60;
const MAX_CROPS: usize = 600;
/// Calls surer than this are not in doubt.
const SURE: f64 = 0.01;

/// Sites in doubt, and their crops by site and session.
#[derive(Debug)]
pub(super) struct Doubts<'a> {
    shown: Vec<(usize, &'a Track)>,
    /// Sites in doubt that there is no room for.
    left_out: usize,
    crops: Vec<Vec<Option<String>>>,
}

impl<'a> Doubts<'a> {
    pub(super) fn new(tracks: &'a [Track], sessions: usize) -> Self {
        let mut shown: Vec<(usize, &Track)> = tracks.iter().enumerate().filter(|(_, t)| t.doubt() > SURE).collect();
        shown.sort_by(|a, b| b.1.doubt().total_cmp(&a.1.doubt()).then(a.0.cmp(&b.0)));
        let room = MAX_SITES.min(MAX_CROPS / sessions.max(1)).max(1);
        let left_out = shown.len().saturating_sub(room);
        shown.truncate(room);
        let crops = vec![vec![None; sessions]; shown.len()];
        Self { shown, left_out, crops }
    }

    pub(super) fn session(&mut self, k: usize, stack: &Stack) -> Result<()> {
        for ((_, track), crops) in self.shown.iter().zip(&mut self.crops) {
            let Some(place) = track.calls[k].place else { continue };
            let levels = plane_crop(stack, place.z, (place.y, place.x), SIDE, SIDE_UM / f64::from(SIDE))?;
            // As on the strips: the shaft sets the white.
            crops[k] = Some(jpeg(&Contrast::from_quantiles(levels.as_raw(), 0.05, 0.99, 0.7).picture(&levels))?);
        }
        Ok(())
    }

    pub(super) fn title(&self, blind: bool) -> &'static str {
        if blind { "Sites to judge" } else { "Least certain calls first" }
    }

    pub(super) fn section(&self, data: &SeriesReportData<'_>) -> Markup {
        html! {
            @if self.shown.is_empty() {
                p { "No call is less certain than 99 %." }
            } @else if data.blind.is_some() {
                p { "The sites whose calls are least certain, " (self.shown.len()) " of " (data.tracks.len()) "; all are in " code { "strips.png" }
                    ". A crop is 6 µm wide and shows the plane of the site, which is inside the ring." }
            } @else {
                p { (self.shown.len()) " of " (data.tracks.len()) " sites have a call that is less certain than 99 %"
                    @if self.left_out > 0 { " and are shown; " (self.left_out) " more are in " code { "strips.png" } }
                    ". Crops are 6 µm wide and show the plane of the site, which is inside the ring; a bar marks the least certain of a site. What a person decides goes into " code { "curation.csv" }
                    " (" code { "curation-template.csv" } " has every call, in this order) and is kept on every rerun." }
            }
            @for ((site, track), crops) in self.shown.iter().zip(&self.crops) { (card(data, *site, track, crops)) }
        }
    }
}

fn card(data: &SeriesReportData<'_>, site: usize, track: &Track, crops: &[Option<String>]) -> Markup {
    let order = data.blind.map_or_else(|| (0..crops.len()).collect(), |b| b.order(site));
    let least = track.doubt();
    html! {
        article.site {
            h3 { "Site " (data.blind.map_or(track.track_id, |b| b.numbers[site])) @if data.blind.is_none() { span.faint { " · dendrite " (track.dendrite_id) } } }
            div.crops {
                @for k in order {
                    @let call = &track.calls[k];
                    figure class=[(data.blind.is_none() && call.doubt() == least).then_some("least")] {
                        (crop(crops[k].as_deref(), data.blind.map_or_else(|| style::status_hex(call.status), |_| "#ffffff")))
                        @match data.blind { Some(blind) => { (coded(blind, site, k)) } None => { (said(data, k, call)) } }
                    }
                }
            }
        }
    }
}

fn coded(blind: &Blind, site: usize, k: usize) -> Markup {
    html! { figcaption { code { (blind.codes[site][k]) } } }
}

fn said(data: &SeriesReportData<'_>, k: usize, call: &Call) -> Markup {
    html! {
        figcaption {
            (session_name(&data.sessions[k])) br;
            strong { (style::status_name(call.status)) }
            @if let Some(p) = call.p_present { " P " (format!("{p:.2}")) }
            @if let Some(reason) = call.reason { ": " (style::reason_name(reason)) }
            @if let Some(who) = &call.curated { br; "by " (who) }
            @if let Some(p) = call.place { br; span.faint { "z " (format!("{:.1}", p.z)) ", y " (format!("{:.1}", p.y)) ", x " (format!("{:.1}", p.x)) " µm" } }
        }
    }
}

fn crop(address: Option<&str>, colour: &str) -> Markup {
    let (side, middle) = (SIDE, f64::from(SIDE) / 2.0);
    html! {
        svg viewBox={ "0 0 " (side) " " (side) } aria-hidden="true" {
            rect width=(side) height=(side) fill="#121214" {}
            @if let Some(address) = address {
                image href=(address) width=(side) height=(side) {}
                circle cx=(middle) cy=(middle) r=(format!("{:.1}", RING_UM / SIDE_UM * f64::from(SIDE))) fill="none" stroke=(colour) stroke-width="1.6" {}
            }
        }
    }
}
