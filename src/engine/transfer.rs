//! Values between memory and device.

use crate::engine::{Buffer, Engine, HostValues, elsewhere, large_pages};
use crate::error::Result;

impl Engine {
    /// Most bytes of buffers on the device at once since the last call; 0 on the CPU.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Engine};
    /// let engine = Engine::new(Backend::Auto)?;
    /// drop(engine.buffer(1000)?);
    /// let on_a_gpu = engine.adapter().is_some();
    /// assert_eq!(engine.take_peak_bytes() >= 4000, on_a_gpu);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    pub fn take_peak_bytes(&self) -> u64 {
        self.gpu.as_ref().map_or(0, |gpu| gpu.take_peak())
    }

    /// A buffer of `len` zeros.
    ///
    /// ```
    /// use gemmule::engine::{Backend, Engine};
    /// let engine = Engine::new(Backend::Auto)?;
    /// let mut both = engine.buffer(3)?;
    /// engine.copy(&engine.upload(&[7.0, 8.0])?, &mut both, 1)?;
    /// engine.wait()?;
    /// let mut values = [f32::NAN; 3];
    /// engine.read(&both, &mut values)?;
    /// assert_eq!(values, [0.0, 7.0, 8.0]);
    /// # Ok::<(), gemmule::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::Error::Memory`] or [`crate::error::Error::Gpu`] if there is no room.
    pub fn buffer(&self, len: usize) -> Result<Buffer> {
        match &self.gpu {
            None => Ok(Buffer::Cpu(HostValues::new(large_pages::zeros(len)))),
            Some(gpu) => Ok(Buffer::Gpu(gpu.buffer(4 * len as u64)?)),
        }
    }

    /// The same for what kernels read again and again: in memory it begins at a cache line. Its values are not for [`Engine::take_values`], which would move them.
    pub(crate) fn aligned_buffer(&self, len: usize) -> Result<Buffer> {
        match &self.gpu {
            None => Ok(Buffer::Cpu(HostValues::aligned(len))),
            Some(_) => self.buffer(len),
        }
    }

    /// A buffer that holds `values`. See the example of [`Engine`].
    ///
    /// # Errors
    /// As [`Engine::buffer`].
    pub fn upload(&self, values: &[f32]) -> Result<Buffer> {
        match &self.gpu {
            None => Ok(Buffer::Cpu(HostValues::new(values.to_vec()))),
            Some(_) => self.upload_bytes(bytemuck::cast_slice(values)),
        }
    }

    /// Bytes as they are, for a shader that takes them apart; on the device only.
    pub(crate) fn upload_bytes(&self, bytes: &[u8]) -> Result<Buffer> {
        let gpu = self.device()?;
        let buffer = gpu.buffer(bytes.len() as u64)?;
        gpu.write(&buffer, bytes)?;
        Ok(Buffer::Gpu(buffer))
    }

    /// Copies the first `out.len()` values of a buffer to `out`, after everything that was started before. See the example of [`Engine`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails.
    ///
    /// # Panics
    /// If a buffer in memory is shorter than `out`.
    pub fn read(&self, buffer: &Buffer, out: &mut [f32]) -> Result<()> {
        self.read_words(buffer, 0, bytemuck::cast_slice_mut(out))
    }

    /// All values of a buffer that is not needed any more; in memory nothing is copied.
    pub(crate) fn take_values(&self, buffer: Buffer) -> Result<Vec<f32>> {
        if let Buffer::Cpu(values) = buffer {
            return Ok(values.into_vec());
        }
        let mut values = vec![0.0; buffer.len()];
        self.read(&buffer, &mut values)?;
        Ok(values)
    }

    /// Copies values from the `start`-th on, bit by bit.
    pub(crate) fn read_words(&self, buffer: &Buffer, start: usize, out: &mut [u32]) -> Result<()> {
        match buffer {
            Buffer::Cpu(values) => out.copy_from_slice(bytemuck::cast_slice(&values[start..][..out.len()])),
            Buffer::Gpu(buffer) => self.device()?.read(buffer, 4 * start as u64, bytemuck::cast_slice_mut(out))?,
        }
        Ok(())
    }

    /// Copies all values of `from` into `to`, from its `start`-th on: blocks of several scales in one buffer. See the example of [`Engine::buffer`].
    ///
    /// # Errors
    /// [`crate::error::Error::Gpu`] if the device fails or the buffers are not on it.
    ///
    /// # Panics
    /// If `to` is too short.
    pub fn copy(&self, from: &Buffer, to: &mut Buffer, start: usize) -> Result<()> {
        assert!(start + from.len() <= to.len(), "the values fit the buffer");
        match (from, to) {
            (Buffer::Cpu(from), Buffer::Cpu(to)) => to[start..][..from.len()].copy_from_slice(from),
            (Buffer::Gpu(from), Buffer::Gpu(to)) => {
                self.device()?.copy(from, to, 4 * start as u64)?;
            }
            _ => return Err(elsewhere("a buffer in memory was to be copied to one on a device, or the reverse")),
        }
        Ok(())
    }
}
