//! Pieces of a self-contained page: shell, sections, tables, figures. Every text is escaped by `maud`; nothing is fetched, and no script runs.

mod panel;

pub(crate) use crate::report::html::panel::panels;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::error::{Error, Result};

const STYLE: &str = include_str!("style.css");
/// Keeps even a faulty page from fetching anything or running a script.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
/// Grey pictures hold shot noise, which costs most bytes; at 82 of 100 spines look the same.
const JPEG_QUALITY: u8 = 82;

/// A section of a page.
pub(crate) struct Section {
    /// What links lead to: letters and hyphens.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) body: Markup,
}

impl Section {
    pub(crate) fn new(id: &'static str, title: impl Into<String>, body: Markup) -> Self {
        Self { id, title: title.into(), body }
    }
}

/// A whole page: title, a line below it, links to its sections, the sections, and what made it.
pub(crate) fn page(title: &str, subtitle: &str, lead: &Markup, sections: &[Section]) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                title { (title) " · gemmule" }
                // Without it browsers ask for /favicon.ico.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.subtitle { (subtitle) }
                    (lead)
                    nav aria-label="Sections" {
                        @for section in sections { a href={ "#" (section.id) } { (section.title) } }
                    }
                }
                main {
                    @for section in sections {
                        section id=(section.id) { h2 { (section.title) } (section.body) }
                    }
                }
                footer { p { "Made by gemmule " (env!("CARGO_PKG_VERSION")) ". This page needs no network and no other file." } }
            }
        }
    }
    .into_string()
}

/// Large figures with what they count.
pub(crate) fn figures(all: &[(String, String)]) -> Markup {
    html! { dl.figures { @for (name, value) in all { div { dd { (value) } dt { (name) } } } } }
}

/// A table; columns but the first whose every cell is a number, an interval or empty are aligned right. It scrolls in itself where it is wider than the page.
pub(crate) fn table(columns: &[&str], rows: &[Vec<String>]) -> Markup {
    let number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || " .,+-−–%×[]()eto".contains(c));
    let right: Vec<bool> =
        (0..columns.len()).map(|c| c > 0 && rows.iter().all(|r| r.get(c).is_none_or(|t| number(t)))).collect();
    let class = |c: usize| right.get(c).is_some_and(|r| *r).then_some("number");
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for (c, name) in columns.iter().enumerate() { th scope="col" class=[class(c)] { (name) } } } }
                tbody {
                    @for row in rows {
                        tr { @for (c, cell) in row.iter().enumerate() { td class=[class(c)] { (cell) } } }
                    }
                }
            }
        }
    }
}

/// A picture or drawing with its caption.
pub(crate) fn figure(drawing: &Markup, caption: &str) -> Markup {
    html! { figure { (drawing) figcaption { (caption) } } }
}

/// What is shown only when asked for.
pub(crate) fn details(summary: &str, body: &Markup) -> Markup {
    html! { details { summary { (summary) } (body) } }
}

/// A grey picture as the address of itself.
///
/// # Errors
/// [`Error::Parameter`] for a picture without pixels or with more than 65535 on a side.
pub(crate) fn jpeg(picture: &GrayImage) -> Result<String> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .encode(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::L8)
        .map_err(|e| Error::parameter("picture of the report", e, "1 to 65535 pixels on a side", "report this"))?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use image::GrayImage;
    use maud::html;

    use crate::report::html::{Section, details, figure, figures, jpeg, page, panels, table};
    use crate::report::plot::{Curve, Panel, Point};

    const HOSTILE: &str = "<script>alert(1)</script>\"'&<img src=x onerror=y>";

    #[test]
    fn no_text_gets_out_of_its_place() {
        let mine = || HOSTILE.to_owned();
        let points =
            vec![Point { x: 0.0, y: 0.5, interval: Some((0.4, 0.6)) }, Point { x: 1.0, y: 0.7, interval: None }];
        let panel = Panel {
            title: mine(),
            x_label: mine(),
            y_label: mine(),
            y: None,
            ticks: vec![mine(), mine()],
            curves: vec![Curve { name: mine(), points: points.clone() }, Curve { name: mine(), points }],
        };
        let body = html! {
            (table(&[HOSTILE], &[vec![mine()]])) (figures(&[(mine(), mine())])) (panels(&[panel], HOSTILE).unwrap())
            (figure(&html! { (HOSTILE) }, HOSTILE)) (details(HOSTILE, &html! { p title=(HOSTILE) {} }))
        };
        let page = page(HOSTILE, HOSTILE, &html! {}, &[Section::new("all", HOSTILE, body)]);
        assert!(page.matches("&lt;script&gt;").count() >= 18, "{}", page.matches("&lt;script&gt;").count());
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        // Only what is inside quotes could use a quote, and there it is written out.
        let attribute = page.split("<p title=\"").nth(1).expect("the paragraph").split('"').next().expect("its title");
        assert!(attribute.ends_with("onerror=y&gt;"), "{attribute}");
        let tree = page.split("</style>").nth(1).expect("a body");
        assert!(
            roxmltree::Document::parse(&format!("<a>{}", tree.replace("</head>", "").replace("</html>", "</a>")))
                .is_ok()
        );
    }

    #[test]
    fn columns_of_numbers_are_aligned_and_pictures_hold_themselves() {
        let rows = [vec!["a".to_owned(), "1.5".to_owned()], vec!["b".to_owned(), String::new()]];
        let text = table(&["name", "value"], &rows).into_string();
        assert!(text.contains("<td>a</td><td class=\"number\">1.5</td>"), "{text}");
        let address = jpeg(&GrayImage::from_fn(20, 10, |x, _| image::Luma([x as u8 * 10]))).unwrap();
        assert!(address.starts_with("data:image/jpeg;base64,/9j/"));
        assert!(jpeg(&GrayImage::new(0, 0)).is_err());
    }
}
