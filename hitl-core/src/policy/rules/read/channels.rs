//! Lists of channels.

use super::reader::{Reader, Value};
use crate::policy::{DecisionChannel, DecisionChannels};

/// Reads one channel or a list of them.
pub(super) fn channels<'t>(reader: &Reader<'t>, value: &Value<'t>) -> DecisionChannels {
    let channel = |item: &&Value<'t>| {
        let name = reader.text(item)?;
        DecisionChannel::new(&name).map_err(|why| reader.bad_value(item, why.to_string())).ok()
    };
    let items = reader.list(value);
    DecisionChannels::only(items.iter().filter_map(channel))
}
