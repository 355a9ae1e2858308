//! What `gemmule score` takes.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::args::ParamsArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ScoreCommand {
    /// Precision, recall and F1 of the spines found in one session.
    Detect {
        /// Table with z_um, y_um, x_um and, if there is one, score.
        #[arg(long, value_name = "spines.csv")]
        found: PathBuf,
        /// Truth folder: meta.json, spines.csv, dendrites.csv.
        #[arg(long, value_name = "DIR")]
        truth: PathBuf,
        /// Session of the truth.
        #[arg(long, default_value_t = 0)]
        session: i64,
        #[command(flatten)]
        params: ParamsArgs,
    },
    /// Links, identities, formation and elimination of tracks over sessions.
    Tracks {
        /// Table with track_id, session, status, z_um, y_um, x_um and, if there is one, p_present.
        #[arg(long, value_name = "tracks.csv")]
        found: PathBuf,
        /// Truth folder: meta.json, spines.csv, dendrites.csv, links*.csv.
        #[arg(long, value_name = "DIR")]
        truth: PathBuf,
        /// Sessions of the truth, in order; all if not given.
        #[arg(long, value_name = "0,1,...", value_delimiter = ',')]
        sessions: Option<Vec<i64>>,
        #[command(flatten)]
        params: ParamsArgs,
    },
    /// Links between the truth's own marks.
    Links {
        /// Table with session_a, spine_row_a, session_b, spine_row_b.
        #[arg(long, value_name = "links.csv")]
        found: PathBuf,
        /// Truth folder: meta.json, spines.csv, dendrites.csv, links*.csv.
        #[arg(long, value_name = "DIR")]
        truth: PathBuf,
    },
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
