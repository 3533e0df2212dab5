//! The system's allocator with a count of allocated bytes. Tests that use it must not run
//! concurrently in one process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// An allocator that counts bytes.
#[derive(Debug)]
pub struct Counting;

/// Waits for the other tests of the process, which share the count, and excludes them until the
/// returned guard is dropped.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the number of allocated bytes.
pub fn live() -> usize {
    LIVE.load(Relaxed)
}

/// Returns the maximum number of allocated bytes since the last call.
pub fn most() -> usize {
    MOST.swap(live(), Relaxed)
}

fn add(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    MOST.fetch_max(live, Relaxed);
}

#[expect(unsafe_code, reason = "implementing `GlobalAlloc` requires unsafe code")]
// SAFETY: every call is forwarded unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the same.
        let place = unsafe { System.alloc(layout) };
        if !place.is_null() {
            add(layout.size());
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(place, layout) };
        LIVE.fetch_sub(layout.size(), Relaxed);
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are the same.
        let new = unsafe { System.realloc(place, layout, size) };
        if !new.is_null() {
            LIVE.fetch_sub(layout.size(), Relaxed);
            add(size);
        }
        new
    }
}
