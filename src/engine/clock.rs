//! Seconds of kernels by the device's own clock.

use std::collections::BTreeMap;

/// Runs timed before the clock is read; a query set holds twice as many values at most.
const RUNS: u32 = 2048;

/// Two timestamps for each run since it was last read.
pub(crate) struct Clock {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    seconds_per_tick: f64,
    entries: Vec<&'static str>,
    /// Runs beyond [`RUNS`]: their kernels have no time.
    missed: Vec<&'static str>,
}

impl Clock {
    pub(crate) fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let set = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("clock"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * RUNS,
        });
        let resolved = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("clock"),
            size: 16 * u64::from(RUNS),
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let seconds_per_tick = 1e-9 * f64::from(queue.get_timestamp_period());
        Self { set, resolved, seconds_per_tick, entries: Vec::new(), missed: Vec::new() }
    }

    /// Where the next run writes when it begins and ends; none if there is no room left.
    pub(crate) fn next(&mut self, entry: &'static str) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let n = self.entries.len() as u32;
        if n == RUNS {
            self.missed.push(entry);
            return None;
        }
        self.entries.push(entry);
        Some(wgpu::ComputePassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(2 * n),
            end_of_pass_write_index: Some(2 * n + 1),
        })
    }

    /// Brings what was written to where it can be read; none if nothing was timed.
    pub(crate) fn resolve(&self, encoder: &mut wgpu::CommandEncoder) -> Option<(&wgpu::Buffer, usize)> {
        let values = 2 * self.entries.len();
        if values == 0 {
            return None;
        }
        encoder.resolve_query_set(&self.set, 0..values as u32, &self.resolved, 0);
        Some((&self.resolved, values))
    }

    /// Seconds of every kernel from the values read; none where a run was missed, or ended before it began, as seen on macOS. Starts anew.
    pub(crate) fn seconds(&mut self, ticks: &[u64]) -> BTreeMap<&'static str, Option<f64>> {
        let mut found: BTreeMap<&'static str, Option<f64>> = self.missed.drain(..).map(|entry| (entry, None)).collect();
        for (entry, pair) in self.entries.drain(..).zip(ticks.as_chunks::<2>().0) {
            let taken = pair[1].checked_sub(pair[0]).map(|ticks| ticks as f64 * self.seconds_per_tick);
            let sum = found.entry(entry).or_insert(Some(0.0));
            *sum = sum.zip(taken).map(|(a, b)| a + b);
        }
        found
    }
}
