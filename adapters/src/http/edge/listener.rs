//! From a socket to requests.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use actix_http::{HttpService, KeepAlive, Protocol, Request, Response, error::DispatchError};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::{
    HttpMessage, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{AppConfig, ServiceResponse},
    rt::net::TcpStream,
    web::Bytes,
};
use jifen_engine::EngineError;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Edge, Tls,
    connections::Seat,
    course::{Course, Open},
    guarded::{Guarded, Wire},
};
use crate::{
    http::{Problem, Settings},
    wire::wording,
};

/// More connections than there can be in one process.
const UNCAPPED: usize = 1 << 30;
/// How much longer a stop waits than a body may take, in seconds.
const STOP_SECONDS_MORE: u64 = 5;
/// How long a connection that is refused may take to hear it.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a connection is read on after an answer that needed no more of its request. Whoever is still sending would
/// not see the answer if it were closed at once.
const LINGER: Duration = Duration::from_secs(1);
/// Longer than any deadline of the edge.
const NEVER_MET: Duration = Duration::from_secs(7_200);
/// How a connection of HTTP/2 begins, as far as it tells it from anything else.
const PREFACE: &[u8; 12] = b"PRI * HTTP/2";
/// How much of an answer goes to a client of HTTP/2 at once, in bytes: a frame. It must make room for so much in the time
/// that it has for that.
const PIECE_BYTES: usize = 16 << 10;
/// The most bytes that a head may have, names and values together.
const HEAD_BYTES_MAX: usize = 32 << 10;

/// Serves an application on a socket. The server works as soon as its future is polled; it leaves signals to the caller.
pub(in crate::http) fn listen<F, I, S, B>(
    settings: Settings,
    edge: &Edge,
    tls: Option<Arc<Tls>>,
    application: F,
) -> io::Result<(Server, SocketAddr)>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: std::fmt::Debug,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + Unpin + 'static,
{
    let socket = TcpListener::bind(settings.listen)?;
    let address = socket.local_addr()?;
    let stop = edge.bounds().body.as_secs() + STOP_SECONDS_MORE;
    let server = Server::build()
        .workers(settings.workers)
        // The cap is ours: a connection beyond it is told so, instead of waiting for nothing.
        .max_concurrent_connections(UNCAPPED)
        .shutdown_timeout(stop)
        .disable_signals();
    let signal = server.graceful_shutdown_signal();
    let edge = edge.clone();
    let server = server.listen("http", socket, move || {
        let (edge, tls, signal) = (edge.clone(), tls.clone(), signal.clone());
        let application = map_config(application(), |_| AppConfig::default())
            .map_err(|error: S::Error| error.into().error_response());
        let http = HttpService::<Guarded, _, _>::build()
            .graceful_shutdown_signal(move || {
                let signal = signal.clone();
                async move { signal.notified().await }
            })
            // The framework's own deadlines are fixed, and not for every head: those of the edge hold.
            .keep_alive(KeepAlive::Timeout(NEVER_MET))
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(LINGER)
            .local_addr(address)
            .on_connect_ext(|connection: &Guarded, data| {
                data.insert(Rc::clone(connection.course()));
            })
            .finish(apply_fn_factory(application, serve));
        fn_service(move |stream| connect(edge.clone(), tls.clone(), stream)).and_then(http)
    })?;
    Ok((server.run(), address))
}

/// What makes requests of a connection: its bytes, what they are, and who sends them.
type Connected = (Guarded, Protocol, Option<SocketAddr>);

/// Lets a connection in, if there is room.
async fn connect(
    edge: Edge,
    tls: Option<Arc<Tls>>,
    stream: TcpStream,
) -> Result<Connected, DispatchError> {
    let now = Instant::now();
    let Some(seat) = Seat::take(&edge) else {
        // A handshake would cost more than the connection that there is no room for.
        if tls.is_none() {
            refuse(&edge, stream).await;
        }
        return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
    };
    let bounds = edge.bounds();
    let peer = stream.peer_addr().ok();
    // An answer is written in one piece: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let opened = timeout_at((now + bounds.head).into(), open(tls, stream)).await;
    let (wire, protocol) = opened.map_err(io::Error::from)??;
    let course = Course::begin(&bounds, now);
    if protocol == Protocol::Http2 {
        course.has_frames(edge.ending());
    }
    let guarded = Guarded::new(wire, course, bounds.answer, seat);
    Ok((guarded, protocol, peer))
}

/// Tells which protocol is spoken, after the handshake if there is one.
async fn open(tls: Option<Arc<Tls>>, stream: TcpStream) -> io::Result<(Wire, Protocol)> {
    let protocol = |is_second| {
        if is_second {
            Protocol::Http2
        } else {
            Protocol::Http1
        }
    };
    match tls {
        Some(tls) => {
            let stream = TlsAcceptor::from(tls.config()).accept(stream).await?;
            let (_, session) = stream.get_ref();
            let protocol = protocol(session.alpn_protocol() == Some(b"h2"));
            Ok((Wire::Tls(Box::new(stream)), protocol))
        }
        None => {
            let mut first = [0; PREFACE.len()];
            stream.peek(&mut first).await?;
            Ok((Wire::Plain(stream), protocol(first == *PREFACE)))
        }
    }
}

/// Tells a connection that there are too many. Of what it says it is read only so much that it hears the answer.
async fn refuse(edge: &Edge, mut stream: TcpStream) {
    let Some(_seat) = Seat::to_be_refused(edge) else {
        return;
    };
    let told = overloaded().as_last_words();
    let told = async {
        stream.write_all(&told).await?;
        stream.shutdown().await?;
        let mut unheard = [0; 1_024];
        while stream.read(&mut unheard).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not listen has been told nevertheless.
    let _ = timeout(LAST_WORDS, told).await;
}

fn overloaded() -> Problem {
    EngineError::Overloaded.into()
}

/// Has the application answer a request, and remembers how long that takes.
fn serve<S, B>(
    request: Request,
    application: &S,
) -> impl Future<Output = Result<Response<Answer<EitherBody<B>>>, HttpResponse>> + use<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = HttpResponse>,
    S::Future: 'static,
    B: MessageBody,
{
    let course = request.conn_data::<Rc<Course>>();
    let open = course.map(Course::open);
    let ending = course.and_then(|course| course.ending());
    let refusal = match &open {
        _ if ending.is_some_and(|ending| *ending.borrow()) => Some(EngineError::Stopping.into()),
        Some(None) => Some(overloaded()),
        _ if head_bytes(&request) > HEAD_BYTES_MAX => Some((&wording::HEAD_TOO_LARGE).into()),
        _ => None,
    };
    let answer = match refusal {
        Some(problem) => Err(problem),
        None => Ok(application.call(request)),
    };
    async move {
        let response = match answer {
            Ok(answer) => {
                let response: Response<B> = answer.await?.into();
                response.map_body(|_, body| EitherBody::left(body))
            }
            Err(problem) => {
                let response: Response<BoxBody> = problem.error_response().into();
                response.map_body(|_, body| EitherBody::right(body))
            }
        };
        Ok(response.map_body(|_, body| Answer {
            body,
            open: open.flatten(),
            rest: Bytes::new(),
        }))
    }
}

/// How long a head is, without the request line.
fn head_bytes(request: &Request) -> usize {
    let bytes = |(name, value): (
        &actix_http::header::HeaderName,
        &actix_http::header::HeaderValue,
    )| { name.as_str().len() + value.len() };
    request.headers().iter().map(bytes).sum()
}

/// The body of an answer. Its request is open until it has been handed over to the end.
struct Answer<B> {
    body: B,
    open: Option<Open>,
    /// What has still to be handed over of what came last.
    rest: Bytes,
}

impl<B: MessageBody + Unpin> MessageBody for Answer<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let mut body = Pin::new(&mut this.body);
        let Some(open) = this.open.as_ref().filter(|open| open.waits_in_pieces()) else {
            return body.poll_next(cx);
        };
        open.taken();
        if this.rest.is_empty() {
            match ready!(body.as_mut().poll_next(cx)) {
                Some(Ok(more)) => this.rest = more,
                other => return Poll::Ready(other),
            }
        }
        open.hand_out();
        let piece = this.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(this.rest.split_to(piece))))
    }
}
