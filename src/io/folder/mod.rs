//! Recordings that are folders: one XML, and the planes in files beside it.

mod prairie;
mod thor;

use std::path::{Component, Path, PathBuf};

use roxmltree::Document;

use crate::io::fault::{Fault, Found};
use crate::io::planes::open_metadata;
use crate::io::source::Source;

/// XML longer than this describes no recording: its tree takes some ten times as much memory.
const MAX_XML_BYTES: u64 = 64 << 20;

/// Opens the folder of a recording, or its XML or raw file.
pub(super) fn open(path: &Path) -> Found<Box<dyn Source>> {
    if path.is_dir() {
        return open_xml(&find_xml(path)?);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".companion.ome") {
        return Ok(Box::new(open_metadata(path)?));
    }
    if name.ends_with(".raw") {
        let xml = path.with_file_name("Experiment.xml");
        if !xml.is_file() {
            return Err(Fault::new(
                "is raw data without the Experiment.xml of ThorImage beside it, which says what they are",
                "copy Experiment.xml into its folder",
            ));
        }
        return open_xml(&xml);
    }
    open_xml(path)
}

fn open_xml(path: &Path) -> Found<Box<dyn Source>> {
    let text = read_text(path)?;
    let document = Document::parse(&text).map_err(|e| {
        Fault::damaged(format!("its XML cannot be understood ({e})")).in_file(&path.display().to_string())
    })?;
    match document.root_element().tag_name().name() {
        "PVScan" => Ok(Box::new(prairie::open(path, &document)?)),
        "ThorImageExperiment" => Ok(Box::new(thor::open(path, &document)?)),
        "OME" => Ok(Box::new(open_metadata(path)?)),
        other => Err(Fault::new(
            format!("its XML is <{other}>; read are <PVScan> (PrairieView), <ThorImageExperiment> and <OME>"),
            "give the XML that the microscope wrote beside the images",
        )),
    }
}

/// The XML of a recording in a folder; several are not chosen from.
fn find_xml(folder: &Path) -> Found<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let by_name = name == "Experiment.xml" || name.ends_with(".companion.ome");
        if by_name || (name.ends_with(".xml") && head(&path)?.contains("<PVScan")) {
            found.push(path);
        }
    }
    found.sort();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(Fault::new(
            "is a folder without OME-Zarr (zarr.json, .zattrs), PrairieView's XML, ThorImage's Experiment.xml or a .companion.ome",
            "give the file in it, or the folder that the microscope wrote",
        )),
        [first, second, ..] => Err(Fault::new(
            format!("is a folder of several recordings ({}, {})", first.display(), second.display()),
            "give the XML of the one wanted",
        )),
    }
}

fn head(path: &Path) -> Found<String> {
    let mut head = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::open(path)?, 4096), &mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A text file of moderate length; a byte order mark at its beginning is left out.
pub(super) fn read_text(path: &Path) -> Found<String> {
    let len = std::fs::metadata(path)?.len();
    if len > MAX_XML_BYTES {
        let text = format!("{} has {len} bytes of XML, read are at most {MAX_XML_BYTES}", path.display());
        return Err(Fault::new(text, "export the recording as OME-TIFF"));
    }
    let bytes = std::fs::read(path)?;
    let text =
        String::from_utf8(bytes).map_err(|_| Fault::damaged(format!("{} is no text (UTF-8)", path.display())))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A file that metadata name, which must lie beside them: what a file says must not lead anywhere else.
pub(super) fn beside(path: &Path, name: &str) -> Found<PathBuf> {
    let plain = matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    if !plain || name.contains(['/', '\\', '\0']) {
        return Err(Fault::damaged(format!("it names the file {name:?}, which is not a plain name in its own folder")));
    }
    let file = path.with_file_name(name);
    if !file.is_file() {
        return Err(Fault::new(
            format!("it names the file {name}, which is not beside it"),
            "copy all files of the recording into one folder, with their names as they were",
        ));
    }
    Ok(file)
}
