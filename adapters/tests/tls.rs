//! TLS and HTTP/2 of the real binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod served;

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::web::Bytes;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use served::{Connection, KEY, PATIENCE, Server};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, ClientConnection, RootCertStore, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

/// A directory with a certificate of this machine and its key.
struct Certificate {
    directory: tempfile::TempDir,
    cert: CertificateDer<'static>,
}

impl Certificate {
    fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("cert.pem"), cert.pem()).unwrap();
        fs::write(
            directory.path().join("key.pem"),
            signing_key.serialize_pem(),
        )
        .unwrap();
        Self {
            directory,
            cert: cert.der().clone(),
        }
    }

    fn cert(&self) -> PathBuf {
        self.directory.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    fn serve(&self, data: &Path, more: &[&str]) -> Server {
        let (cert, key) = (self.cert(), self.key());
        let given = [
            "--tls-cert",
            cert.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ];
        Server::start(data, &[&given[..], more].concat())
    }

    /// A client that trusts this certificate and no other.
    fn client(&self, protocol: &str) -> Arc<ClientConfig> {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.cert.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.into()];
        Arc::new(config)
    }

    /// A connection of such a client, if the server shows this certificate.
    fn connect(
        &self,
        server: &Server,
    ) -> Result<Connection<StreamOwned<ClientConnection, TcpStream>>, std::io::Error> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut session = ClientConnection::new(self.client("http/1.1"), name).unwrap();
        let mut stream = TcpStream::connect(server.address())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(Connection(std::io::BufReader::new(StreamOwned::new(
            session, stream,
        ))))
    }
}

/// Goal: certificates change under a running server without a connection being lost. Method: files are put in place of
/// others; a client that trusts only the new certificate tries until it is shown that one.
#[test]
fn a_certificate_changes_and_open_connections_go_on() {
    let data = tempfile::tempdir().unwrap();
    let certificate = Certificate::new();
    let server = certificate.serve(data.path(), &[]);
    assert!(server.url.starts_with("https://127.0.0.1:"));
    let mut open = certificate.connect(&server).unwrap();
    assert_eq!(open.live(), 200);
    let other = Certificate::new();
    assert!(other.connect(&server).is_err());
    for (from, to) in [
        (other.key(), certificate.key()),
        (other.cert(), certificate.cert()),
    ] {
        fs::rename(from, to).unwrap();
    }
    let begun = Instant::now();
    let mut new = loop {
        match other.connect(&server) {
            Ok(connection) => break connection,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
    };
    assert_eq!(new.live(), 200);
    assert_eq!(open.live(), 200, "it goes on with what it began with");
    assert!(certificate.connect(&server).is_err());

    // What cannot be used changes nothing.
    fs::write(certificate.cert(), "nothing").unwrap();
    server.signal("HUP");
    let log = data.path().join("stderr");
    while !fs::read_to_string(&log).unwrap().contains("cannot be used") {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    assert_eq!(other.connect(&server).unwrap().live(), 200);
    assert!(server.stop().success());
}

#[test]
fn who_speaks_no_tls_or_takes_too_long_to_begin_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let certificate = Certificate::new();
    let server = certificate.serve(data.path(), &["--head-deadline=1", "--listen=0.0.0.0:0"]);
    let mut plain = server.connect();
    plain.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(!plain.rest().contains("HTTP/1.1"));
    assert_eq!(server.connect().rest(), "", "who never says anything");
    assert_eq!(certificate.connect(&server).unwrap().live(), 200);
}

/// Asks over HTTP/2 several times at once; answers with the statuses.
async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, url: &str) -> Vec<u16> {
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let local = tokio::task::LocalSet::new();
    local.spawn_local(async move {
        let _ = connection.await;
    });
    let url = format!("{url}/health/live");
    let asked = async move {
        let mut answers = Vec::new();
        for _ in 0..20 {
            let request = http::Request::get(&url).body(()).unwrap();
            client = client.ready().await.unwrap();
            answers.push(client.send_request(request, true).unwrap().0);
        }
        let mut statuses = Vec::new();
        for answer in answers {
            let mut answer = answer.await.unwrap();
            let body: Bytes = answer.body_mut().data().await.unwrap().unwrap();
            assert_eq!(&body[..], br#"{"status":"live"}"#);
            statuses.push(answer.status().as_u16());
        }
        statuses
    };
    local.run_until(asked).await
}

/// A connection that is to speak HTTP/2.
async fn over_tls(certificate: &Certificate, server: &Server) -> TlsStream<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(certificate.client("h2"));
    let stream = connector.connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream
}

#[tokio::test]
async fn many_requests_share_a_connection_of_http_2() {
    let data = tempfile::tempdir().unwrap();
    let certificate = Certificate::new();
    let server = certificate.serve(data.path(), &[]);
    let stream = over_tls(&certificate, &server).await;
    assert_eq!(ask(stream, &server.url).await, [200; 20]);
    assert!(server.stop().success());
}

/// Goal: HTTP/2 is spoken without TLS too, to whoever begins with it, and is bounded by the same deadlines.
#[tokio::test]
async fn a_connection_may_begin_with_http_2_and_is_closed_when_it_idles() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--idle-deadline=1"]);
    let stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    assert_eq!(ask(stream, &server.url).await, [200; 20]);
    let stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    // It ends by itself although the client is there and says nothing wrong.
    let _ = timeout(PATIENCE, connection).await.unwrap();
    drop(client);
}

/// Goal: a stop waits for what is open on a connection of HTTP/2, lets in nothing more, and does not wait for connections
/// that idle. Method: an idle connection, and one with a body that is finished when the first refusal was heard.
#[tokio::test]
async fn a_stop_ends_connections_of_http_2_behind_their_answers() {
    let data = tempfile::tempdir().unwrap();
    let certificate = Certificate::new();
    let server = certificate.serve(data.path(), &["--idle-deadline=3600"]);
    let (idle, idling) = h2::client::handshake(over_tls(&certificate, &server).await)
        .await
        .unwrap();
    let idling = tokio::spawn(idling);
    let (busy, working) = h2::client::handshake(over_tls(&certificate, &server).await)
        .await
        .unwrap();
    let working = tokio::spawn(working);

    let mut busy = busy.ready().await.unwrap();
    let enrol = http::Request::put(format!("{}/v1/members/m", server.url))
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "e")
        .body(());
    let (enrolled, mut body) = busy.send_request(enrol.unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(b"{"), false).unwrap();
    // It was read before a later one of the same connection was answered.
    assert_eq!(live(&mut busy, &server.url).await, 200);
    let told_to_stop = Instant::now();
    server.signal("TERM");
    while live(&mut busy, &server.url).await != 503 {
        assert!(told_to_stop.elapsed() < PATIENCE, "it is still served");
    }
    // Whatever else the connection that idles might say, nobody asked for anything on it.
    let _ = timeout(PATIENCE, idling).await.unwrap();
    body.send_data(Bytes::from_static(b"}"), true).unwrap();
    let mut answer = enrolled.await.unwrap();
    assert_eq!(answer.status(), 201);
    let told = answer.body_mut().data().await.unwrap().unwrap();
    assert!(told.ends_with(b"}"), "{told:?}");
    let _ = timeout(PATIENCE, working).await.unwrap();
    assert!(server.ended().success());
    assert!(told_to_stop.elapsed() < Duration::from_secs(20));
    drop((idle, busy));
}

/// Asks whether the server lives; answers with the status.
async fn live(client: &mut h2::client::SendRequest<Bytes>, url: &str) -> u16 {
    let request = http::Request::get(format!("{url}/health/live")).body(());
    let answer = client.send_request(request.unwrap(), true).unwrap().0;
    answer.await.unwrap().status().as_u16()
}

/// Goal: an answer that is not read does not stay in memory for ever over HTTP/2 either. Method: a client that makes no room
/// for a large answer, whose socket is read and written all the while.
#[tokio::test]
async fn a_client_of_http_2_that_makes_no_room_for_its_answer_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--answer-deadline=1"]);
    let stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let (mut deaf, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("{}/openapi.json", server.url)).body(());
    let answer = deaf.send_request(request.unwrap(), true).unwrap().0;
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    let _ = timeout(PATIENCE, connection).await.unwrap();
    drop((deaf, answer));
    let stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    assert_eq!(ask(stream, &server.url).await, [200; 20]);
    assert!(server.stop().success());
}
