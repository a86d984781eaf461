//! The end of a process that the system gives no more memory or no more threads: it writes a message and exits with the
//! code [`CANNOT`].
//!
//! Files are written whole or not at all, so a run may end at any moment, and is resumed from what it has written.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{CANNOT, GOES_ON};

/// The allocator of the system, for programs: where the system has no more memory, the process ends with a message.
///
/// By itself, Rust aborts a process that is out of memory, as if it had found a bug.
#[derive(Debug)]
pub struct Allocator;

// SAFETY: every call is passed on unchanged to the allocator of the system, and its answer is passed back, unless it is
// null: then the process ends without unwinding.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`, which is that of `System.alloc`.
        present(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is that of `System.alloc_zeroed`.
        present(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`, which is that of `System.realloc`.
        present(unsafe { System.realloc(old, layout, size) }, size)
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, which is that of `System.dealloc`.
        unsafe { System.dealloc(old, layout) }
    }
}

/// Returns a pointer to `size` allocated bytes, or ends the process if the pointer is null.
fn present(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() {
        end(format_args!(
            "out of memory: {size} bytes more were refused"
        ));
    }
    pointer
}

/// The beginnings of the messages with which the standard library panics where the system gives it no thread, or not
/// what a new thread needs.
const NO_THREAD: [&str; 3] = [
    "failed to spawn thread",
    "failed to allocate an alternative stack",
    "failed to set up alternative stack guard page",
];

/// Makes the process end with a message, from now on, where the system gives it no more threads.
///
/// Where a library does not check whether a thread was started, the standard library panics, and a panic stands for a
/// bug.
pub fn end_where_threads_run_out() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if NO_THREAD.iter().any(|start| message.starts_with(start)) {
            end(format_args!("out of threads, or of memory for another"));
        }
        others(panic);
    }));
}

/// Ends the process with a message, without allocating memory.
#[cold]
fn end(what: fmt::Arguments) -> ! {
    static ENDING: AtomicBool = AtomicBool::new(false);
    if ENDING.swap(true, Ordering::Relaxed) {
        // Another thread is writing the message, and one message is enough.
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let mut line = [0; 512];
    let mut rest = &mut line[..];
    // A progress bar may stand where the cursor is.
    let newline = if std::io::stderr().is_terminal() {
        "\n"
    } else {
        ""
    };
    // A message that is too long is cut.
    let _ = writeln!(
        rest,
        "{newline}error: {what}; raise the limits of this process (ulimit -a shows them), close other programs, or \
         choose fewer --threads or smaller sizes; {GOES_ON}"
    );
    let unused = rest.len();
    leave(&line[..line.len() - unused])
}

/// Writes a message to stderr, then leaves the process at once: it neither waits for a lock that another thread may
/// hold for ever, nor runs anything that may allocate.
#[cfg(unix)]
fn leave(message: &[u8]) -> ! {
    // SAFETY: `write` reads only the bytes of `message`, which live on, and `_exit` may be called at any moment.
    unsafe {
        libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
        libc::_exit(CANNOT.into())
    }
}

#[cfg(not(unix))]
fn leave(message: &[u8]) -> ! {
    let _ = std::io::stderr().write_all(message);
    std::process::exit(CANNOT.into())
}
