//! One keep-alive HTTP/1.1 connection with at most one request in flight.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use crate::error::RunError;
use crate::mq::PostError;
use crate::session::Outgoing;
use crate::settings::Settings;
use crate::target::Target;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A host that answers nothing at all, not even a refusal, is given up after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error(transparent)]
    Socket(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Queue(#[from] PostError),
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout(#[from] tokio::time::error::Elapsed),
    #[error("no answer within {0:?}")]
    Silence(Duration),
}

/// A connection, open or not.
#[derive(Debug)]
pub(crate) struct Connection {
    target: Target,
    host: HeaderValue,
    authorization: HeaderValue,
    /// How long an answer is waited for that is not load.
    patience: Duration,
    sender: Option<SendRequest<Full<Bytes>>>,
    /// The body of the last answer; kept for its memory.
    body: Vec<u8>,
}

impl Connection {
    /// A connection that is not open yet.
    pub(crate) fn new(settings: &Settings) -> Result<Self, RunError> {
        let host = HeaderValue::try_from(settings.target.authority());
        Ok(Self {
            target: settings.target.clone(),
            host: host.map_err(|_| RunError::Usage("the host name cannot be sent in a header"))?,
            authorization: settings.key.authorization().clone(),
            patience: settings.patience,
            sender: None,
            body: Vec::new(),
        })
    }

    /// Makes sure that a request can be sent: opens the connection, or again if the server has closed it.
    pub(crate) async fn open(&mut self) -> Result<(), ConnectionError> {
        if let Some(sender) = &mut self.sender
            && sender.ready().await.is_ok()
        {
            return Ok(());
        }
        self.sender = None;
        let stream = timeout(
            CONNECT_TIMEOUT,
            TcpStream::connect((self.target.host(), self.target.port())),
        )
        .await??;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the sender is dropped or the server closes; its error reaches whoever waits for an answer.
        tokio::spawn(connection);
        sender.ready().await?;
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends load by POST and waits for the whole answer, as long as it takes; see [`Self::body`].
    pub(crate) async fn post(&mut self, outgoing: Outgoing) -> Result<StatusCode, ConnectionError> {
        // Servers close connections that have been idle for long, as in an open loop at a low rate.
        if !self.sender.as_ref().is_some_and(SendRequest::is_ready) {
            self.open().await?;
        }
        self.exchange(Method::POST, outgoing).await
    }

    /// Opens the connection if need be, sends what is not load, and waits for the whole answer, but not for ever: a server that
    /// is there and silent would keep everything that comes after it from being done.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        outgoing: Outgoing,
    ) -> Result<StatusCode, ConnectionError> {
        let patience = self.patience;
        let called = timeout(patience, async {
            self.open().await?;
            self.exchange(method, outgoing).await
        });
        called.await.unwrap_or_else(|_| {
            // An answer that comes after all is nobody's.
            self.sender = None;
            Err(ConnectionError::Silence(patience))
        })
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    async fn exchange(
        &mut self,
        method: Method,
        outgoing: Outgoing,
    ) -> Result<StatusCode, ConnectionError> {
        self.body.clear();
        let Some(sender) = &mut self.sender else {
            return Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into());
        };
        let mut request = Request::new(Full::new(outgoing.body));
        *request.method_mut() = method;
        *request.uri_mut() = outgoing.uri;
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(key) = outgoing.key {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        *request.headers_mut() = headers;
        let mut answer = sender.send_request(request).await?;
        while let Some(frame) = answer.frame().await {
            if let Some(data) = frame?.data_ref() {
                self.body.extend_from_slice(data);
            }
        }
        Ok(answer.status())
    }
}
