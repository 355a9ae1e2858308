//! Values on the device the engine runs on.

/// f32 values where the kernels can reach them.
#[derive(Debug)]
pub enum Buffer {
    /// In memory.
    Cpu(Vec<f32>),
}
