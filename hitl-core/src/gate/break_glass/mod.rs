//! Break-glass: in an emergency a person lets calls run without the people who would be asked,
//! within what the host declared beforehand. Loud, audited, and over by itself.
//!
//! | file | contents |
//! |---|---|
//! | `declared` | the envelopes that the host declares in code |
//! | `envelopes` | those in force, with those of the policies; published with the tools |
//! | `register` | the grants in force, as the store keeps the list |
//! | `coverage` | whether such a grant covers a call now |
//! | `open` | a person breaks the glass |
//! | `pending` | calls that already wait run on it |
//! | `entry` | what the audit says of such a grant |
//! | `usage` | each use is audited and said |
//! | `end` | the end is audited and said, once |

pub(super) mod coverage;
pub(super) mod declared;
pub(super) mod end;
pub(super) mod entry;
pub(super) mod envelopes;
pub(super) mod open;
pub(super) mod pending;
pub(super) mod register;
pub(super) mod usage;
