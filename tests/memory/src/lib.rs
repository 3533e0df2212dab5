//! The system's allocator, counting what is held: for tests, each of which is alone in its process
//! or takes turns with the others.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// An allocator that counts.
#[derive(Debug)]
pub struct Counting;

/// How many bytes are held now.
pub fn live() -> usize {
    LIVE.load(Relaxed)
}

/// The most that were held since this was last asked.
pub fn most() -> usize {
    MOST.swap(live(), Relaxed)
}

fn add(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    MOST.fetch_max(live, Relaxed);
}

#[expect(unsafe_code, reason = "there is no other way to be an allocator")]
// SAFETY: all is done by the system's allocator, with what was asked for.
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
