//! Memory of large buffers on the CPU: in large pages where the system has them.
//!
//! A buffer that is written once takes a fault of a microsecond for every 4 KiB otherwise, a seventh of the time of the ridge filter.

/// Zeros, not touched yet.
pub(super) fn zeros(len: usize) -> Vec<f32> {
    let values = vec![0.0; len];
    advise(&values);
    values
}

/// Bytes of a large page: it begins at a multiple of them.
#[cfg(target_os = "linux")]
const LARGE_PAGE: usize = 2 << 20;

/// Asks for large pages for the whole pages within `values`.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "advice about memory is a call to the C library")]
fn advise(values: &[f32]) {
    let bytes = values.as_ptr_range();
    let start = (bytes.start as usize).next_multiple_of(LARGE_PAGE);
    let end = bytes.end as usize / LARGE_PAGE * LARGE_PAGE;
    if end > start {
        // SAFETY: the range lies within memory that `values` holds, and this advice changes neither what it holds nor who may use it.
        // An error says that there are no large pages: then there are none.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: &[f32]) {}

#[cfg(test)]
mod tests {
    use crate::engine::large_pages::zeros;

    #[test]
    fn buffers_of_any_length_are_zeros_that_can_be_written() {
        for len in [0, 1, 1000, 1 << 19, (3 << 20) + 7] {
            let mut values = zeros(len);
            assert!(values.len() == len && values.iter().all(|v| *v == 0.0));
            values.fill(1.0);
            assert_eq!(values.iter().sum::<f32>(), len as f32);
        }
    }
}
