//! Colours and names: Okabe-Ito, which readers with any kind of colour vision tell apart.

use tiny_skia::Color;

use crate::model::{SpineClass, Status, UnscorableReason};

/// Colour of 8-bit components.
const fn rgb(r: u8, g: u8, b: u8) -> [u8; 3] {
    [r, g, b]
}

pub(crate) const BACKGROUND: [u8; 3] = rgb(18, 18, 20);
pub(crate) const INK: [u8; 3] = rgb(235, 235, 235);
pub(crate) const FAINT: [u8; 3] = rgb(150, 150, 150);
pub(crate) const CENTRELINE: [u8; 3] = rgb(213, 94, 0);
/// Stretches that cannot be judged: neither a class nor a centreline colour.
pub(crate) const UNSCORABLE: [u8; 3] = rgb(0, 114, 178);
/// Of them those that are no dendrite.
pub(crate) const AXON: [u8; 3] = rgb(170, 120, 255);

/// Every class in the order of the legend.
pub(crate) const CLASSES: [SpineClass; 5] =
    [SpineClass::Stubby, SpineClass::Thin, SpineClass::Mushroom, SpineClass::Filopodium, SpineClass::Unclassified];

pub(crate) fn class_colour(class: SpineClass) -> [u8; 3] {
    match class {
        SpineClass::Stubby => rgb(230, 159, 0),
        SpineClass::Thin => rgb(86, 180, 233),
        SpineClass::Mushroom => rgb(0, 190, 140),
        SpineClass::Filopodium => rgb(225, 140, 185),
        SpineClass::Unclassified => rgb(240, 228, 66),
    }
}

pub(crate) fn status_colour(status: Status) -> [u8; 3] {
    match status {
        Status::Present => rgb(0, 190, 140),
        Status::Absent => rgb(230, 159, 0),
        Status::Unscorable => rgb(86, 180, 233),
    }
}

/// The same as in a style sheet, as it is told apart on black.
pub(crate) fn status_hex(status: Status) -> &'static str {
    match status {
        Status::Present => "#00be8c",
        Status::Absent => "#e69f00",
        Status::Unscorable => "#56b4e9",
    }
}

pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Present => "present",
        Status::Absent => "absent",
        Status::Unscorable => "unscorable",
    }
}

pub(crate) fn reason_colour(reason: UnscorableReason) -> [u8; 3] {
    match reason {
        UnscorableReason::Axon => AXON,
        _ => UNSCORABLE,
    }
}

pub(crate) fn reason_name(reason: UnscorableReason) -> &'static str {
    match reason {
        UnscorableReason::Axon => "axon",
        UnscorableReason::Steep => "steep",
        UnscorableReason::OutOfVolume => "outside",
        UnscorableReason::Saturated => "saturated",
        UnscorableReason::Crossed => "crossed",
        UnscorableReason::Dim => "dim",
        UnscorableReason::Motion => "motion",
        UnscorableReason::NotTraced => "not traced",
        UnscorableReason::NotRegistered => "left out",
        UnscorableReason::Curated => "by hand",
    }
}

pub(crate) fn class_name(class: SpineClass) -> &'static str {
    match class {
        SpineClass::Stubby => "stubby",
        SpineClass::Thin => "thin",
        SpineClass::Mushroom => "mushroom",
        SpineClass::Filopodium => "filopodium",
        SpineClass::Unclassified => "unclassified",
    }
}

/// The same colour for the painter, `alpha` 0 (clear) to 255.
pub(crate) fn paint([r, g, b]: [u8; 3], alpha: u8) -> Color {
    Color::from_rgba8(r, g, b, alpha)
}
