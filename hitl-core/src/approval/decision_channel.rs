//! The channels through which a request may be approved.

use super::{ApprovalRequest, DecisionChannel};
use crate::machine::Refusal;
use crate::policy::ApprovalLevel;

impl ApprovalRequest {
    /// Returns whether an approval, an edit or a grant on this request counts that comes through
    /// this channel. Other answers count from anywhere.
    ///
    /// A channel that a policy takes away never counts. [`DecisionChannel::ELICITATION`] counts
    /// only for a request that one person approves with one key: of the level Quick, for one
    /// approval, with no stage and no four eyes, with nothing to be typed, with no
    /// [caution](Self::cautions), and with nothing that has to be
    /// [uncovered](Self::needs_uncovering). Code that offers an answer through a channel calls
    /// this first:
    ///
    /// ```
    /// # use hitl::{approval::DecisionChannel, ApprovalRequest};
    /// # fn ask(request: &ApprovalRequest) {
    /// match request.may_be_approved_through(&DecisionChannel::ELICITATION) {
    ///     Ok(()) => println!("ask the client: {}", request.title),
    ///     Err(refusal) => println!("{refusal}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Refusal::Channel`] or [`Refusal::Elicitation`]: its text says where to decide.
    pub fn may_be_approved_through(&self, channel: &DecisionChannel) -> Result<(), Refusal> {
        if !self.channels.include(channel) {
            return Err(Refusal::Channel);
        }
        if *channel == DecisionChannel::ELICITATION && !self.takes_one_key() {
            return Err(Refusal::Elicitation);
        }
        Ok(())
    }

    /// Returns the text of a refusal about this request: that of a channel names those that may
    /// approve it.
    pub(crate) fn refusal_in_words(&self, refusal: Refusal) -> String {
        match refusal {
            Refusal::Channel if self.channels.is_empty() => {
                "the policy leaves no channel through which this call may be approved; reject it, or change the policy".to_owned()
            }
            Refusal::Channel => {
                let channels = &self.channels;
                format!("the policy lets only these channels approve the call: {channels}; decide it there")
            }
            _ => refusal.to_string(),
        }
    }

    /// Returns a channel through which it may be approved: the default, if none is taken away or
    /// none is left.
    pub(crate) fn an_approving_channel(&self) -> DecisionChannel {
        let may = |channel: &&DecisionChannel| self.may_be_approved_through(channel).is_ok();
        let found = self.channels.list().and_then(|mut listed| listed.find(may));
        found.cloned().unwrap_or_default()
    }

    /// Returns whether one person approves it with one key.
    fn takes_one_key(&self) -> bool {
        self.level == ApprovalLevel::Quick
            && self.quorum.is_one()
            && self.confirmation().is_none()
            && !self.needs_uncovering()
            && self.cautions().is_empty()
    }
}
