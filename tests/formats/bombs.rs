//! Chunks of a few bytes that claim gigabytes, unpack to them, or lie where no file reaches: refused before the memory is taken, and the chunk is named.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use gemmule::error::Error;
use gemmule::io::{ReadOptions, read_stack};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::faults::copy;

/// Bytes that nothing here may unpack to.
const MANY: usize = 256 << 20;

/// Voxels of a chunk of the fixture: 2 x 4 x 4 of two bytes.
const CHUNK: [u64; 5] = [1, 1, 2, 4, 4];
const CHUNK_BYTES: usize = 64;

/// How the first chunk that is read, and is at fault, is named.
const NAMED: &str = "its chunk s0/c/0/0/0/0/0: ";

/// Compresses so many zeros.
type Pack = fn(usize) -> Vec<u8>;

fn zeros(mut to: impl Write, bytes: usize) {
    let zeros = vec![0; bytes.min(1 << 20)];
    for start in (0..bytes).step_by(zeros.len()) {
        to.write_all(&zeros[..zeros.len().min(bytes - start)]).unwrap();
    }
}

fn gzip(bytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zeros(&mut encoder, bytes);
    encoder.finish().unwrap()
}

fn zlib(bytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zeros(&mut encoder, bytes);
    encoder.finish().unwrap()
}

/// Of a stream, whose header does not say how long it becomes.
fn zstd(bytes: usize) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    zeros(&mut encoder, bytes);
    encoder.finish().unwrap()
}

fn little() -> Value {
    json!({ "name": "bytes", "configuration": { "endian": "little" } })
}

fn zstd_codec() -> Value {
    json!({ "name": "zstd", "configuration": { "level": 3, "checksum": false } })
}

fn plain(codec: Value) -> Value {
    json!([little(), codec])
}

fn sharded(inner: Value) -> Value {
    json!([{ "name": "sharding_indexed", "configuration": {
        "chunk_shape": CHUNK, "codecs": [little(), inner], "index_codecs": [little()], "index_location": "end",
    } }])
}

/// A shard of one inner chunk: the chunk, and where it lies.
fn shard(inner: &[u8]) -> Vec<u8> {
    indexed(inner, 0, inner.len() as u64)
}

fn indexed(inner: &[u8], start: u64, len: u64) -> Vec<u8> {
    [inner, &start.to_le_bytes(), &len.to_le_bytes()].concat()
}

/// A copy of the fixture whose array has other words, and whose every chunk is this one.
fn made(chunk: &[u8], words: &[(&str, Value)]) -> (TempDir, PathBuf) {
    let (dir, path) = copy("ome-zarr-0.5.zarr");
    let file = path.join("s0/zarr.json");
    let mut array: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for (name, value) in words {
        array[*name] = value.clone();
    }
    fs::write(&file, array.to_string()).unwrap();
    for file in files(&path.join("s0/c")) {
        fs::write(file, chunk).unwrap();
    }
    (dir, path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A zip of a folder.
fn zipped(folder: &Path, method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for file in files(folder) {
        archive.start_file(file.strip_prefix(folder).unwrap().to_str().unwrap(), options).unwrap();
        archive.write_all(&fs::read(&file).unwrap()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The first voxel, or the message of the one kind of error that may be met.
fn read(path: &Path) -> Result<f32, String> {
    let options = ReadOptions { channel: Some(0), time: Some(0), ..ReadOptions::default() };
    read_stack(path, &options).map(|stack| stack.voxels.value(0)).map_err(|error| {
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        error.to_string()
    })
}

fn read_with(codecs: Value, chunk: &[u8]) -> Result<f32, String> {
    let (_dir, path) = made(chunk, &[("codecs", codecs)]);
    read(&path)
}

/// What reading shards says, whole and in part, from a folder and from zips; all the same but for where the file lies.
fn read_shards(inner: Value, chunk: &[u8]) -> Vec<Result<f32, String>> {
    let codecs = ("codecs", sharded(inner));
    // Shards of one chunk, of an array that is smaller than they are.
    let in_part = [codecs.clone(), ("shape", json!([1, 1, 1, 3, 3]))];
    let mut said = Vec::new();
    for words in [&[codecs][..], &in_part] {
        let (dir, path) = made(chunk, words);
        said.push(read(&path));
        for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
            let file = dir.path().join("image.zarr.zip");
            fs::write(&file, zipped(&path, method)).unwrap();
            said.push(read(&file));
        }
    }
    said
}

fn all_named(said: Vec<Result<f32, String>>, part: &str) {
    for (n, said) in said.into_iter().enumerate() {
        let message = said.expect_err(part);
        assert!(message.contains(NAMED) && message.contains(part), "{n}: expected {part} in {message}");
    }
}

#[test]
fn no_codec_unpacks_more_than_a_chunk_holds() {
    let cases: [(&str, Value, Pack, &str); 3] = [
        ("gzip", json!({ "name": "gzip", "configuration": { "level": 5 } }), gzip, "gzip unpacks to more than the 64"),
        (
            "zlib",
            json!({ "name": "numcodecs.zlib", "configuration": { "level": 5 } }),
            zlib,
            "zlib unpacks to more than the 64",
        ),
        ("zstd", zstd_codec(), zstd, "zstd cannot be unpacked to the 64"),
    ];
    for (name, codec, pack, part) in cases {
        let bomb = pack(MANY);
        assert!(bomb.len() < 1 << 19, "{name}: a bomb is small");
        assert_eq!(read_with(plain(codec.clone()), &pack(CHUNK_BYTES)), Ok(0.0), "{name}");
        for said in read_shards(codec.clone(), &shard(&pack(CHUNK_BYTES))) {
            assert_eq!(said, Ok(0.0), "{name} in a shard");
        }
        all_named(vec![read_with(plain(codec.clone()), &bomb)], part);
        all_named(read_shards(codec, &shard(&bomb)), part);
    }
}

#[test]
fn a_codec_behind_another_unpacks_no_more_than_the_first_may_have_written() {
    let codecs = json!([little(), { "name": "gzip", "configuration": { "level": 5 } }, zstd_codec()]);
    assert_eq!(read_with(codecs.clone(), &zstd::bulk::compress(&gzip(CHUNK_BYTES), 3).unwrap()), Ok(0.0));
    all_named(vec![read_with(codecs, &zstd(MANY))], "zstd cannot be unpacked to the ");
}

#[test]
fn an_inner_chunk_of_a_shard_cannot_claim_more_than_its_voxels() {
    let honest = zstd::bulk::compress(&[0; CHUNK_BYTES], 3).unwrap();
    // One segment whose length has four bytes: RFC 8878, 3.1.1.1.
    let claims = [&[0x28, 0xB5, 0x2F, 0xFD, 0xA0], &(1_u32 << 30).to_le_bytes()[..], &honest[6..]].concat();
    all_named(read_shards(zstd_codec(), &shard(&claims)), "claims 1073741824 bytes, allowed are 64");
    let blosc = json!({ "name": "blosc", "configuration": {
        "cname": "lz4", "clevel": 5, "shuffle": "noshuffle", "typesize": 2, "blocksize": 0,
    } });
    let claims = [&[2, 1, 33, 2], &(1_u32 << 30).to_le_bytes()[..], &[0; 16]].concat();
    all_named(read_shards(blosc, &shard(&claims)), "claims 1073741824 bytes, allowed are 64");
    // Shorter than the checksum it ends with, and without any byte.
    let crc32c = json!({ "name": "crc32c" });
    all_named(read_shards(crc32c.clone(), &shard(&[1, 2])), "crc32c");
    all_named(read_shards(crc32c, &shard(&[])), "crc32c has no bytes");
    let shuffle = json!({ "name": "numcodecs.shuffle", "configuration": { "elementsize": 0 } });
    all_named(read_shards(shuffle, &shard(&[])), "has no bytes");
}

#[test]
fn the_index_of_a_shard_is_looked_at_before_it_is_followed() {
    let honest = zstd::bulk::compress(&[0; CHUNK_BYTES], 3).unwrap();
    let said = |start, len| read_shards(zstd_codec(), &indexed(&honest, start, len));
    // Start and length together are beyond 64 bits: this ended the process.
    all_named(said(u64::MAX - 8, 20), "where no file reaches");
    all_named(said(u64::MAX, 20), "where no file reaches");
    // So much memory was asked for.
    all_named(said(0, 1 << 34), "claims a chunk of 17179869184 bytes");
    all_named(said(0, u64::MAX), "claims a chunk of 18446744073709551615 bytes");
    all_named(said(1 << 40, 20), "");
    all_named(said(0, 1000), "");
    // Less than an index.
    all_named(read_shards(zstd_codec(), &[0; 15]), "");
    // By the standard: a chunk that is not there.
    assert!(said(u64::MAX, u64::MAX).iter().all(|said| *said == Ok(0.0)));
}

#[test]
fn version_2_is_bounded_as_well() {
    let (_dir, path) = copy("bioformats2raw.zarr");
    let file = path.join("0/0/.zarray");
    let mut array: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    array["filters"] = Value::Null;
    let cases: [(Value, Pack); 3] = [
        (json!({ "id": "gzip", "level": 5 }), gzip),
        (json!({ "id": "zlib", "level": 5 }), zlib),
        (json!({ "id": "zstd", "level": 3 }), zstd),
    ];
    for (compressor, pack) in cases {
        array["compressor"] = compressor;
        fs::write(&file, array.to_string()).unwrap();
        for n in 0..3 {
            fs::write(path.join(format!("0/0/{n}/0/0")), pack(70)).unwrap();
        }
        assert_eq!(read_stack(&path, &ReadOptions::default()).unwrap().voxels.value(0), 0.0);
        fs::write(path.join("0/0/1/0/0"), pack(MANY)).unwrap();
        let message = read(&path).unwrap_err();
        assert!(message.contains("its chunk 0/0/1/0/0: ") && message.contains("the 70 bytes allowed"), "{message}");
    }
}

#[test]
fn codecs_and_grids_that_nothing_bounds_are_refused() {
    let zeros = [0; CHUNK_BYTES];
    assert_eq!(read_with(json!([little()]), &zeros), Ok(0.0));
    let refused = |codecs: Value, part: &str| {
        let message = read_with(codecs, &zeros).unwrap_err();
        assert!(message.contains(part), "expected {part} in {message}");
    };
    refused(json!([{ "name": "packbits" }]), "the codec packbits, which is not read");
    let shards = sharded(zstd_codec());
    let nested = json!([{ "name": "sharding_indexed", "configuration": {
        "chunk_shape": CHUNK, "codecs": shards, "index_codecs": [little()],
    } }]);
    refused(nested, "the codec sharding_indexed, which is not read");
    let mut index = shards;
    index[0]["configuration"]["index_codecs"] = json!([little(), zstd_codec()]);
    refused(index, "the codec zstd, which is not read");
    refused(json!([vec![little()], vec![zstd_codec(); 8]].concat()), "9 codecs");
    refused(json!([{ "name": "transpose", "configuration": { "order": [1, 0] } }, little()]), "");
    refused(json!([little(), { "name": "bz3" }]), "bz3");
}

#[test]
fn keys_that_lead_out_of_the_folder_are_refused() {
    let key_encoding = |suffix| json!({ "name": "zarrs.default_suffix", "configuration": { "suffix": suffix } });
    let (dir, path) = made(&[], &[("codecs", json!([little()])), ("chunk_key_encoding", key_encoding("/../../x"))]);
    fs::write(dir.path().join("x"), [7; CHUNK_BYTES]).unwrap();
    assert!(read(&path).unwrap_err().contains("is not inside the folder"));
}

/// Reading a pipe would wait for ever.
#[cfg(unix)]
#[test]
fn chunks_that_are_no_files_are_refused() {
    let (_dir, path) = made(&[0; CHUNK_BYTES], &[("codecs", json!([little()]))]);
    let chunk = path.join("s0/c/0/0/0/0/0");
    fs::remove_file(&chunk).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&chunk).status().unwrap().success());
    assert!(read(&path).unwrap_err().contains("s0/c/0/0/0/0/0 is no file"));
}

#[test]
fn metadata_in_a_zip_have_a_ceiling() {
    let (dir, path) = made(&[0; CHUNK_BYTES], &[("codecs", json!([little()]))]);
    let file = dir.path().join("image.zarr.zip");
    let words = path.join("s0/zarr.json");
    let text = fs::read(&words).unwrap();
    fs::write(&words, [&text[..], &vec![b' '; 17 << 20]].concat()).unwrap();
    let mut bytes = zipped(&path, zip::CompressionMethod::Deflated);
    assert!(bytes.len() < 1 << 17);
    fs::write(&file, &bytes).unwrap();
    assert!(read(&file).unwrap_err().contains("bytes, read are at most 16777216"));
    // A directory that says less: what is unpacked beyond is noticed.
    let long = ((text.len() + (17 << 20)) as u32).to_le_bytes();
    let short = (text.len() as u32).to_le_bytes();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == long {
            bytes[at..at + 4].copy_from_slice(&short);
        }
    }
    fs::write(&file, &bytes).unwrap();
    let message = read(&file).unwrap_err();
    assert!(message.contains("its array s0 cannot be opened"), "{message}");
}
