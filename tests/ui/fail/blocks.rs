//! The permitted content of a block of tools.

use hitl::hitl_tools;

struct Desk;

#[hitl_tools]
impl Desk {
    fn open(&self) {}

    /// Is there already.
    #[hitl_tool]
    async fn open(&self) {}

    /// Pays.
    #[hitl_tool]
    async fn pay_bill(&self) {}

    /// Makes the same struct.
    #[hitl_tool]
    async fn pay__bill(&self) {}

    /// Is one of two, depending on the machine.
    #[hitl_tool]
    #[cfg(all())]
    async fn either(&self) {}

    /// Is the other.
    #[hitl_tool]
    #[cfg(any())]
    async fn either(&self, a: u8) {}
}

struct Hidden;

#[hitl_tools]
impl Hidden {
    made! {
        #[hitl_tool]
        async fn inside(&self) {}
    }
}

macro_rules! plain {
    ($name:ident) => {
        fn $name(&self) {}
    };
}

macro_rules! tool {
    ($name:ident) => {
        /// Is made too late.
        #[hitl::hitl_tool]
        async fn $name(&self) {}
    };
}

struct Opaque;

#[hitl_tools]
impl Opaque {
    plain!(a);
}

struct Mixed;

#[hitl_tools]
impl Mixed {
    tool!(late);

    /// Is seen.
    #[hitl_tool]
    async fn seen(&self) {}
}

fn main() {
    let _ = (Desk::pay_bill(), Desk::either(), Mixed::seen());
}
