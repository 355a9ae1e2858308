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
