//! The choices of the operator of a server.

/// The operator's choice whether people are asked in their client, by a form.
///
/// A form is answered by the same program that runs the agent, so an approval given there counts
/// only where one quick approval is enough: never for Full, four eyes or several approvals. A
/// rejection counts always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Exhaustive: a host sees what there is.
pub enum Elicitation {
    /// Nobody is asked in their client.
    Off,
    /// Calls that need a quick approval are asked about in the client, if it has forms.
    #[default]
    Quick,
}

/// The effect of a client's `notifications/cancelled` on a call that waits for a decision.
///
/// Clients send it when their user stops, and also when their own time limit is over, with a reason
/// in free text: the two look the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Exhaustive: it stays or goes.
pub enum OnCancel {
    /// The question stays with the reviewers, and an identical call later gets its outcome.
    #[default]
    Keep,
    /// The question is withdrawn, unless the call has started. A connection that only closes
    /// withdraws nothing.
    Withdraw,
}
