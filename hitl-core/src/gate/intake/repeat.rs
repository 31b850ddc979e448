//! The treatment of a call that is submitted once more.

/// The treatment of a submission whose run has the same call already, at another position.
///
/// "The same" means the same content: tool, arguments, principal and tenant, in the same run. The
/// agent's name, the [reason](crate::CallContext::because) and the
/// [id of the tool call](crate::CallContext::tool_call_id) make no difference.
///
/// A submission that repeats a *key* always re-attaches to the call of that key. This is about
/// callers that cannot keep a position: a client that gave up waiting and sends the same request
/// once more, or a model that is asked to call again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Exhaustive: yes or no.
pub enum Repeat {
    /// It is a new call, and is decided and run for itself.
    #[default]
    NewCall,
    /// It is the call that was submitted before, if that was submitted with `Attach` too and its
    /// outcome has not been [delivered](crate::Gate::mark_delivered): this submission waits for it,
    /// or returns its outcome. One intention is asked about once and runs once, however often it is
    /// submitted, also by several processes at the same moment.
    ///
    /// - The caller owns the call from then on, as with a repeated key, and the tool is compared
    ///   with what was shown: if it has changed, the call is asked about again.
    /// - A call whose outcome is unknown is attached to as well: nothing runs twice.
    /// - The content is that of the submission. A call that a reviewer has edited still is this
    ///   call.
    /// - If a changed tool reads the same text as other arguments (a new default, say), it is
    ///   another call: its content differs.
    /// - A read that runs at once has no record, so nothing can attach to it: it runs again.
    /// - Calls of a [batch](crate::Gate::submit_all) are not attached to.
    ///
    /// Call [`Gate::mark_delivered`](crate::Gate::mark_delivered) when the outcome has reached the
    /// other side. Until then every identical call returns it.
    Attach,
}
