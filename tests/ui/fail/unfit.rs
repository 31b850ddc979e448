//! Parameters that can be written and read, and are no values.

use std::cell::{Cell, OnceCell, RefCell};
use std::marker::PhantomData;
use std::rc::{Rc, Weak};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use hitl::hitl_tool;

/// Can change.
#[hitl_tool]
async fn shared(
    a: Cell<u8>,
    b: Option<Mutex<u8>>,
    c: Vec<std::sync::RwLock<u8>>,
    d: Arc<AtomicU64>,
    e: (u8, [RefCell<u8>; 2]),
    f: &[OnceLock<u8>],
    g: parking_lot::Mutex<u8>,
    h: std::collections::HashMap<String, Rc<OnceCell<u8>>>,
    #[hitl(sensitive)] i: std::sync::atomic::AtomicBool,
    #[hitl(default)] j: Arc<tokio::sync::RwLock<u8>>,
) {
}

/// Holds nothing, or points to it.
#[hitl_tool]
async fn empty(
    a: PhantomData<u8>,
    b: Weak<u8>,
    c: Option<std::sync::Weak<u8>>,
    d: *const u8,
    e: Vec<*mut u8>,
    f: fn(u8) -> u8,
    g: Box<dyn Send>,
    h: Option<Box<dyn Fn() -> u8>>,
    i: std::ptr::NonNull<u8>,
) {
}

mod sheet {
    /// Is called like one of them.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct Cell {
        pub row: u8,
    }
}

/// The host's may change.
#[hitl_tool]
async fn fine(cell: sheet::Cell, #[hitl(state)] locked: &RwLock<u8>, #[hitl(state)] m: Arc<Mutex<u8>>) {
    let _ = (cell.row, locked, m);
}

fn main() {}
