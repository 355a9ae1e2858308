//! Shaders and twins belong together: names, bindings, and where each field of a uniform lies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::{offset_of, size_of};
use std::path::Path;

use gemmule::engine::Binding;
use gemmule::kernel::convert::{Convert, Piece};
use gemmule::kernel::hessian_response::HessianResponse;
use gemmule::kernel::local_maxima::LocalMaxima;
use gemmule::kernel::multiply_add::MultiplyAdd;
use gemmule::kernel::smooth_xy::SmoothXy;
use gemmule::kernel::smooth_z::SmoothZ;
use gemmule::kernel::{DEFINITIONS, Slab};

fn stems(folder: &str, extension: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == extension) && !path.ends_with("mod.rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn modules() -> Vec<naga::Module> {
    let parse =
        |source| naga::front::wgsl::parse_str(source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(source)));
    DEFINITIONS.iter().map(|kernel| parse(kernel.source)).collect()
}

#[test]
fn every_shader_has_a_twin_and_every_twin_a_shader() {
    let shaders = stems("shaders", "wgsl");
    assert_eq!(shaders, stems("src/kernel", "rs"));
    let joined: String = DEFINITIONS.iter().map(|kernel| kernel.source).collect();
    for stem in &shaders {
        let path = format!("{}/shaders/{stem}.wgsl", env!("CARGO_MANIFEST_DIR"));
        assert!(joined.contains(&fs::read_to_string(path).unwrap()), "{stem}.wgsl is in no kernel");
    }
    assert!(DEFINITIONS.iter().all(|kernel| shaders.contains(kernel.name)));
}

#[test]
fn every_shader_is_valid_and_binds_what_its_definition_says() {
    for (kernel, module) in DEFINITIONS.iter().zip(modules()) {
        let flags = naga::valid::ValidationFlags::all();
        let mut validator = naga::valid::Validator::new(flags, naga::valid::Capabilities::empty());
        let info = validator.validate(&module).unwrap_or_else(|e| panic!("{}: {e:?}", kernel.name));
        let entry = module.entry_points.iter().position(|entry| entry.name == kernel.entry).unwrap();
        let mut bound = BTreeMap::new();
        for (handle, variable) in module.global_variables.iter() {
            let Some(binding) = variable.binding else { continue };
            if info.get_entry_point(entry)[handle].is_empty() {
                continue;
            }
            let kind = match variable.space {
                naga::AddressSpace::Uniform => Binding::Uniform,
                naga::AddressSpace::Storage { access } if access.contains(naga::StorageAccess::STORE) => {
                    Binding::ReadWrite
                }
                _ => Binding::Read,
            };
            assert_eq!(binding.group, 0);
            bound.insert(binding.binding, kind);
        }
        assert_eq!(bound.into_values().collect::<Vec<_>>(), kernel.bindings, "{}", kernel.name);
    }
}

/// Offsets of the fields of a struct, and its size as `""`.
fn layout(name: &str) -> BTreeMap<String, usize> {
    let found = modules().into_iter().find_map(|module| {
        let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name))?;
        let naga::TypeInner::Struct { members, span } = &ty.inner else { return None };
        let fields = members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset as usize));
        Some(fields.chain([(String::new(), *span as usize)]).collect())
    });
    found.unwrap_or_else(|| panic!("no shader has a struct {name}"))
}

macro_rules! same_layout {
    ($type:ident { $($field:ident),+ }) => {
        let fields = [$((stringify!($field), offset_of!($type, $field))),+, ("", size_of::<$type>())];
        // The pattern names every field: one left out here does not compile.
        let $type { $($field: _),+ } = bytemuck::Zeroable::zeroed();
        assert_eq!(layout(stringify!($type)), fields.map(|(n, at)| (n.to_owned(), at)).into(), stringify!($type));
    };
}

#[test]
fn every_field_of_every_uniform_lies_where_the_shader_reads_it() {
    same_layout!(Slab { nz, ny, nx, in_start, in_count, out_start, out_count, padding });
    same_layout!(Convert { slab, raw_ny, raw_nx, binning, stabilise, scale, shift, weight, skip });
    same_layout!(Piece { plane, planes, row, rows });
    same_layout!(SmoothXy { slab, radius_y, radius_x, padding, taps_y, taps_x });
    same_layout!(SmoothZ { slab, radius, padding, taps });
    same_layout!(MultiplyAdd { len, rounds, factor, term });
    same_layout!(LocalMaxima { slab, scales, capacity, threshold, padding });
    same_layout!(HessianResponse {
        slab,
        radius_z,
        response,
        running,
        padding,
        floor,
        alpha,
        beta,
        padding_f,
        taps_g,
        taps_d1,
        taps_d2,
        d1_y,
        d1_x,
        d2_y,
        d2_x
    });
}
