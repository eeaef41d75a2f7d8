//! What the machine offers beyond the language: lines of memory asked for ahead, huge pages, wide registers. Every one of
//! them changes how long something takes and never what it gives. The only unsafe code of the core is here.
#![allow(unsafe_code)]

/// Asks for the cache line that holds `items[i]`, to be read or written soon.
#[inline(always)]
pub fn prefetch<T>(items: &[T], i: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing and faults nowhere, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(items.as_ptr().wrapping_add(i).cast())
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, i);
}

/// Below so many bytes huge pages cost more (each is cleared at its first use) than they save.
const HUGE_FROM: usize = 64 << 20;

/// Asks for huge pages under memory that is about to be filled, where there is enough of it.
fn huge<T>(items: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 2 << 20;
        let bytes = size_of_val(items);
        let start = items.as_mut_ptr() as usize;
        let (from, to) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
        if bytes >= HUGE_FROM && to > from {
            // SAFETY: advice about pages that lie within the slice; what they hold does not change.
            let _ = unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = items;
}

/// A vector of `n` equal items, on huge pages where it is long.
pub fn filled<T: Clone>(n: usize, item: T) -> Vec<T> {
    let mut items = Vec::with_capacity(n);
    huge(items.spare_capacity_mut());
    items.resize(n, item);
    items
}

/// Appends `n` equal items, with huge pages under what is new where it is long.
pub fn extend<T: Clone>(items: &mut Vec<T>, n: usize, item: T) {
    if items.capacity() - items.len() < n {
        items.reserve(n);
        huge(items.spare_capacity_mut());
    }
    items.resize(items.len() + n, item);
}

/// A loop that is worth compiling for wide registers. Its `go` must be `#[inline(always)]`, and so must be what it calls in
/// the loop: only what becomes part of the function below is compiled for them.
pub trait Work {
    /// Runs the loop. It is called once.
    fn go(self);
}

/// Runs a loop as compiled for the widest registers that are there.
#[inline]
pub fn wide(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: each is called only where the machine has what it was compiled for.
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("fma")
        {
            return unsafe { with_avx512(work) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("fma") {
            return unsafe { with_avx2(work) };
        }
    }
    work.go();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,popcnt,lzcnt")]
fn with_avx512(work: impl Work) {
    work.go();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt,lzcnt")]
fn with_avx2(work: impl Work) {
    work.go();
}
