//! What is left of a call that retention has erased.

use std::sync::Arc;

use hitl_base::JsonText;

use super::{CallRecord, Ending};
use crate::call::{BindingDigest, CallContext, Principal};

impl CallRecord {
    /// The record without what the call was about: no arguments, no texts, no person. What is left
    /// is enough to refuse the key to other content and to say how the call ended.
    ///
    /// Only a call that has ended may be erased; the store sees to that.
    #[must_use]
    pub fn tombstone(&self) -> Self {
        let nobody = Principal::new("");
        let mut left = self.clone();
        left.erased = true;
        left.context = CallContext::of(nobody.clone()).tenant(self.key().tenant.clone());
        left.canonical = None;
        left.owner = None;
        left.attached = false;
        left.decided = None;
        left.claim = None;
        left.granted = None;
        left.intent = None;
        left.circumstances = None;
        if let Some(retry) = &mut left.retry_of {
            retry.approved_by = None;
        }
        left.votes.clear();
        left.earlier.clear();
        left.escalations.clear();
        // Digests of content, from which content that is easily guessed could be found out. The one of
        // the submission stays: it refuses the key to other content.
        left.revised = None;
        left.reread = None;
        left.ending = Some(Ending::Reason("what was kept of this call was erased".to_owned()));
        let request = Arc::make_mut(&mut left.request);
        request.binding = BindingDigest::ERASED;
        request.principal = nobody;
        request.agent = None;
        request.arguments = JsonText::null();
        request.masks.clear();
        request.more_masks = 0;
        request.assessment.factors.clear();
        request.because.clear();
        request.choices.clear();
        for text in [
            &mut request.title,
            &mut request.description,
            &mut request.approval_type,
            &mut request.approve_label,
            &mut request.reject_label,
        ] {
            text.clear();
        }
        left
    }
}
