//! Who may come in.

use std::{
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web};
use jifen_engine::ledger::Principal;

use super::{Problem, State};
use crate::wire::wording;

/// The keys that are known, as digests: whoever reads them cannot come in.
#[derive(Default)]
pub struct Keys(Vec<(blake3::Hash, Principal)>);

impl Keys {
    /// Lets the holder of a key in as `principal`.
    #[must_use]
    pub fn with(mut self, digest: blake3::Hash, principal: Principal) -> Self {
        self.0.push((digest, principal));
        self
    }

    /// What is kept of a key. A key is long and random, so that no slow hash is needed to keep it from being guessed.
    #[must_use]
    pub fn digest(key: &str) -> blake3::Hash {
        blake3::hash(key.as_bytes())
    }

    /// Whose key this is.
    fn principal(&self, key: &str) -> Option<&Principal> {
        let digest = Self::digest(key);
        // Digests compare in constant time.
        let known = self.0.iter().find(|(known, _)| *known == digest);
        known.map(|(_, principal)| principal)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(_, principal)| principal))
            .finish()
    }
}

/// The principal behind a request's key.
pub fn authenticate(request: &HttpRequest) -> Result<Principal, Problem> {
    let principal = || {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, key) = header.split_once(' ')?;
        let state = request.app_data::<web::Data<State>>()?;
        let principal = state.keys.principal(key.trim())?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| principal.clone())
    };
    principal().ok_or_else(|| (&wording::UNAUTHENTICATED).into())
}

/// A client that has shown its key.
pub struct Client(pub Principal);

impl FromRequest for Client {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).map(Self))
    }
}
