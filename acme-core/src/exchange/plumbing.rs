//! What every signed request needs first: the directory, once, and a nonce.

use http::{HeaderMap, Method, Response, StatusCode};

use super::failure::{redirected, too_large, transport_error};
use super::request::plain_request;
use super::{Activity, Idle, excerpt, oddities};
use crate::action::{Outgoing, RequestId, RequestKind, TransportFailure, WaitReason};
use crate::backoff::retry_delay;
use crate::deviation::Deviations;
use crate::error::{Error, ErrorKind, Refusal, Step};
use crate::flow::Context;
use crate::header;
use crate::problem::{Problem, ProblemType};
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::Directory;

/// Fetches the directory and nonces for one flow.
#[derive(Default)]
pub(super) struct Plumbing {
    directory: Fetch,
    nonce: Fetch,
    /// The session's directory was found fresh, which is enough for the whole flow.
    has_directory: bool,
    /// Where newNonce was and is not any more, until the directory is read again.
    lost_nonce: Option<(String, Error)>,
    /// Names the flow in the session's queue for nonces.
    flow: Option<u64>,
    starved_since: Option<Timestamp>,
}

/// One kind of unsigned request, repeated until it succeeds or may not be repeated any more.
#[derive(Default)]
struct Fetch {
    in_flight: Vec<RequestId>,
    not_before: Option<Timestamp>,
    attempts: u32,
    redirects: u32,
    /// Where a redirect led to.
    url: Option<String>,
    /// newNonce by GET, for servers that refuse HEAD (R-NON-01).
    by_get: bool,
    failure: Option<Error>,
}

impl Plumbing {
    pub(super) fn is_fetching(&self) -> bool {
        !self.directory.in_flight.is_empty() || !self.nonce.in_flight.is_empty()
    }

    pub(super) fn owns(&self, id: RequestId) -> bool {
        self.directory.in_flight.contains(&id) || self.nonce.in_flight.contains(&id)
    }

    /// Tells the session how many requests of this flow wait for a nonce.
    pub(super) fn queue(&mut self, session: &mut Session, now: Timestamp, starved: usize) {
        if starved == 0 {
            self.leave_queue(session, now);
            return;
        }
        let flow = *self.flow.get_or_insert_with(|| session.next_request_id().0);
        session.traffic.queue(flow, starved, now);
        self.starved_since.get_or_insert(now);
    }

    /// The flow goes away; what it has in flight no longer counts.
    pub(super) fn abandon(&mut self, session: &mut Session, now: Timestamp) {
        for id in self.directory.in_flight.drain(..).chain(self.nonce.in_flight.drain(..)) {
            session.traffic.ended(id, now, false);
        }
        self.leave_queue(session, now);
    }

    fn leave_queue(&mut self, session: &mut Session, now: Timestamp) {
        self.starved_since = None;
        if let Some(flow) = self.flow {
            session.traffic.queue(flow, 0, now);
        }
    }

    /// Whether the session has a directory for this flow. A stale one counts when the server does
    /// not hand out another: what it names may still work.
    pub(super) fn has_directory(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.has_directory {
            if cx.session.directory().is_some()
                && let Some(reason) = self.directory.failure.take()
            {
                cx.session.keep_directory(cx.now, &reason);
            }
            self.has_directory = cx.session.has_fresh_directory(cx.now);
        }
        self.has_directory
    }

    /// Something that the directory names is not there; tells whether it is to be read again.
    pub(super) fn distrust_directory(&mut self, cx: &mut Context<'_>) -> bool {
        let is_stale = cx.session.distrust_directory(cx.now);
        self.has_directory &= !is_stale;
        is_stale
    }

    /// Fetches the directory, unless another flow of the session is at it.
    pub(super) fn directory(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
    ) -> Result<Activity, Error> {
        if let Some(error) = self.directory.failure.take() {
            return Err(error);
        }
        let mut idle = Idle::default();
        if !self.directory.in_flight.is_empty() {
            idle.outstanding = true;
            return Ok(Activity::Idle(idle));
        }
        if let Some(at) = self.directory.not_before.filter(|at| *at > now) {
            idle.wake_at(at, WaitReason::Retry);
            return Ok(Activity::Idle(idle));
        }
        if let Some(sent) = cx.session.traffic.directory_fetch(now) {
            // Wakes when the other flow's answer comes, or takes over when that takes too long.
            let patience = core::time::Duration::from_secs(10);
            if now.saturating_since(sent) < patience {
                idle.wake_at(sent.saturating_add(patience), WaitReason::Session);
                return Ok(Activity::Idle(idle));
            }
        }
        let url = self.directory.url.clone().unwrap_or(cx.session.directory_url().to_owned());
        let id = cx.session.next_request_id();
        cx.session.traffic.directory_sent(id, now);
        self.directory.in_flight.push(id);
        let request = plain_request(cx.session, Method::GET, &url, Vec::new());
        let max_response_len = cx.session.policy().max_json_len;
        Ok(Activity::Send(Outgoing { id, kind: RequestKind::Directory, request, max_response_len }))
    }

    /// Fetches a nonce, or waits for one that an answer will bring.
    pub(super) fn nonce(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        mut idle: Idle,
    ) -> Result<Activity, Error> {
        if let Some(error) = self.nonce.failure.take() {
            return Err(error);
        }
        let named = |cx: &Context<'_>| cx.session.directory().and_then(|d| d.new_nonce.clone());
        if self.lost_nonce.is_some() && !self.has_directory(cx) {
            return self.directory(cx, now);
        }
        if let Some((lost, error)) = self.lost_nonce.take()
            && named(cx).as_ref() == Some(&lost)
        {
            return Err(error);
        }
        if let Some(at) = self.nonce.not_before.filter(|at| *at > now) {
            idle.wake_at(at, WaitReason::Retry);
            return Ok(Activity::Idle(idle));
        }
        let policy = cx.session.policy().clone();
        let give_up =
            self.starved_since.unwrap_or(now).saturating_add(cx.session.traffic.patience(&policy));
        let alone = !idle.outstanding && now >= give_up;
        if !alone && !cx.session.traffic.wants_nonce(&policy, now) {
            let look_again = give_up.max(now.saturating_add(policy.nonce_patience));
            let at = if idle.outstanding { look_again } else { give_up };
            idle.wake_at(at, WaitReason::Session);
            return Ok(Activity::Idle(idle));
        }
        let url = named(cx).ok_or_else(|| {
            let text = "the directory names no newNonce";
            Error::new(ErrorKind::Protocol, Step::Nonce, "directory-incomplete", text)
        })?;
        cx.session.check_url(Step::Nonce, &url)?;
        let id = cx.session.next_request_id();
        cx.session.traffic.sent(id, now);
        self.nonce.in_flight.push(id);
        self.starved_since = None;
        let method = if self.nonce.by_get { Method::GET } else { Method::HEAD };
        let request = plain_request(cx.session, method, &url, Vec::new());
        let max_response_len = cx.session.policy().max_json_len;
        Ok(Activity::Send(Outgoing { id, kind: RequestKind::NewNonce, request, max_response_len }))
    }

    pub(super) fn answered(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        id: RequestId,
        response: Response<Vec<u8>>,
        has_nonce: bool,
    ) {
        let for_directory = self.directory.in_flight.contains(&id);
        let step = if for_directory { Step::Directory } else { Step::Nonce };
        let fetch = if for_directory { &mut self.directory } else { &mut self.nonce };
        fetch.in_flight.retain(|known| *known != id);
        let url = if for_directory {
            fetch.url.clone().unwrap_or(cx.session.directory_url().to_owned())
        } else {
            cx.session.directory().and_then(|d| d.new_nonce.clone()).unwrap_or_default()
        };
        let (parts, body) = response.into_parts();
        if body.len() > cx.session.policy().max_json_len {
            fetch.failure = Some(too_large(step));
            return;
        }
        let location = if parts.status.is_redirection() {
            parts.headers.get(http::header::LOCATION).and_then(|v| v.to_str().ok())
        } else {
            None
        };
        let location = location.map(str::to_owned);
        if for_directory && parts.status.is_success() {
            match read_directory(&url, &body, &mut cx.session.deviations) {
                Ok(directory) => {
                    *fetch = Fetch::default();
                    oddities::note_directory(cx.session, &directory);
                    cx.session.set_directory(directory, &parts.headers, now);
                }
                Err(error) => match index(&parts.headers, &url) {
                    Some(index) => fetch.follow(cx.session, &url, &index, error),
                    None => fetch.failure = Some(error),
                },
            }
            return;
        }
        if parts.status.is_success() {
            fetch.attempts = 0;
            let read = if header::replay_nonce(&parts.headers).is_none() {
                let text = "the answer to newNonce has no usable Replay-Nonce";
                let error = Error::new(ErrorKind::Protocol, step, "nonce-missing", text);
                Err(error.with_url(&url))
            } else if !has_nonce {
                let text = "the answer to newNonce repeats an earlier nonce; a cache may stand \
                            between client and server";
                let error = Error::new(ErrorKind::Protocol, step, "nonce-repeated", text);
                Err(error.with_url(&url))
            } else {
                Ok(())
            };
            fetch.failure = read.err();
            return;
        }
        // The directory is fetched without a signature, so it may be redirected (R-TRN-07).
        if let Some(target) = location.filter(|_| for_directory) {
            let error = redirected(step, parts.status).with_url(&url);
            fetch.follow(cx.session, &url, &target, error);
            return;
        }
        if !for_directory && !fetch.by_get && parts.status == StatusCode::METHOD_NOT_ALLOWED {
            fetch.by_get = true;
            let text = "newNonce is refused by HEAD and asked by GET";
            cx.session.deviations.note("nonce-by-get", text);
            return;
        }
        let retry_after = header::retry_after(&parts.headers, now);
        let error = Error::from_refusal(Refusal {
            step,
            url: &url,
            status: parts.status,
            headers: &parts.headers,
            problem: oddities::read_problem(cx.session, &body),
            body_excerpt: &excerpt(&body),
            now: cx.session.clock_time(now),
        });
        let is_missing = is_missing(parts.status, error.problem());
        if for_directory && is_missing
            // Another URL of the CA was taken for that of its directory (RFC 8555 §7.1).
            && let Some(index) = index(&parts.headers, &url)
        {
            fetch.follow(cx.session, &url, &index, error);
            return;
        }
        if !for_directory && is_missing && cx.session.distrust_directory(now) {
            fetch.by_get = false;
            self.has_directory = false;
            self.lost_nonce = Some((url, error));
            return;
        }
        let transient = parts.status.is_server_error() || error.kind() == ErrorKind::RateLimited;
        fetch.repeat(cx, now, retry_after, error, transient);
    }

    pub(super) fn failed(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        id: RequestId,
        failure: &TransportFailure,
    ) {
        let for_directory = self.directory.in_flight.contains(&id);
        let (step, fetch, url) = if for_directory {
            (Step::Directory, &mut self.directory, Some(cx.session.directory_url().to_owned()))
        } else {
            let url = cx.session.directory().and_then(|d| d.new_nonce.clone());
            (Step::Nonce, &mut self.nonce, url)
        };
        fetch.in_flight.retain(|known| *known != id);
        let error = transport_error(step, &url.unwrap_or_default(), failure);
        let transient = !matches!(failure, TransportFailure::ResponseTooLarge);
        fetch.repeat(cx, now, None, error, transient);
    }
}

impl Fetch {
    /// Goes where the server says that the directory is, a few times; `otherwise` ends it.
    fn follow(&mut self, session: &Session, url: &str, target: &str, otherwise: Error) {
        self.redirects += 1;
        if self.redirects > session.policy().max_redirects {
            self.failure = Some(otherwise);
            return;
        }
        match session.resolve_same_origin(Step::Directory, target, url) {
            Ok(target) => self.url = Some(target),
            Err(error) => self.failure = Some(error),
        }
    }

    /// Plans another try, or fails for good.
    fn repeat(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        retry_after: Option<Timestamp>,
        error: Error,
        transient: bool,
    ) {
        let policy = cx.session.policy();
        let delay = retry_delay(self.attempts, error.step(), cx.entropy);
        let at = retry_after.or(delay.ok().map(|delay| now.saturating_add(delay)));
        match at {
            Some(at)
                if transient
                    && self.attempts < policy.max_retries
                    && at.saturating_since(now) <= policy.max_retry_wait =>
            {
                self.attempts += 1;
                self.not_before = Some(at);
            }
            _ => self.failure = Some(error),
        }
    }
}

/// Whether a refusal means that there is nothing at a URL, rather than that what was asked of it
/// is wrong.
pub(super) fn is_missing(status: StatusCode, problem: Option<&Problem>) -> bool {
    let of_resource = match problem.map(|problem| &problem.kind) {
        None | Some(ProblemType::Malformed | ProblemType::Other(_)) => true,
        Some(_) => false,
    };
    of_resource && matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
}

/// Where a response says that the directory is, if that is somewhere else (RFC 8555 §7.1).
fn index(headers: &HeaderMap, url: &str) -> Option<String> {
    let target = header::links(headers, "index").into_iter().next()?;
    crate::url::resolve(&target, url).ok().filter(|target| target != url)
}

fn read_directory(url: &str, body: &[u8], deviations: &mut Deviations) -> Result<Directory, Error> {
    let directory = match serde_json::from_slice(body) {
        Ok(serde_json::Value::Object(object)) => Directory::read(&object, deviations),
        _ => None,
    };
    directory.ok_or_else(|| {
        let text = format!("what is there is no ACME directory: {}", excerpt(body));
        Error::new(ErrorKind::Protocol, Step::Directory, "directory-invalid", text).with_url(url)
    })
}
