//! The header is what the source says.

use std::path::Path;

#[test]
fn the_header_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    // By sources, in this order: cbindgen then needs no cargo.
    let names = ["fault", "handle", "progress", "volume", "table", "params", "find", "filter", "follow"];
    let builder = names.iter().fold(cbindgen::Builder::new().with_config(config), |builder, name| {
        builder.with_src(root.join(format!("src/{name}.rs")))
    });
    let mut made = Vec::new();
    builder.generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = root.join("include/gemmule.h");
    if std::env::var("GEMMULE_WRITE_HEADER").is_ok_and(|v| v == "1") {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == made, "include/gemmule.h is stale: GEMMULE_WRITE_HEADER=1 cargo test -p gemmule-c --test header");
}
