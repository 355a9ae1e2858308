//! The field of view in every session, with every site by its fate.

use image::GrayImage;
use image::imageops::{FilterType, resize};
use maud::{Markup, html};

use crate::dynamics::Fate;
use crate::error::Result;
use crate::model::{Call, Status, Track};
use crate::report::grey::{Contrast, maximum_projection};
use crate::report::html::jpeg;
use crate::report::projection::round_length;
use crate::report::series::{SeriesReportData, session_name};
use crate::report::style;
use crate::units::{PointUm, VoxelSize};
use crate::volume::Stack;

/// Longest side of a projection, pixels: a field of 120 µm keeps .12 µm per pixel.
const SIDE: u32 = 1000;
/// Radius of a mark, pixels of the projection.
const RADIUS: f64 = 8.0;

/// The projection of one session.
#[derive(Debug)]
pub(super) struct Field {
    session: usize,
    address: String,
    width: u32,
    height: u32,
    pixels_per_um: f64,
    voxel_size: VoxelSize,
}

impl Field {
    pub(super) fn new(session: usize, stack: &Stack) -> Result<Self> {
        let levels = maximum_projection(stack)?;
        let grey: GrayImage = Contrast::from_quantiles(levels.as_raw(), 0.40, 0.998, 0.75).picture(&levels);
        // Pixels are square, voxels need not be.
        let (shape, voxel_size) = (stack.voxels.shape(), stack.voxel_size);
        let (height_um, width_um) = (shape.y as f64 * voxel_size.y_um, shape.x as f64 * voxel_size.x_um);
        let pixels_per_um = f64::from(SIDE) / height_um.max(width_um);
        let pixels = |um: f64| ((um * pixels_per_um).round() as u32).max(1);
        let (width, height) = (pixels(width_um), pixels(height_um));
        let address = jpeg(&resize(&grey, width, height, FilterType::CatmullRom))?;
        Ok(Self { session, address, width, height, pixels_per_um, voxel_size })
    }

    fn pixel(&self, place: PointUm) -> (f64, f64) {
        let x = (place.x + self.voxel_size.x_um / 2.0) * self.pixels_per_um;
        let y = (place.y + self.voxel_size.y_um / 2.0) * self.pixels_per_um;
        (x, y)
    }
}

/// One figure per session; a blind page shows them by the order of their codes, with numbers alone.
pub(super) fn section(data: &SeriesReportData<'_>, fields: &[Field]) -> Markup {
    let mut shown: Vec<&Field> = fields.iter().collect();
    if let Some(blind) = data.blind {
        shown.sort_by_key(|f| &blind.sessions[f.session]);
    }
    html! {
        p { "Maximum projections; every site has its number. " @if data.blind.is_none() {
            "Colour and shape say what became of it over the series; a broken outline, that it is not called present in that session. Point at a mark to read its call." } }
        @if data.blind.is_none() { ul.key { @for fate in Fate::ALL { li {
            svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true" { (mark(fate, (11.0, 11.0), false)) } (name(fate)) } } } }
        div.panels {
            @for field in shown { figure { (drawing(data, field)) figcaption { (caption(data, field)) } } }
        }
    }
}

fn caption(data: &SeriesReportData<'_>, field: &Field) -> String {
    if let Some(blind) = data.blind {
        return format!("Session {}", blind.sessions[field.session]);
    }
    let calls: Vec<&Call> = data.tracks.iter().map(|t| &t.calls[field.session]).collect();
    let count = |status: Status| calls.iter().filter(|c| c.status == status).count();
    format!(
        "Session {}: {} present, {} absent, {} unscorable",
        session_name(&data.sessions[field.session]),
        count(Status::Present),
        count(Status::Absent),
        count(Status::Unscorable)
    )
}

fn drawing(data: &SeriesReportData<'_>, field: &Field) -> Markup {
    let placed = data.tracks.iter().enumerate().filter_map(|(site, t)| {
        let call = &t.calls[field.session];
        // What a person says was never a spine is no mark.
        if !there(t) {
            return None;
        }
        let number = data.blind.map_or(t.track_id, |b| b.numbers[site]);
        call.place.map(|place| (number, t, call, field.pixel(place)))
    });
    let bar = round_length(f64::from(field.width) / field.pixels_per_um / 5.0);
    let (right, bottom) = (f64::from(field.width) - 16.0, f64::from(field.height) - 16.0);
    let left = right - bar * field.pixels_per_um;
    html! {
        svg.field viewBox={ "0 0 " (field.width) " " (field.height) } role="img" aria-label=(caption(data, field)) {
            image href=(field.address) width=(field.width) height=(field.height) {}
            @for (number, track, call, at) in placed {
                g {
                    @if data.blind.is_none() {
                        title { (said(track.track_id, Fate::of(track), call)) }
                        (mark(Fate::of(track), at, call.status != Status::Present))
                    } @else {
                        circle cx=(px(at.0)) cy=(px(at.1)) r=(RADIUS) fill="none" stroke="#fff" stroke-width="1.5" {}
                    }
                    text x=(px(at.0 + RADIUS + 2.0)) y=(px(at.1 + 4.0)) { (number) }
                }
            }
            line x1=(px(left)) x2=(px(right)) y1=(px(bottom)) y2=(px(bottom)) stroke="#fff" stroke-width="4" {}
            text.bar x=(px((left + right) / 2.0)) y=(px(bottom - 8.0)) text-anchor="middle" { (bar) " µm" }
        }
    }
}

/// Whether a site holds a spine in some session.
pub(super) fn there(track: &Track) -> bool {
    track.calls.iter().any(|c| c.status == Status::Present)
}

/// Numbers of a drawing need no more than a tenth of a pixel.
fn px(v: f64) -> String {
    format!("{v:.1}")
}

fn said(track_id: u32, fate: Fate, call: &Call) -> String {
    let p = call.p_present.map_or_else(String::new, |p| format!(", P(present) {p:.2}"));
    let who = call.curated.as_ref().map_or_else(String::new, |who| format!(", by {who}"));
    format!("Site {track_id}, {}: here {}{p}{who}", name(fate), style::status_name(call.status))
}

pub(super) fn name(fate: Fate) -> &'static str {
    match fate {
        Fate::Persistent => "persistent",
        Fate::Formed => "formed",
        Fate::Eliminated => "eliminated",
        Fate::Transient => "transient",
        Fate::Unscorable => "unscorable",
    }
}

/// Okabe-Ito, as they are told apart on black.
fn colour(fate: Fate) -> &'static str {
    match fate {
        Fate::Persistent => "#00be8c",
        Fate::Formed => "#56b4e9",
        Fate::Eliminated => "#d55e00",
        Fate::Transient => "#f0e442",
        Fate::Unscorable => "#bbbbbb",
    }
}

/// A shape as well as a colour: ring, triangle up (formed) and down (eliminated), diamond, square.
fn mark(fate: Fate, (x, y): (f64, f64), broken: bool) -> Markup {
    let (r, dash) = (RADIUS, broken.then_some("3.5 3.5"));
    let points = |corners: &[(f64, f64)]| {
        corners.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + r * dx, y + r * dy)).collect::<Vec<_>>().join(" ")
    };
    let corners: &[(f64, f64)] = match fate {
        Fate::Persistent => &[],
        Fate::Formed => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
        Fate::Eliminated => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
        Fate::Transient => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        Fate::Unscorable => &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    };
    html! {
        @if corners.is_empty() {
            circle cx=(px(x)) cy=(px(y)) r=(r) fill="none" stroke=(colour(fate)) stroke-width="2.2" stroke-dasharray=[dash] {}
        } @else {
            polygon points=(points(corners)) fill="none" stroke=(colour(fate)) stroke-width="2.2" stroke-dasharray=[dash] {}
        }
    }
}
