//! Who came in, and how much they may still ask for.

use std::{
    future::{Ready, ready},
    num::NonZeroU32,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderName, HeaderValue},
    web,
};
use jifen_engine::ledger::Principal;

use super::{Problem, State, single};
use crate::{
    access::{Action, Exceeded, Identity, Keyring, Standing},
    wire::wording,
};

/// How a principal's bucket stands, and what it is to be
/// (draft-ietf-httpapi-ratelimit-headers).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A client that has shown its key. Coming in costs it what one command costs.
pub struct Client {
    identity: Arc<Identity>,
    /// How often the keys had changed before its own was looked for.
    changes: u64,
    /// How many commands are paid for and not done yet.
    paid: u32,
    /// How its bucket stood when it paid last.
    standing: Option<Standing>,
}

impl Client {
    /// Lets the holder of a key in.
    fn admit(identity: Arc<Identity>, changes: u64) -> Result<Self, Problem> {
        let mut client = Self {
            identity,
            changes,
            paid: 0,
            standing: None,
        };
        client.take(1).map_err(Problem::rate_limited)?;
        client.paid = 1;
        Ok(client)
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.identity.principal
    }

    /// Who it is, and what they may do.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether its role may do this at all.
    pub(super) fn may(&self, action: Action) -> Result<(), Problem> {
        self.identity.right(action)?;
        Ok(())
    }

    /// What an object shows, if it is there for this client: what belongs to another merchant is as if it were not.
    pub(super) fn seen<T>(
        &self,
        action: Action,
        found: Option<T>,
        merchant: impl FnOnce(&T) -> Option<&str>,
    ) -> Option<T> {
        found.filter(|found| self.identity.sees(action, merchant(found)))
    }

    /// Pays for so many commands, all or none. Those that were paid for when coming in are not paid for again.
    pub(super) fn charge(&mut self, commands: usize) -> Result<(), Problem> {
        self.try_charge(commands).map_err(Problem::rate_limited)
    }

    /// The same for whoever can wait.
    pub(super) fn try_charge(&mut self, commands: usize) -> Result<(), Exceeded> {
        let asked = u32::try_from(commands).unwrap_or(u32::MAX);
        self.take(asked.saturating_sub(self.paid))?;
        self.paid = self.paid.saturating_sub(asked);
        Ok(())
    }

    fn take(&mut self, tokens: u32) -> Result<(), Exceeded> {
        if let (Some(allowance), Some(asked)) = (&self.identity.allowance, NonZeroU32::new(tokens))
        {
            self.standing = Some(allowance.take(asked)?);
        }
        Ok(())
    }

    /// The most commands that it can ever pay for at once.
    pub(super) fn most_at_once(&self) -> usize {
        let limit = self.identity.allowance.as_ref();
        limit.map_or(usize::MAX, |allowance| {
            usize::try_from(allowance.limit().burst.get()).unwrap_or(usize::MAX)
        })
    }

    /// Looks whether its key still opens. Reading a body may take long enough for it to be revoked.
    pub(super) fn renew(&mut self, keys: &Keyring) -> Result<(), Problem> {
        let changes = keys.changes();
        if changes == self.changes {
            return Ok(());
        }
        let again = keys.renew(&self.identity);
        let again = again.filter(|again| again.principal == self.identity.principal);
        self.identity = again.ok_or(&wording::UNAUTHENTICATED)?;
        self.changes = changes;
        Ok(())
    }

    /// Tells in an answer how the client's bucket stands.
    pub(super) fn tell(&self, mut response: HttpResponse) -> HttpResponse {
        if let Some(standing) = &self.standing {
            for (name, value) in rate_limit_headers(standing) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The headers of a refusal for want of tokens, or of an answer that cost some.
pub(super) fn rate_limit_headers(standing: &Standing) -> [(HeaderName, HeaderValue); 2] {
    let Standing {
        limit,
        left,
        full_in_seconds,
    } = standing;
    let policy = format!(
        "\"principal\";q={};w={}",
        limit.burst,
        limit.window_seconds()
    );
    let state = format!("\"principal\";r={left};t={full_in_seconds}");
    [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)].map(|(name, text)| {
        let value = HeaderValue::try_from(text);
        (name, value.expect("digits and quotes are visible ASCII"))
    })
}

/// The client behind a request's key.
pub fn authenticate(request: &HttpRequest) -> Result<Client, Problem> {
    let client = || {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, key) = header.split_once(' ')?;
        let keys = &request.app_data::<web::Data<State>>()?.keys;
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        let changes = keys.changes();
        let identity = bearer.then(|| keys.identify(key.trim()))??;
        Some((identity, changes))
    };
    let (identity, changes) = client().ok_or(&wording::UNAUTHENTICATED)?;
    Client::admit(identity, changes)
}

impl FromRequest for Client {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).map_err(|problem| single::named(problem, request)))
    }
}
