//! Commands sent again under the ids that they had.

use bytes::{BufMut, Bytes, BytesMut};

use super::record::RequestNumber;
use crate::command::put_again;
use crate::names::{RequestIds, SkuNames};
use crate::session::Asked;
use crate::settings::Settings;

/// Commands in an array: enough that it hardly matters how much an array costs.
pub(crate) const ARRAY: usize = 500;

/// Writes what was written before.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    settings: Settings,
    skus: SkuNames,
}

impl Again {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            skus: SkuNames::new(&settings.run_id),
        }
    }

    /// An array of these commands.
    pub(crate) fn array<'a>(
        &self,
        commands: impl IntoIterator<Item = (RequestNumber, &'a Asked)>,
    ) -> Bytes {
        let mut out = BytesMut::new();
        for (request, asked) in commands {
            out.put_u8(if out.is_empty() { b'[' } else { b',' });
            let ids = self.ids(request);
            put_again(&mut out, (&ids, request.number), asked, &self.skus);
        }
        out.put_u8(b']');
        out.freeze()
    }

    /// A request id as it was sent.
    pub(crate) fn id(&self, request: RequestNumber) -> String {
        let mut out = BytesMut::new();
        self.ids(request).put(&mut out, request.number);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn ids(&self, request: RequestNumber) -> RequestIds {
        RequestIds::new(
            self.settings.seed,
            &self.settings.run_id,
            request.connection,
        )
    }
}
