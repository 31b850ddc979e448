//! What a series needs of the place of the calls: a store, or a console.

use hitl_core::approval::terminal::{CheckedEdit, ColorMode, EditVerdict};
use hitl_core::approval::{DecisionChannel, ReviewerIdentity};
use hitl_core::{CallRecord, CallState, EditPreview, RequestId};

use super::super::decide::{
    Reply, authenticate, authority, decision_body, draft, edit_failure, require_person_at_console,
};
use super::super::{check_audited, show};
use super::tally::Passed;
use crate::args::{BackendArgs, DeciderArgs, FilterArgs, IdArg, OrderArg};
use crate::backend::{Backend, ConsoleClient, StoreBackend};
use crate::exit::Failure;
use crate::person::{CodeDesk, Deed, answer_presence, answer_presence_at_console};
use crate::view::{CallLine, Card, Screen, uncovered_text};

/// The number of calls that are listed to find the next one.
const PAGE: usize = 20;

/// A call that is shown.
pub(super) struct Shown {
    pub(super) card: Card,
    /// The record of a store, whose audit has what was shown.
    record: Option<CallRecord>,
    /// The person, once they have proved who they are for this call. Only for a store: a console
    /// checks each action.
    by: Option<ReviewerIdentity>,
}

/// Which calls are shown, and in which order.
pub(super) struct Wanted {
    pub(super) filter: FilterArgs,
    pub(super) order: OrderArg,
}

/// A reviewer's desk at a store or a console.
pub(super) struct Desk<'a> {
    source: &'a Backend,
    backend: &'a BackendArgs,
    who: DeciderArgs,
    wanted: Wanted,
    screen: Screen,
}

impl<'a> Desk<'a> {
    /// Takes a place at the desk. Refused where no answer could be taken: to an agent, for one.
    pub(super) async fn open(
        source: &'a Backend,
        backend: &'a BackendArgs,
        who: DeciderArgs,
        wanted: Wanted,
    ) -> Result<Self, Failure> {
        let code = who.code.as_deref();
        match source {
            Backend::Store(store) => {
                // The decider has a name before anything is shown to them.
                authority(&who, backend)?;
                answer_presence(&CodeDesk::new(store)).await?.require(code)?;
            }
            Backend::Console(console) => {
                ConsoleClient::refuse_name(&who)?;
                answer_presence_at_console(console.token_owner()?.demand).require(code)?;
            }
        }
        Ok(Self { source, backend, who, wanted, screen: Screen::messages() })
    }

    /// Returns the screen on which calls are shown.
    pub(super) const fn screen(&self) -> Screen {
        self.screen
    }

    /// Returns the first call in the queue that was not asked about yet, as it is now.
    pub(super) async fn next(&self, passed: &Passed) -> Result<Option<Shown>, Failure> {
        let Wanted { filter, order } = &self.wanted;
        let mut left: Vec<RequestId> = Vec::new();
        match self.source {
            Backend::Store(store) => {
                let pending = filter.query(&[CallState::Pending], *order).limit(PAGE);
                let queue = store.gate.scoped_to(store.viewer()).queue();
                let mut at = Some(pending.clone());
                while let Some(query) = at.take() {
                    let page = queue.page(query).await?;
                    let new = page.entries.iter().map(CallRecord::request);
                    let new = new.filter(|request| !passed.has(request.id, request.binding));
                    left.extend(new.map(|request| request.id));
                    if let Some(shown) = self.first_of(&mut left, passed).await? {
                        return Ok(Some(shown));
                    }
                    at = page.next.map(|next| pending.clone().after(next));
                }
            }
            Backend::Console(console) => {
                let mut after = None;
                loop {
                    let mut query = filter.parameters(&[CallState::Pending], *order);
                    query.push(("limit", PAGE.to_string()));
                    query.extend(after.take().map(|after| ("after", after)));
                    let page = console.queue(&query)?;
                    let new = page.calls.iter().filter(|call| !passed.has(call.id, call.binding));
                    left.extend(new.map(|call| call.id));
                    if let Some(shown) = self.first_of(&mut left, passed).await? {
                        return Ok(Some(shown));
                    }
                    match page.next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
            }
        }
        Ok(None)
    }

    /// Returns the first of these calls that still waits and was not asked about. One that has
    /// ended since it was listed is passed over.
    async fn first_of(
        &self,
        ids: &mut Vec<RequestId>,
        passed: &Passed,
    ) -> Result<Option<Shown>, Failure> {
        for id in ids.drain(..) {
            let shown = self.shown(id).await?;
            let request = &shown.card.request;
            if shown.card.line.state == CallState::Pending && !passed.has(id, request.binding) {
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    /// Reads a call as it is now.
    async fn shown(&self, id: RequestId) -> Result<Shown, Failure> {
        let id = IdArg::Whole(id);
        Ok(match self.source {
            Backend::Store(store) => {
                let record = store.call(&id).await?;
                Shown { card: store.card(&record).await?, record: Some(record), by: None }
            }
            Backend::Console(console) => Shown { card: console.card(&id)?, record: None, by: None },
        })
    }

    /// Returns how a call that was shown has been decided meanwhile, if it was.
    pub(super) async fn ended(&self, shown: &Shown) -> Option<CallLine> {
        let now = self.shown(shown.card.request.id).await.ok()?;
        (now.card.line.state != CallState::Pending).then_some(now.card.line)
    }

    /// Records that the person is shown the call, before they are: the audit must not claim that a
    /// call was shown if it was not.
    pub(super) async fn record_shown(&self, shown: &Shown) -> Result<(), Failure> {
        match (self.source, &shown.record) {
            (Backend::Store(store), Some(record)) => {
                let by = authority(&self.who, self.backend)?;
                Ok(store.gate.record_shown(record, by.principal).await?)
            }
            (Backend::Console(console), _) => console.set_presence(Some(shown.card.request.id)),
            (Backend::Store(_), None) => Ok(()),
        }
    }

    /// Records that the person looks at no call any more.
    pub(super) fn leave(&self) {
        if let Backend::Console(console) = self.source {
            // The console forgets an onlooker soon even if this fails.
            let _ = console.set_presence(None);
        }
    }

    /// Returns the card with its masked values.
    pub(super) async fn uncover(&mut self, shown: &mut Shown) -> Result<String, Failure> {
        match self.source {
            Backend::Store(store) => {
                let by = self.identify(store, Deed::Answer, shown).await?;
                let is_audited = self.who.audit.is_some();
                let card = show::at_store(store, &shown.card, by, is_audited).await?;
                Ok(uncovered_text(&card, self.screen))
            }
            Backend::Console(console) => {
                self.prove_to(console, Deed::Answer)?;
                Ok(uncovered_text(&console.uncover(&shown.card)?, self.screen))
            }
        }
    }

    /// Makes sure that the person may edit before they begin: their edits are checked in their
    /// name.
    pub(super) async fn begin_edit(&mut self, shown: &mut Shown) -> Result<(), Failure> {
        if let Backend::Store(store) = self.source {
            self.identify(store, Deed::Answer, shown).await?;
        }
        Ok(())
    }

    /// Checks an edit where the call is.
    pub(super) async fn check_edit(
        &self,
        shown: &Shown,
        patch: String,
        ink: ColorMode,
    ) -> EditVerdict {
        let card = &shown.card;
        let checked = match (self.source, &shown.by) {
            (Backend::Store(store), Some(by)) => {
                match store.gate.preview_edit(&card.request, patch, by.clone()).await {
                    Ok(preview) => CheckedEdit::previewed(preview, card.now, ink),
                    Err(error) => return EditVerdict::Refused(edit_failure(error).message),
                }
            }
            (Backend::Store(_), None) => {
                return EditVerdict::Refused("it is not known who edits it".to_owned());
            }
            (Backend::Console(console), _) => match console.preview_edit(card, &patch) {
                Ok(preview) => {
                    let changes = preview.changes.iter().map(ToString::to_string).collect();
                    let checked = CheckedEdit::new(changes, preview.state);
                    match preview.rendered {
                        Some(card) => checked.with_details(card.to_text()),
                        None => checked,
                    }
                }
                Err(failure) => return EditVerdict::Refused(failure.message),
            },
        };
        EditVerdict::Checked(Box::new(checked))
    }

    /// Decides the call exactly as it was shown: a later revision is not decided by it.
    pub(super) async fn decide(
        &mut self,
        shown: &mut Shown,
        reply: Reply,
        preview: Option<Box<EditPreview>>,
    ) -> Result<CallLine, Failure> {
        let deed = reply.deed();
        match self.source {
            Backend::Store(store) => {
                let by = self.identify(store, deed, shown).await?;
                let edits = matches!(reply, Reply::Edit { .. });
                let mut draft = draft(&shown.card.request, reply);
                if let Some(preview) = &preview {
                    draft = draft.previewed(preview);
                }
                match store.gate.decide(draft.through(DecisionChannel::TERMINAL).by(by)).await {
                    Ok(record) => Ok(CallLine::from(&record)),
                    Err(error) if edits => Err(edit_failure(error)),
                    Err(error) => Err(error.into()),
                }
            }
            Backend::Console(console) => {
                self.prove_to(console, deed)?;
                let body = decision_body(&shown.card, reply);
                console.decide(shown.card.request.id, &body)
            }
        }
    }

    /// Fails if the audit log lacks a record of what was done so far.
    pub(super) fn check_audited(&self) -> Result<(), Failure> {
        match self.source {
            Backend::Store(store) => check_audited(store),
            Backend::Console(_) => Ok(()),
        }
    }

    /// Returns who the person is, with the proof that this deed needs. One proof counts for one
    /// call.
    async fn identify(
        &mut self,
        store: &StoreBackend,
        deed: Deed,
        shown: &mut Shown,
    ) -> Result<ReviewerIdentity, Failure> {
        if let Some(by) = &shown.by {
            return Ok(by.clone());
        }
        let by = authenticate(deed, &self.who, self.backend, store).await?;
        if deed == Deed::Answer {
            // A code counts once.
            self.who.code = None;
            shown.by = Some(by.clone());
        }
        Ok(by)
    }

    /// Proves to a console that a person does this.
    fn prove_to(&mut self, console: &ConsoleClient, deed: Deed) -> Result<(), Failure> {
        let code = if deed == Deed::Stop { None } else { self.who.code.take() };
        require_person_at_console(console, deed, code.as_deref())
    }
}
