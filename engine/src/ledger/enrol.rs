//! Enrolment: a member is known from here on. Enrolling again changes nothing but the attributes given.

use super::{
    command::Enrol,
    decide::Judged,
    entry::Deed,
    members::MemberIndex,
    refusal::{Code, Reason},
    state::Ledger,
    text::Labels,
};

impl Ledger {
    pub(super) fn judge_enrol(&self, member: Option<MemberIndex>, enrol: &Enrol) -> Judged {
        if let Some(at) = member {
            self.not_closed(at)?;
        }
        let known = member.and_then(|at| self.members.get(at).attributes.as_ref());
        let attributes = match (known, &enrol.attributes) {
            (Some(known), Some(given)) => Some(known.overlaid(given).ok_or_else(|| {
                let limit = Labels::BYTES_MAX as u64;
                Reason::measured(Code::MemberLimitReached, limit, limit + 1)
            })?),
            (known, given) => given.as_ref().or(known).cloned(),
        };
        Ok(Deed::Enrolled { attributes })
    }
}
