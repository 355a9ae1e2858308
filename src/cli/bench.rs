//! `gemmule bench`: what adapters there are, and how fast everything runs.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::EngineArgs;
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::cli::progress::Bars;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::pipeline::FileSet;
use crate::pipeline::bench::{self, BenchReport, BenchRow};
use crate::report::{RooflinePanel, RooflinePoint, roofline};
use crate::volume::Shape;

/// Lists the adapters.
pub(crate) fn list(voice: Voice) -> Result<()> {
    let adapters = Engine::adapters();
    if adapters.is_empty() {
        return Err(Error::Gpu {
            adapter: "none".into(),
            problem: "no Vulkan, Metal or DX12 adapter was found".into(),
            remedy: "install a driver; Debian's mesa-vulkan-drivers brings one in software".into(),
        });
    }
    if voice.json {
        return print::json(&json!({ "adapters": adapters }));
    }
    adapters.iter().try_for_each(|adapter| print::line(&adapter.to_string()))
}

/// Measures; `edges` are those of cubes on which the filter stage runs as well, `plot` the picture and whether it may replace one.
pub(crate) fn bench(
    args: &EngineArgs,
    shape: Shape,
    edges: &[usize],
    plot: Option<(&Path, bool)>,
    voice: Voice,
) -> Result<()> {
    let sizes = edges.iter().map(|&n| Shape::new(n, n, n)).collect::<Result<Vec<_>>>()?;
    // Before the time is spent.
    let picture = plot.map(|(path, force)| Picture::new(path, force)).transpose()?;
    let engine = commands::engine(args, voice)?;
    let mut bars = Bars::new(voice.quiet)?;
    let report = bench::run(&engine, shape, &sizes, &mut bars)?;
    bars.finish();
    if voice.json {
        print::json(&json!(report))?
    } else {
        table(&report)?
    }
    match picture {
        Some(picture) => picture.save(&roofline(&panels(&report)), voice),
        None => Ok(()),
    }
}

fn table(report: &BenchReport) -> Result<()> {
    print::line(&format!("{}; gemmule {}, {}", report.machine, report.version, report.date))?;
    print::line(&format!(
        "{} ({}): copy {:.1} GB/s, arithmetic {:.0} Gop/s; CPU: {:.1} GB/s, {:.0} Gop/s",
        report.adapter,
        report.driver,
        report.copy_gb_per_s,
        report.arithmetic_gop_per_s,
        report.cpu_copy_gb_per_s,
        report.cpu_arithmetic_gop_per_s
    ))?;
    print::line(&format!("shaders: {}", report.guards))?;
    print::line(&format!(
        "{:24} {:4} {:>14} {:>9} {:>7} {:>7} {:>8} {:>7} {:>8} {:>10} {:>10} {:>6} {:>9}",
        "kernel",
        "on",
        "shape",
        "Mvoxel/s",
        "B/voxel",
        "GB/s",
        "of copy",
        "op/vox",
        "of arith",
        "seconds",
        "on device",
        "disp.",
        "max error"
    ))?;
    report.rows.iter().try_for_each(line)?;
    report.growth.iter().try_for_each(|growth| {
        let Some(smallest) = report.rows.iter().filter(|row| is_stage(row, &growth.backend)).map(voxels).min() else {
            return Ok(());
        };
        print::line(&format!(
            "{}: seconds grow as voxels to the power {:.3}, from {smallest} to {} voxels",
            growth.backend, growth.exponent, growth.voxels
        ))
    })
}

fn line(row: &BenchRow) -> Result<()> {
    let on_device = row.device_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.4}"));
    print::line(&format!(
        "{:24} {:4} {:>14} {:>9.1} {:>7.1} {:>7.2} {:>7.0}% {:>7.0} {:>7.0}% {:>10.4} {on_device:>10} {:>6} {:>9.1e}",
        row.kernel,
        row.backend,
        row.shape.map(|n| n.to_string()).join("x"),
        row.voxels_per_s / 1e6,
        row.bytes_per_voxel,
        row.gb_per_s,
        100.0 * row.fraction_of_copy,
        row.operations_per_voxel,
        100.0 * row.fraction_of_arithmetic,
        row.seconds,
        row.dispatches,
        row.max_abs_error_vs_cpu
    ))
}

fn is_stage(row: &BenchRow, backend: &str) -> bool {
    row.kernel == "filter_stage" && row.backend == backend
}

fn voxels(row: &BenchRow) -> usize {
    row.shape.iter().product()
}

/// One panel per backend, and one of growth for each that was measured at several sizes.
fn panels(report: &BenchReport) -> Vec<RooflinePanel> {
    let cpu = ("cpu", "CPU", report.cpu_copy_gb_per_s, report.cpu_arithmetic_gop_per_s);
    let gpu = ("gpu", report.adapter.as_str(), report.copy_gb_per_s, report.arithmetic_gop_per_s);
    let measured = [gpu, cpu].into_iter().filter(|of| report.rows.iter().any(|row| row.backend == of.0));
    let kernels = measured.map(|(backend, name, copy, arithmetic)| {
        let last = report.rows.iter().rposition(|row| is_stage(row, backend));
        let shown =
            |(k, row): &(usize, &BenchRow)| row.backend == backend && (!is_stage(row, backend) || Some(*k) == last);
        let point = |(_, row): (usize, &BenchRow)| RooflinePoint {
            name: row.kernel.clone(),
            x: row.bytes_per_voxel,
            y: 1e9 / row.voxels_per_s,
            floor: Some(row.operations_per_voxel / arithmetic),
        };
        RooflinePanel {
            title: format!("{name}: {copy:.1} GB/s, {arithmetic:.0} Gop/s"),
            x_label: "bytes per voxel, counted".into(),
            y_label: "ns per voxel; bars: at the rate of arithmetic".into(),
            line_label: "at the rate of a copy".into(),
            line_at_1: 1.0 / copy,
            points: report.rows.iter().enumerate().filter(shown).map(point).collect(),
        }
    });
    kernels.chain(report.growth.iter().map(|growth| grown(report, &growth.backend, growth.exponent))).collect()
}

fn grown(report: &BenchReport, backend: &str, exponent: f64) -> RooflinePanel {
    let mut rows: Vec<&BenchRow> = report.rows.iter().filter(|row| is_stage(row, backend)).collect();
    rows.sort_by_key(|row| voxels(row));
    let million = |row: &BenchRow| voxels(row) as f64 / 1e6;
    let point = |row: &&BenchRow| RooflinePoint {
        name: row.shape.map(|n| n.to_string()).join("x"),
        x: million(row),
        y: row.seconds,
        floor: None,
    };
    RooflinePanel {
        title: format!("filter stage, {backend}: power {exponent:.2}"),
        x_label: "million voxels".into(),
        y_label: "seconds".into(),
        line_label: "in proportion".into(),
        line_at_1: rows.last().map_or(1.0, |row| row.seconds / million(row)),
        points: rows.iter().map(point).collect(),
    }
}

/// A PNG that is there whole or not at all.
struct Picture {
    set: FileSet,
    name: String,
}

impl Picture {
    fn new(path: &Path, force: bool) -> Result<Self> {
        let png = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        let name = path.file_name().and_then(|name| name.to_str()).filter(|_| png);
        let Some(name) = name.map(String::from) else {
            return Err(Error::file(path, "is no name of a PNG", "give --plot a name that ends in .png"));
        };
        let folder =
            path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
        Ok(Self { set: FileSet::new(&folder, &[&name], force)?, name })
    }

    fn save(self, picture: &image::RgbImage, voice: Voice) -> Result<()> {
        let to = self.set.path(&self.name);
        picture
            .save(&to)
            .map_err(|e| Error::file(&to, format!("cannot be written ({e})"), "check the folder and the disk"))?;
        let files = self.set.commit()?;
        if voice.json {
            Ok(())
        } else {
            files.iter().try_for_each(|file| print::line(&format!("drawn: {}", file.display())))
        }
    }
}
