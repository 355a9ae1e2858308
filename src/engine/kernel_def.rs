//! What the engine knows of a kernel: its source and what it binds.

use crate::engine::Buffer;

/// A compute shader and its bindings, all in group 0.
///
/// ```
/// use gemmule::engine::Binding;
/// use gemmule::kernel::smooth_z::KERNEL;
/// assert_eq!(KERNEL.bindings, [Binding::Uniform, Binding::Read, Binding::ReadWrite]);
/// assert!(KERNEL.numbered_source().starts_with("   1 "));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KernelDef {
    /// Stem of the file in `shaders/`.
    pub name: &'static str,
    /// The joined WGSL source.
    pub source: &'static str,
    /// Entry point.
    pub entry: &'static str,
    /// Bindings 0, 1, ... in order.
    pub bindings: &'static [Binding],
}

/// What a binding holds. See the example of [`KernelDef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A uniform struct.
    Uniform,
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written.
    ReadWrite,
}

/// One run of a kernel. See the example of [`crate::engine::Engine::dispatch`].
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Values of the shader's `override` constants; a pipeline is built once per set of them.
    pub constants: &'a [(&'static str, f64)],
    /// Bytes of the uniforms, in the order of their bindings.
    pub uniforms: &'a [&'a [u8]],
    /// Storage buffers, in the order of their bindings.
    pub buffers: &'a [&'a Buffer],
    /// Number of workgroups. They are laid out in two dimensions; the shader joins the index again (`group_index` of the prelude).
    pub groups: u64,
    /// Invocations per workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory: naga lets a shader through that wants more than the device has.
    pub workgroup_bytes: u32,
}

impl KernelDef {
    /// The source with line numbers, for messages about it. See the example of [`KernelDef`].
    pub fn numbered_source(&self) -> String {
        self.source.lines().enumerate().map(|(n, line)| format!("{:4} {line}\n", n + 1)).collect()
    }
}

/// Joins files of `shaders/` to one WGSL source.
macro_rules! wgsl {
    ($($file:literal),+) => {
        concat!($(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file))),+)
    };
}

pub(crate) use wgsl;
