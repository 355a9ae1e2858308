//! `strips.png` and `report.html` of a series.

use crate::cli::follow::Request;
use crate::error::{Error, Result};
use crate::model::Blind;
use crate::pipeline::{FileSet, PairLinks, Tracked};
use crate::report::{Origin, Registration, SeriesReport, SeriesReportData, Strips};
use crate::volume::Stack;

/// Both pictures of a series, drawn session by session.
pub(crate) struct Pictures<'a> {
    strips: Strips<'a>,
    report: SeriesReport<'a>,
}

impl<'a> Pictures<'a> {
    pub(crate) fn new(
        request: &'a Request<'a>,
        tracked: &'a Tracked,
        lengths: &'a [crate::pipeline::DendriteLength],
        blind: Option<&'a Blind>,
    ) -> Self {
        let fov = request.series.fov.as_str();
        let title = match blind {
            Some(blind) => format!("field {}", blind.field),
            None if fov.is_empty() => "sites".into(),
            None => fov.into(),
        };
        let (sessions, tracks) = (&tracked.sessions[..], &tracked.tracks[..]);
        let dynamics = &request.params.dynamics;
        Self {
            strips: Strips::new(&title, sessions, tracks, blind),
            report: SeriesReport::new(SeriesReportData { fov, sessions, tracks, lengths, dynamics, blind }),
        }
    }

    pub(crate) fn session(&mut self, k: usize, stack: &Stack) -> Result<()> {
        self.strips.session(k, stack)?;
        self.report.session(k, stack)
    }

    pub(crate) fn save(self, set: &FileSet, origin: &Origin) -> Result<()> {
        let (strips, report) = (set.path("strips.png"), set.path("report.html"));
        let failed = |to: &std::path::Path, e: &dyn std::fmt::Display| {
            Error::file(to, format!("cannot be written ({e})"), "check the folder and the disk")
        };
        self.strips.picture().save(&strips).map_err(|e| failed(&strips, &e))?;
        std::fs::write(&report, self.report.page(origin)?).map_err(|e| failed(&report, &e))
    }
}

/// What the report says of where its numbers come from.
pub(crate) fn origin(request: &Request<'_>, tracked: &Tracked, inputs: &[serde_json::Value], engine: &str) -> Origin {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let voxel = |v: &serde_json::Value| ["z_um", "y_um", "x_um"].map(|axis| text(&v[axis])).join(", ");
    let inputs = inputs
        .iter()
        .map(|i| [text(&i["session"]), text(&i["path"]), text(&i["sha256"]), voxel(&i["voxel_um"])])
        .collect();
    let fitted = serde_json::to_value(&tracked.presence).unwrap_or_default();
    let fitted =
        fitted.as_object().into_iter().flatten().map(|(name, value)| [format!("fitted: {name}"), rounded(value)]);
    let mut facts = vec![["field of view".into(), request.series.fov.clone()]];
    if let Some(path) = request.review.curation {
        facts.push(["curation".into(), path.display().to_string()]);
    }
    facts.extend(fitted);
    let remarks = request.remark.map(ToOwned::to_owned).into_iter().chain(tracked.remarks()).collect();
    Origin {
        engine: engine.to_owned(),
        inputs,
        registration: tracked.sites.steps().map(|step| registration(tracked, step)).collect(),
        changed: request.params.changed(),
        parameters: request.params.to_toml(),
        facts,
        remarks,
    }
}

/// Four digits behind the point are more than any fit knows.
fn rounded(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(all) => all.iter().map(rounded).collect::<Vec<_>>().join(", "),
        other => other.as_f64().map_or_else(|| other.to_string(), |v| format!("{v:.4}")),
    }
}

fn registration(tracked: &Tracked, (a, b, pair): (usize, usize, &PairLinks)) -> Registration {
    let (fit, shift) = (&pair.fit, &pair.fit.rigid.shift_um);
    let remark = match fit.slid_sure.filter(|sure| *sure < 0.95) {
        Some(sure) => format!("how far it slid along its dendrites is {:.0} % sure", 100.0 * sure),
        None if fit.slides => {
            "all dendrites run the same way: the shift along them rests on what stands beside them".into()
        }
        None => String::new(),
    };
    Registration {
        session_a: tracked.sessions[a].name.clone(),
        session_b: tracked.sessions[b].name.clone(),
        median_um: fit.median_um,
        inlier_share: fit.inlier_share,
        shift_um: [shift.z, shift.y, shift.x],
        turn_deg: fit.turn_deg,
        tilt_deg: fit.tilt_deg,
        remark,
    }
}
