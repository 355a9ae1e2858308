//! What `gemmule bench` says.

use serde::Serialize;

/// What `gemmule bench --json` prints. See the example of [`super::run`].
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Version of gemmule.
    pub version: &'static str,
    /// Day of the measurement, UTC, as YYYY-MM-DD.
    pub date: String,
    /// Operating system, processor and its logical cores.
    pub machine: String,
    /// Name of the adapter, or "CPU".
    pub adapter: String,
    /// Its driver; threads of the CPU.
    pub driver: String,
    /// Bytes read and written per second by a plain copy of the same device, in this run.
    pub copy_gb_per_s: f64,
    /// The same of this machine's memory, by all threads.
    pub cpu_copy_gb_per_s: f64,
    /// Multiplications and additions per second of the same device where nothing else is done ([`crate::kernel::multiply_add`]), 1e9.
    pub arithmetic_gop_per_s: f64,
    /// The same of this machine's processor, by all threads.
    pub cpu_arithmetic_gop_per_s: f64,
    /// How shaders are guarded, which costs speed.
    pub guards: &'static str,
    /// One row per kernel and backend, and the whole filter stage last, at every size asked for.
    pub rows: Vec<BenchRow>,
    /// How the time of the filter stage grows with the number of voxels; empty for a single size.
    pub growth: Vec<Growth>,
}

/// One kernel on one backend. See the example of [`super::run`].
#[derive(Clone, Debug, Serialize)]
pub struct BenchRow {
    /// Name of the kernel, or `filter_stage`.
    pub kernel: String,
    /// gpu or cpu.
    pub backend: String,
    /// Planes, rows, columns.
    pub shape: [usize; 3],
    /// Voxels per second.
    pub voxels_per_s: f64,
    /// Bytes of input and output per voxel, each moved once; of the filter stage those of all its kernels and copies, as counted while it ran.
    pub bytes_per_voxel: f64,
    /// These bytes per second.
    pub gb_per_s: f64,
    /// Share of the copy's bandwidth on the same backend.
    pub fraction_of_copy: f64,
    /// Additions, multiplications, divisions, roots and comparisons per voxel.
    pub operations_per_voxel: f64,
    /// Share of the rate of arithmetic of the same backend.
    pub fraction_of_arithmetic: f64,
    /// Seconds of one run, median.
    pub seconds: f64,
    /// Seconds of one run by the device's own clock, mean; none where there is none.
    pub device_seconds: Option<f64>,
    /// Dispatches of one run; 0 on the CPU.
    pub dispatches: u64,
    /// Seconds to bring the input to the device; none where the run includes it.
    pub upload_seconds: Option<f64>,
    /// Seconds to bring the result back; none where the run includes it.
    pub readback_seconds: Option<f64>,
    /// Bytes that one run brings to the device.
    pub uploaded_bytes: u64,
    /// Bytes that one run brings back.
    pub read_back_bytes: u64,
    /// Largest difference from the CPU twin, in the kernel's own unit; infinite (null in JSON) if there are more or fewer results.
    pub max_abs_error_vs_cpu: f64,
    /// Most bytes of buffers held at once; none if unknown.
    pub peak_bytes: Option<u64>,
}

/// Time against voxels on one backend. See the example of [`super::run`].
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    /// gpu or cpu.
    pub backend: String,
    /// Slope of log seconds over log voxels by least squares: 1 is linear.
    pub exponent: f64,
    /// Largest number of voxels measured.
    pub voxels: usize,
}

/// Rates of a device that nothing on it can exceed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roofs {
    /// Bytes per second of a copy, 1e9.
    pub(super) copy_gb_per_s: f64,
    /// Multiplications and additions per second, 1e9.
    pub(super) arithmetic_gop_per_s: f64,
}

impl BenchRow {
    /// Fills in what follows from `seconds`, bytes and operations.
    pub(super) fn under(self, roofs: Roofs) -> Self {
        let voxels: f64 = self.shape.iter().map(|&n| n as f64).product();
        let per_s = voxels / self.seconds;
        let gb_per_s = self.bytes_per_voxel * per_s / 1e9;
        Self {
            voxels_per_s: per_s,
            gb_per_s,
            fraction_of_copy: gb_per_s / roofs.copy_gb_per_s,
            fraction_of_arithmetic: self.operations_per_voxel * per_s / 1e9 / roofs.arithmetic_gop_per_s,
            ..self
        }
    }

    /// Share of the nearer roof: how much of what the device can do at most is done. See the example of [`super::run`].
    pub fn fraction_of_roof(&self) -> f64 {
        self.fraction_of_copy.max(self.fraction_of_arithmetic)
    }
}

impl Growth {
    /// Of the filter stage on one backend; none for fewer than two sizes.
    pub(super) fn of(rows: &[BenchRow], backend: &str) -> Option<Self> {
        let stage = rows.iter().filter(|row| row.kernel == "filter_stage" && row.backend == backend);
        let points: Vec<(usize, f64)> = stage.map(|row| (row.shape.iter().product(), row.seconds)).collect();
        let n = points.len() as f64;
        let logs = || points.iter().map(|&(voxels, seconds)| ((voxels as f64).ln(), seconds.ln()));
        let (mean_x, mean_y) = (logs().map(|p| p.0).sum::<f64>() / n, logs().map(|p| p.1).sum::<f64>() / n);
        let (across, along) = logs()
            .fold((0.0, 0.0), |(xy, xx), (x, y)| (xy + (x - mean_x) * (y - mean_y), xx + (x - mean_x) * (x - mean_x)));
        let voxels = points.iter().map(|p| p.0).max()?;
        (along > 0.0).then(|| Self { backend: backend.into(), exponent: across / along, voxels })
    }
}

#[cfg(test)]
mod tests {
    use crate::pipeline::bench::report::{BenchRow, Growth, Roofs};

    fn row(shape: [usize; 3], seconds: f64) -> BenchRow {
        BenchRow {
            kernel: "filter_stage".into(),
            backend: "cpu".into(),
            shape,
            voxels_per_s: 0.0,
            bytes_per_voxel: 8.0,
            gb_per_s: 0.0,
            fraction_of_copy: 0.0,
            operations_per_voxel: 100.0,
            fraction_of_arithmetic: 0.0,
            seconds,
            device_seconds: None,
            dispatches: 0,
            upload_seconds: None,
            readback_seconds: None,
            uploaded_bytes: 0,
            read_back_bytes: 0,
            max_abs_error_vs_cpu: 0.0,
            peak_bytes: None,
        }
    }

    #[test]
    fn shares_are_of_the_roofs_and_the_nearer_one_counts() {
        // 1e9 voxels in two seconds: 4 GB/s of 10, 50 Gop/s of 100.
        let row = row([1000, 1000, 1000], 2.0).under(Roofs { copy_gb_per_s: 10.0, arithmetic_gop_per_s: 100.0 });
        assert_eq!((row.gb_per_s, row.fraction_of_copy, row.fraction_of_arithmetic), (4.0, 0.4, 0.5));
        assert_eq!(row.fraction_of_roof(), 0.5);
    }

    #[test]
    fn growth_is_the_slope_of_the_logarithms() {
        let rows = [row([10, 10, 10], 1.0), row([10, 10, 20], 4.0), row([10, 20, 20], 16.0)];
        let growth = Growth::of(&rows, "cpu").unwrap();
        assert!((growth.exponent - 2.0).abs() < 1e-12 && growth.voxels == 4000);
        assert!(Growth::of(&rows[..1], "cpu").is_none() && Growth::of(&rows, "gpu").is_none());
    }
}
