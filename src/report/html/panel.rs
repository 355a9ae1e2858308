//! Curves beside each other, below each other on a narrow page.

use maud::{Markup, PreEscaped, html};

use crate::error::Result;
use crate::report::plot::{self, Panel};

/// Draws each panel by itself, so that a page can lay them out for its width; `label` says to those who cannot see them what they show.
///
/// # Errors
/// As [`plot::svg`].
pub(crate) fn panels(panels: &[Panel], label: &str) -> Result<Markup> {
    // plotters escapes the texts it draws.
    let drawn = panels.iter().map(|panel| plot::svg(std::slice::from_ref(panel), 1)).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        div.panels role="img" aria-label=(label) { @for svg in &drawn { div { (PreEscaped(svg)) } } }
    })
}
