//! What a run moves and computes, counted by hand from the formulas.

use crate::engine::Work;
use crate::kernel::hessian_response::{FRANGI, HessianResponse, JERMAN, Response, SATO};
use crate::kernel::{eigen3, response};

impl HessianResponse {
    /// Bytes and arithmetic of one run. See the example of [`Work`].
    pub fn work(&self) -> Work {
        let voxels = self.slab.output_len() as u64;
        let response = match self.response {
            JERMAN => response::OPERATIONS[0],
            FRANGI => response::OPERATIONS[1],
            SATO => response::OPERATIONS[2],
            // The trace needs no eigenvalues.
            _ => 3,
        };
        let eigenvalues = if self.response == Response::Blob as u32 { 0 } else { eigen3::OPERATIONS };
        let running = u64::from(self.running);
        Work {
            bytes_read: 4 * (self.slab.input_len() as u64 + running * voxels),
            bytes_written: 4 * voxels,
            operations: voxels * (self.hessian_operations() + eigenvalues + response + running),
        }
    }

    /// Of [`HessianResponse::peak`]; the CPU leaves out the eigenvalues of voxels that cannot have the largest one, which this does not. See
    /// the example of [`Work`].
    pub fn peak_work(&self) -> Work {
        // S² and two comparisons.
        let operations = self.slab.output_len() as u64 * (self.hessian_operations() + eigen3::OPERATIONS + 7);
        Work { bytes_read: 4 * self.slab.input_len() as u64, bytes_written: 8, operations }
    }

    /// Along z a sum and a difference for every pair of planes, and three multiplications and additions; in the plane two second and three first derivatives, one
    /// of them in two steps.
    fn hessian_operations(&self) -> u64 {
        const SECOND: u64 = 1 + 3 * 3;
        const FIRST: u64 = 3 * 3 - 1;
        2 + 8 * u64::from(self.radius_z) + 2 * SECOND + 4 * FIRST
    }
}
