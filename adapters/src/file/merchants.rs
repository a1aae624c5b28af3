//! Makes the merchants of the command line known before the first line is imported.

use jifen_engine::{
    Engine, EngineError,
    ledger::{Command, PutMerchant, Request, RequestId, Verdict},
};

use super::{args::MerchantArg, error::ImportError, name::ImportName};
use crate::wire::wording;

/// Puts every merchant that is not known by this name already.
pub async fn put_merchants(
    engine: &Engine,
    name: &ImportName,
    merchants: &[MerchantArg],
) -> Result<(), ImportError> {
    for merchant in merchants {
        put(engine, name, merchant).await?;
    }
    Ok(())
}

async fn put(engine: &Engine, name: &ImportName, put: &MerchantArg) -> Result<(), ImportError> {
    let refused = |code| ImportError::Merchant(put.id.to_string(), code);
    let unanswered = |error| match error {
        EngineError::OutcomeUnknown => ImportError::Journal(error.to_string()),
        EngineError::DiskFull => ImportError::DiskFull,
        EngineError::Overloaded | EngineError::Stopping | EngineError::Unreadable => {
            refused(wording::of_error(error).code)
        }
    };
    let known = engine.merchant(put.id.clone()).await.map_err(unanswered)?;
    if known.as_ref().is_some_and(|known| known.name == put.name) {
        return Ok(());
    }
    // Not simply one id for each merchant: a second import may give it another name, which is another request.
    let version = known.map_or(0, |known| known.version) + 1;
    let id = RequestId::new(&format!("merchant:{version}"));
    let id = id.map_err(|error| ImportError::usage(error.to_string()))?;
    let command = Command::PutMerchant(PutMerchant {
        contract: None,
        merchant: put.id.clone(),
        name: put.name.clone(),
    });
    let request = Request::new(name.principal().clone(), id, command, None, None);
    match engine.submit(request).await.map_err(unanswered)? {
        Ok(answer) => match answer.verdict {
            Verdict::Accepted(_) => Ok(()),
            Verdict::Refused(refusal) => Err(refused(wording::of_code(refusal.code()).code)),
        },
        Err(declined) => Err(refused(wording::of_code(declined.refusal.code()).code)),
    }
}
