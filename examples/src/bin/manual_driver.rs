//! A certificate without `acmekit`: the protocol from `acmekit-core`, the requests by `ureq`, which
//! blocks. Any other HTTP client would do. The chain goes to standard output.
use std::io::{BufRead, BufReader, Write};
use std::{net, sync::Mutex, thread, time::SystemTime};

use acmekit_core::action::{Action, Input, TransportFailure};
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::entropy::{Entropy, EntropyError};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::{Context, Flow, issue::Issue, issue::NewOrder};
use acmekit_core::jose::{AccountKey, LocalSigner};
use acmekit_core::{challenge::ChallengeType, policy::Policy, session::Session, time::Timestamp};
use acmekit_testing::server::{Server, ServerOptions};
use ureq::{Agent, tls::Certificate, tls::TlsConfig};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;
/// What the web server for http-01 answers. With one name there is one proof, whatever the path.
static PROOF: Mutex<String> = Mutex::new(String::new());

struct SystemEntropy;
impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError)
    }
}

fn main() -> Fallible<()> {
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    let options = ServerOptions::default().with_http01_port(listener.local_addr()?.port());
    let ca = Server::start(acmekit_testing::Config::default(), 1, options)?;
    thread::spawn(move || listener.incoming().flatten().try_for_each(answer).ok());

    let root = Certificate::from_pem(ca.tls_root_pem().as_bytes())?;
    let tls = TlsConfig::builder().root_certs([root].into()).build();
    // A JWS names the URL it is for, so nothing may be redirected behind the flow's back.
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let agent = config.tls_config(tls).build().new_agent();

    let key = LocalSigner::new(PrivateKey::generate(KeyType::P256, &mut SystemEntropy)?);
    let session = &mut Session::new(ca.directory_url(), AccountKey::local(key), Policy::default())?;
    run(&mut Register::new(Registration::new()), session, &agent)?;

    let names = ["www.example.org".parse()?];
    let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy)?;
    let wanted = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&wanted, &key, &mut SystemEntropy)?;
    let mut issue = Issue::new(NewOrder::new(names), request);
    let issued = run(&mut issue, session, &agent)?;
    Ok(std::io::stdout().write_all(issued.chain().to_pem().as_bytes())?)
}

/// Drives any flow to its end.
fn run<F: Flow>(flow: &mut F, session: &mut Session, agent: &Agent) -> Fallible<F::Output> {
    loop {
        let (now, entropy) = (Timestamp::from(SystemTime::now()), &mut SystemEntropy);
        let cx = &mut Context { session: &mut *session, now, entropy };
        match flow.poll(cx)? {
            Action::Send(out) => {
                let (id, limit) = (out.id, out.max_response_len as u64);
                let sent = agent.run(out.request).and_then(|response| {
                    let (head, body) = response.into_parts();
                    let body = body.into_with_config().limit(limit).read_to_vec()?;
                    Ok(http::Response::from_parts(head, body))
                });
                let failed = |e: ureq::Error| TransportFailure::Unknown(e.to_string());
                let answer = match sent.map_err(failed) {
                    Ok(response) => Input::Response { id, response },
                    Err(failure) => Input::Failed { id, failure },
                };
                flow.handle(cx, answer)?;
            }
            Action::Present(mut offers) => {
                offers.retain(|offer| offer.kind == ChallengeType::Http01);
                *PROOF.lock()? = offers.iter().map(|offer| offer.http01_body()).collect();
                let published = offers.into_iter().map(|offer| offer.id).collect();
                flow.handle(cx, Input::Published(published))?;
            }
            Action::Withdraw(_) => PROOF.lock()?.clear(),
            Action::Wait { until, .. } | Action::Blocked { until } => {
                thread::sleep(until.saturating_since(now));
            }
            Action::Sign(_) => return Err("no key is held elsewhere".into()),
            Action::Done(result) => return Ok(result),
        }
    }
}

/// Answers one request of the CA.
fn answer(mut stream: net::TcpStream) -> Fallible<()> {
    let head = BufReader::new(&stream).lines().map_while(Result::ok);
    head.take_while(|line| !line.is_empty()).for_each(drop);
    let (proof, ok) = (PROOF.lock()?, "HTTP/1.1 200 OK\r\nContent-Length");
    Ok(write!(stream, "{ok}: {}\r\n\r\n{proof}", proof.len())?)
}
