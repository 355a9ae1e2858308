//! `gemmule stats` and `gemmule power`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::args::{OutArgs, ParamsArgs};
use crate::cli::commands::{self, Voice};
use crate::cli::print;
use crate::error::Result;
use crate::pipeline::{self, Effect, Effects, Repeats};
use crate::report;

/// How a long table is analysed.
#[derive(Args, Debug)]
pub(crate) struct StatsArgs {
    /// Rows of treatment, mouse, dendrite, metric, day, value; study, group, sex, fov, cell, cell_type, spine, unit and denominator if there.
    #[arg(value_name = "LONG.csv")]
    table: PathBuf,

    /// Name of the control arm; otherwise the one named vehicle, saline, control or sham.
    #[arg(long, value_name = "NAME")]
    control: Option<String>,

    /// What to do with several rows of one dendrite, metric and day; otherwise they are an error.
    #[arg(long, value_enum)]
    repeats: Option<RepeatsName>,

    /// Lifetimes of spines: treatment, mouse, day, eliminated (1 or 0); study, group and last_seen if there.
    #[arg(long, value_name = "LIVES.csv")]
    lives: Option<PathBuf>,

    #[command(flatten)]
    params: ParamsArgs,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RepeatsName {
    Error,
    First,
    Mean,
    All,
}

/// A design whose power is asked for; what is not given is as in the parameters.
#[derive(Args, Debug)]
pub(crate) struct PowerArgs {
    /// Animals per group.
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    animals: Option<Vec<usize>>,

    /// True differences, e.g. 0.1 for +10 % of fold change.
    #[arg(long, value_name = "D,D,...", value_delimiter = ',', allow_hyphen_values = true)]
    effects: Option<Vec<f64>>,

    /// Dendrites per animal.
    #[arg(long, value_name = "N")]
    dendrites: Option<usize>,

    /// Standard deviation between animals.
    #[arg(long, value_name = "SD")]
    mouse_sd: Option<f64>,

    /// Standard deviation between dendrites of an animal.
    #[arg(long, value_name = "SD")]
    dendrite_sd: Option<f64>,

    /// Standard deviation within a dendrite.
    #[arg(long, value_name = "SD")]
    residual_sd: Option<f64>,

    #[command(flatten)]
    params: ParamsArgs,
}

pub(crate) fn stats(args: &StatsArgs, voice: Voice) -> Result<()> {
    let mut params = commands::read_params(&args.params)?;
    if let Some(control) = &args.control {
        params.stats.control.clone_from(control);
    }
    if let Some(repeats) = args.repeats {
        params.stats.repeats = match repeats {
            RepeatsName::Error => Repeats::Error,
            RepeatsName::First => Repeats::First,
            RepeatsName::Mean => Repeats::Mean,
            RepeatsName::All => Repeats::All,
        };
    }
    let target = (args.out.dir.as_path(), args.out.force);
    let (effects, files) =
        pipeline::write_stats(&args.table, args.lives.as_deref(), &params, target, report::stats_html)?;
    if voice.json {
        let result = json!({ "effects": effects.rows, "models": effects.models, "remarks": effects.remarks });
        return print::json(&json!({ "result": result, "files": files }));
    }
    print_effects(&effects)?;
    effects.remarks.iter().for_each(|remark| voice.remark(remark));
    files.iter().try_for_each(|file| print::line(&format!("  {}", file.display())))
}

/// The default test, a line per comparison.
fn print_effects(effects: &Effects) -> Result<()> {
    let share = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.4}"));
    let default =
        |e: &&Effect| e.test == "permutation" && e.contrast == "difference" || e.test == "log-rank-permutation";
    let mut head = String::new();
    for e in effects.rows.iter().filter(default) {
        let here = format!("{} {} ({}), {} - {}", e.study, e.metric, e.scale.name(), e.group_a, e.group_b);
        if here != head {
            print::line(here.trim_start())?;
            head = here;
        }
        print::line(&format!(
            "  day {:>4}  {:>8} [{}, {}]  p {}  Holm {}{}  {} against {} animals",
            e.day.map_or("all".into(), |d| d.to_string()),
            e.estimate.map_or("-".into(), |v| format!("{v:+.4}")),
            share(e.lower),
            share(e.upper),
            share(e.p_value),
            share(e.p_adjusted),
            effects.adjusted(e).map_or_else(String::new, |a| {
                let ratio = if a.contrast == "ratio" { "x " } else { "" };
                format!(
                    "  adjusted {ratio}{} [{}, {}]  Holm {}",
                    share(a.estimate),
                    share(a.lower),
                    share(a.upper),
                    share(a.p_adjusted)
                )
            }),
            e.n_animals_a,
            e.n_animals_b,
        ))?;
    }
    let singular = effects.models.iter().filter(|m| m.fit.singular).count();
    let failed = effects.models.iter().filter(|m| !m.fit.converged).count();
    print::line(&format!("{} mixed models, {singular} singular, {failed} not converged", effects.models.len()))
}

pub(crate) fn power(args: &PowerArgs, voice: Voice) -> Result<()> {
    let mut params = commands::read_params(&args.params)?.power;
    args.animals.iter().for_each(|animals| params.animals.clone_from(animals));
    args.effects.iter().for_each(|effects| params.effects.clone_from(effects));
    params.dendrites = args.dendrites.unwrap_or(params.dendrites);
    params.mouse_sd = args.mouse_sd.unwrap_or(params.mouse_sd);
    params.dendrite_sd = args.dendrite_sd.unwrap_or(params.dendrite_sd);
    params.residual_sd = args.residual_sd.unwrap_or(params.residual_sd);
    let table = pipeline::power(&params)?;
    if voice.json {
        return print::json(&json!({ "parameters": params, "result": table }));
    }
    print::line(&format!("standard deviation of an animal's mean: {:.4}", pipeline::animal_sd(&params)))?;
    print::line("animals per group  effect  power  (95 % of the simulation)  smallest effect shown")?;
    table.iter().try_for_each(|row| {
        print::line(&format!(
            "{:>17}  {:>+6.3}  {:>5.3}  ({:.3} to {:.3})            {:>10} with power {}",
            row.animals,
            row.effect,
            row.power,
            row.interval.0,
            row.interval.1,
            row.detectable.map_or("-".into(), |d| format!("{d:.4}")),
            params.power,
        ))
    })
}
