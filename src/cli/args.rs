//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::read_args::{ReadArgs, voxel_um};
use crate::cli::score_args::ScoreCommand;
use crate::cli::stats::{PowerArgs, StatsArgs};
use crate::engine::Backend;
use crate::error::{Error, Result};
use crate::pipeline::Shard;
use crate::units::VoxelSize;
use crate::volume::Shape;

/// Finds dendritic spines in 3D two-photon and confocal stacks.
#[derive(Debug, Parser)]
#[command(name = "gemmule", version, about, max_term_width = 110)]
#[command(after_help = "Progress goes to stderr, results to stdout. Exit codes: 0 done, 2 bad input, 1 failed.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Show no progress and no remarks.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,

    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what a stack's file says: shape, type, voxel size and where it was read from, channels.
    Info {
        /// TIFF file (ImageJ, OME, ScanImage), folder or XML of PrairieView or ThorImage, OME-Zarr folder or zip.
        file: PathBuf,
    },
    /// Find the dendrites and spines of one stack.
    Detect {
        /// TIFF file (ImageJ, OME, ScanImage), folder or XML of PrairieView or ThorImage, OME-Zarr folder or zip.
        stack: PathBuf,
        /// Write the labels into the OME-Zarr folder that is read as well, as labels/NAME.
        #[arg(long, value_name = "NAME")]
        zarr_labels: Option<String>,
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Follow every spine over the sessions of one field of view.
    Track {
        /// The sessions' stacks in order, or one series.toml (fov; per [[session]] path, day, name).
        #[arg(value_name = "STACK | series.toml", required = true)]
        inputs: Vec<PathBuf>,
        #[command(flatten)]
        review: ReviewArgs,
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Open the results of a blind run: its pictures go to DIR/blind, and what was in DIR/locked into their place.
    Unblind {
        /// Folder that `gemmule track --blind` wrote.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Fit the score of spines to your own marks, and say how well it does on dendrites left out.
    Learn {
        /// Marks: session (0 is the first stack), and z_um, y_um, x_um or voxels z, y, x; dendrite_id, head_* and is_bad if there.
        #[arg(long, value_name = "marks.csv")]
        marks: PathBuf,
        /// The marked stacks, in the order of their sessions.
        #[arg(value_name = "STACK", required = true)]
        stacks: Vec<PathBuf>,
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Link marked spines over sessions, from tables of points and centrelines, without images.
    Link {
        /// Marks: session, spine_row, and z_um, y_um, x_um or voxels z, y, x; other columns are ignored.
        #[arg(value_name = "POINTS.csv")]
        points: PathBuf,
        /// Centrelines: session, dendrite_id, order, and z_um, y_um, x_um or voxels z, y, x.
        #[arg(value_name = "DENDRITES.csv")]
        dendrites: PathBuf,
        /// Edges of a voxel in µm, as Z,Y,X; needed where the tables are in voxels.
        #[arg(long, value_name = "Z,Y,X", allow_hyphen_values = true, value_parser = voxel_um)]
        voxel_um: Option<VoxelSize>,
        /// A dendrite_id is the same dendrite in every session; otherwise dendrites are matched by where they run.
        #[arg(long)]
        trust_dendrite_ids: bool,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Say how much of the turnover between two recordings of the same spines, minutes apart, is false, and what a cohort could show.
    Audit {
        /// The two stacks.
        #[arg(value_name = "STACK", num_args = 2, required = true)]
        stacks: Vec<PathBuf>,
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Take a whole cohort from its stacks to effects: every series through detect and track, then tables, statistics and a report. Goes on where it stopped.
    Cohort {
        /// Manifest, CSV or TOML, one row per stack: animal, treatment, fov, day, path; sex, group, study, session, dose, regimen, cell_type, channel, ...
        #[arg(value_name = "manifest.csv")]
        manifest: PathBuf,
        #[command(flatten)]
        cohort: CohortArgs,
        #[command(flatten)]
        read: ReadArgs,
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Make a synthetic stack, or a series of them, with known truth.
    Phantom {
        #[command(flatten)]
        params: ParamsArgs,
        /// Seed, instead of the one in the parameters.
        #[arg(long)]
        seed: Option<u64>,
        /// A series of sessions on these days, with births and deaths, in other poses; see [phantom_series] in the parameters.
        #[arg(long, value_name = "D,D,...", value_delimiter = ',', allow_hyphen_values = true)]
        days: Option<Vec<f64>>,
        /// The same spines in every session of the series: whatever turnover is found is false.
        #[arg(long, requires = "days")]
        test_retest: bool,
        #[command(flatten)]
        scenario: ScenarioArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Compare results with truth.
    Score {
        #[command(subcommand)]
        what: ScoreCommand,
    },
    /// Turn a long table of a cohort, anyone's, into effects: tests over animals, intervals, mixed models, survival.
    Stats(StatsArgs),
    /// Say with what power a design shows an effect; the design from these flags or [power] of --params.
    Power(PowerArgs),
    /// Make a synthetic stack, find its spines and score them against its own truth.
    Demo {
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        /// Folder for everything made; what the last demo left there is replaced.
        #[arg(short = 'o', long = "out", value_name = "DIR", default_value = "gemmule-demo")]
        dir: PathBuf,
    },
    /// Say what detection does with your settings, dim to bright: recall, precision and the bias of every measure on
    /// synthetic stacks as [phantom] and [calibration] of the parameters describe them.
    Calibrate {
        #[command(flatten)]
        engine: EngineArgs,
        #[command(flatten)]
        params: ParamsArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Measure the speed of every kernel and of the filter stage, on synthetic voxels.
    Bench {
        #[command(flatten)]
        engine: EngineArgs,
        /// Only list the adapters; fails if there is none.
        #[arg(long)]
        list: bool,
        /// Volume to measure on, in voxels.
        #[arg(long, value_name = "Z,Y,X", default_value = "32,512,512", value_parser = shape)]
        shape: Shape,
        /// Run the filter stage on cubes with these edges as well, in voxels, to see how its time grows.
        #[arg(long, value_name = "N,...", value_delimiter = ',')]
        sizes: Vec<usize>,
        /// Draw time against bytes, and time against voxels where there are several sizes, as PNG.
        #[arg(long, value_name = "FILE")]
        plot: Option<PathBuf>,
        /// Replace the picture if it is there.
        #[arg(long, requires = "plot")]
        force: bool,
    },
    /// Print every parameter with its unit, range, meaning and source, as a TOML that --params reads.
    Params {
        #[command(flatten)]
        params: ParamsArgs,
    },
}

/// What may stand in for a GPU.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Fallback {
    /// The CPU twins of the kernels.
    Cpu,
}

/// How a cohort is run.
#[derive(Args, Debug)]
pub(crate) struct CohortArgs {
    /// Run only every n-th series, from the i-th: for n machines that share the folder of results. Makes no tables.
    #[arg(long, value_name = "I/N", conflicts_with = "combine")]
    pub(crate) shard: Option<Shard>,

    /// Run no series, only make the tables from what is there.
    #[arg(long)]
    pub(crate) combine: bool,

    /// Run a series again on the CPU if the GPU is lost or full in the middle of it; otherwise that ends the run.
    #[arg(long, value_name = "cpu", conflicts_with = "combine")]
    pub(crate) fallback: Option<Fallback>,

    /// Animals get several treatments.
    #[arg(long)]
    pub(crate) crossover: bool,

    /// Draw no overlay.png and strips.png.
    #[arg(long)]
    pub(crate) no_pictures: bool,

    /// Series in work at once; otherwise as many as there are cores and [cohort] memory_gb of the parameters allows.
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<usize>,

    /// Published effects to draw, laid out as src/interventions/interventions.toml, instead of those that come with gemmule.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) interventions: Option<PathBuf>,
}

/// A whole synthetic cohort.
#[derive(Args, Debug)]
pub(crate) struct ScenarioArgs {
    /// A cohort of small stacks, treated and vehicle, with manifest.csv: psilocybin, ketamine, stress, vehicle, ... (a wrong name lists all).
    #[arg(long, value_name = "NAME", conflicts_with = "test_retest")]
    pub(crate) scenario: Option<String>,

    /// Animals per group; otherwise [scenario] of the parameters says.
    #[arg(long, value_name = "N", requires = "scenario")]
    pub(crate) animals: Option<usize>,

    /// Fields of view per animal; otherwise [scenario] of the parameters says.
    #[arg(long, value_name = "N", requires = "scenario")]
    pub(crate) fovs: Option<usize>,

    /// Interventions of your own, laid out as src/interventions/interventions.toml.
    #[arg(long, value_name = "FILE.toml", requires = "scenario")]
    pub(crate) interventions: Option<PathBuf>,
}

/// How people take part.
#[derive(Args, Debug)]
pub(crate) struct ReviewArgs {
    /// What people decided: verdict (present, absent, unscorable, not-a-spine), and session with z_um, y_um, x_um or track_id, or code; who, when, note.
    #[arg(long, value_name = "curation.csv")]
    pub(crate) curation: Option<PathBuf>,

    /// Table that the curation's track numbers are from; numbers change from run to run, places do not.
    #[arg(long, value_name = "tracks.csv", requires = "curation")]
    pub(crate) curated_tracks: Option<PathBuf>,

    /// Key of the curation's codes.
    #[arg(long, value_name = "blind-key.csv", requires = "curation")]
    pub(crate) blind_key: Option<PathBuf>,

    /// Write pictures, a report and a table to fill in that do not show the order of sessions, days, calls or the field; all else goes into DIR/locked.
    #[arg(long)]
    pub(crate) blind: bool,
}

/// Where the kernels run.
#[derive(Args, Debug)]
pub(crate) struct EngineArgs {
    /// A hardware GPU if one works and otherwise the CPU (auto), a GPU or nothing (gpu), the CPU (cpu).
    #[arg(long, value_enum, default_value_t)]
    pub(crate) backend: BackendName,

    /// Part of the GPU adapter's name, any case, e.g. "nvidia" or "llvmpipe"; a software adapter must be named.
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    #[default]
    Auto,
    Gpu,
    Cpu,
}

impl EngineArgs {
    pub(crate) fn backend(&self) -> Result<Backend> {
        match (self.backend, &self.adapter) {
            (BackendName::Cpu, Some(adapter)) => Err(Error::parameter(
                "--adapter",
                adapter,
                "only a GPU's name",
                "leave out --adapter, or give --backend gpu",
            )),
            (BackendName::Cpu, None) => Ok(Backend::Cpu),
            (BackendName::Auto, None) => Ok(Backend::Auto),
            // Who names an adapter wants that one, not whatever else works.
            (BackendName::Gpu | BackendName::Auto, adapter) => Ok(Backend::Gpu { adapter: adapter.clone() }),
        }
    }
}

/// Parameters of the stages.
#[derive(Args, Debug)]
pub(crate) struct ParamsArgs {
    /// TOML with parameters; what it leaves out keeps its default. `gemmule params` prints one.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) params: Option<PathBuf>,
}

/// Where results go.
#[derive(Args, Debug)]
pub(crate) struct OutArgs {
    /// Folder for the results; made if it is not there.
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub(crate) dir: PathBuf,

    /// Replace results that are there already.
    #[arg(long)]
    pub(crate) force: bool,
}

fn shape(text: &str) -> std::result::Result<Shape, String> {
    let axes: std::result::Result<Vec<usize>, _> = text.split(',').map(|n| n.trim().parse::<usize>()).collect();
    match axes.as_deref() {
        Ok(&[z, y, x]) => Shape::new(z, y, x).map_err(|e| e.to_string()),
        _ => Err("three numbers of voxels, as Z,Y,X, e.g. 32,512,512".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::args::{Cli, voxel_um};

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_and_checked() {
        let size = voxel_um("1.0, 0.12,0.2").unwrap();
        assert_eq!((size.z_um, size.y_um, size.x_um), (1.0, 0.12, 0.2));
        assert!(["1,1", "1,1,1,1", "a,b,c", "0,1,1", "-1,1,1", "nan,1,1"].iter().all(|text| voxel_um(text).is_err()));
    }
}
