//! The exact text of a call's arguments, before anything reads it as numbers and maps. Pure.
//!
//! `rmcp` reads arguments as a map: duplicate names are gone, and numbers are rounded, before a
//! handler sees them. So the text is taken from the message beforehand.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The method whose arguments are kept.
pub(super) const CALL: &str = "tools/call";

/// The text of the arguments of a call, exactly as the client sent it. `None` if it sent none.
///
/// A transport puts it into the extensions of the request. `Debug` does not print it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct RawArguments(Option<Arc<str>>);

impl RawArguments {
    /// Returns the text; that of no arguments if there are none.
    pub(super) fn text(&self) -> &str {
        self.0.as_deref().unwrap_or("{}")
    }
}

impl fmt::Debug for RawArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_ref().map_or(0, |text| text.len());
        write!(f, "RawArguments({bytes} bytes)")
    }
}

/// The arguments in a message, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) arguments: RawArguments,
    /// The bytes of the message that are the arguments.
    place: Option<Range<usize>>,
}

impl Found {
    /// Returns the message with no arguments in their place: what reads them next could refuse
    /// numbers that the gate does not.
    pub(super) fn without_arguments<'m>(&self, message: &'m str) -> Cow<'m, str> {
        match &self.place {
            None => Cow::Borrowed(message),
            Some(place) => {
                let (before, after) = (&message[..place.start], &message[place.end..]);
                Cow::Owned([before, "{}", after].concat())
            }
        }
    }
}

/// The reason why a message's arguments are unclear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    /// It is no JSON object, or a member that matters is there twice.
    #[error("the message is no JSON-RPC request, or it has a member twice")]
    Message,
    /// The parameters are no object, or a member that matters is there twice.
    #[error("`params` of tools/call is no object, or it has a member twice")]
    Parameters,
    /// The arguments are no object.
    #[error("`arguments` of tools/call is no object")]
    Arguments,
}

#[derive(Deserialize)]
struct Message<'m> {
    #[serde(default, borrow)]
    method: Option<Cow<'m, str>>,
    #[serde(default, borrow)]
    params: Option<&'m RawValue>,
    // Named so that they are refused if they are there twice.
    #[serde(default, borrow)]
    #[expect(dead_code, reason = "read to be refused if it is there twice")]
    id: Option<&'m RawValue>,
}

#[derive(Deserialize)]
struct Parameters<'m> {
    #[serde(default, borrow)]
    arguments: Option<&'m RawValue>,
    #[serde(default, borrow)]
    #[expect(dead_code, reason = "read to be refused if it is there twice")]
    name: Option<&'m RawValue>,
    #[serde(default, borrow, rename = "requestState")]
    #[expect(dead_code, reason = "read to be refused if it is there twice")]
    state: Option<&'m RawValue>,
    #[serde(default, borrow, rename = "inputResponses")]
    #[expect(dead_code, reason = "read to be refused if it is there twice")]
    responses: Option<&'m RawValue>,
    #[serde(default, borrow, rename = "_meta")]
    #[expect(dead_code, reason = "read to be refused if it is there twice")]
    meta: Option<&'m RawValue>,
}

/// Finds the arguments of a call in the text of a message. `None` if it is no call.
///
/// Linear in the text, which is not read into a tree.
pub(super) fn find_arguments(message: &str) -> Result<Option<Found>, Unclear> {
    let read: Message<'_> = read_object(message).ok_or(Unclear::Message)?;
    if read.method.as_deref() != Some(CALL) {
        return Ok(None);
    }
    let Some(params) = read.params else { return Err(Unclear::Parameters) };
    let params: Parameters<'_> = read_object(params.get()).ok_or(Unclear::Parameters)?;
    let Some(arguments) = params.arguments else {
        return Ok(Some(Found { arguments: RawArguments::default(), place: None }));
    };
    let text = arguments.get();
    if !text.starts_with('{') {
        return Err(Unclear::Arguments);
    }
    // Both borrow from the message.
    let start = (text.as_ptr() as usize).checked_sub(message.as_ptr() as usize);
    let start = start.ok_or(Unclear::Message)?;
    let place = start..start + text.len();
    if message.get(place.clone()) != Some(text) {
        return Err(Unclear::Message);
    }
    Ok(Some(Found { arguments: RawArguments(Some(text.into())), place: Some(place) }))
}

/// Reads an object. `None` for anything else: a list would be read by the positions of its items.
pub(super) fn read_object<'m, T: Deserialize<'m>>(text: &'m str) -> Option<T> {
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok())?
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
