//! A flow under a script: the fuzzer's bytes decide about every answer, input and clock move.

use std::time::Duration;

use acmekit_core::action::{ChallengeId, Offer};
use acmekit_core::challenge::{ChallengeType, KeyAuthorization};
use acmekit_core::flow::issue::ChainPreference;
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;
use arbitrary::{Result, Unstructured};

use crate::client::{Client, Rest};
use crate::fixture::{self, KeyPlace, Order};
use crate::mutation::{bytes, failure, spoil, text};
use crate::operation::Operation;
use crate::server::{DIRECTORY_URL, Server, TOKEN};

const MAX_STEPS: usize = 400;

/// Runs one script. A script whose first byte is odd is run twice: the same inputs must give the
/// same bytes.
pub fn run(data: &[u8]) {
    let first = trace(data);
    if data.first().is_some_and(|byte| byte % 2 == 1) {
        assert_eq!(first, trace(data), "the same script did something else");
    }
}

fn trace(data: &[u8]) -> u64 {
    let mut u = Unstructured::new(data.get(1..).unwrap_or_default());
    let setting = Setting::read(&mut u).unwrap_or_default();
    let order = &fixture::orders()[setting.order];
    if setting.registers {
        let session = fixture::session(DIRECTORY_URL, setting.place, setting.policy());
        play(&mut u, &setting, Client::new(fixture::register(setting.option), session, order))
    } else {
        let session = fixture::registered_session(setting.place, setting.policy());
        let mut flow = order.flow(setting.option);
        if setting.prefers_chain {
            flow = flow.prefer_chain(ChainPreference::issuer("No such root"));
        }
        play(&mut u, &setting, Client::new(flow, session, order))
    }
}

/// What is fixed for a whole script.
struct Setting {
    registers: bool,
    order: usize,
    place: KeyPlace,
    /// An external account binding, or a certificate key held elsewhere.
    option: bool,
    prefers_chain: bool,
    is_endless: bool,
    is_narrow: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            registers: false,
            order: 0,
            place: KeyPlace::Cheap,
            option: false,
            prefers_chain: false,
            is_endless: false,
            is_narrow: false,
        }
    }
}

impl Setting {
    fn read(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            registers: u.ratio(1, 4)?,
            order: u.int_in_range(0..=2)?,
            place: if u.ratio(1, 4)? { KeyPlace::External } else { KeyPlace::Cheap },
            option: u.ratio(1, 4)?,
            prefers_chain: u.ratio(1, 4)?,
            is_endless: u.ratio(1, 2)?,
            is_narrow: u.ratio(1, 4)?,
        })
    }

    fn policy(&self) -> Policy {
        let mut policy = Policy::default();
        if self.is_narrow {
            policy.max_in_flight = 1;
            policy.max_authorizations = 5;
            policy.max_alternates = 1;
            policy.max_polls = 3;
            policy.max_chain_certificates = 2;
            policy.strict_token_entropy = true;
        }
        policy
    }

    fn session(&self, known: &Session) -> Session {
        let mut session = fixture::session(DIRECTORY_URL, self.place, self.policy());
        if let Some(account) = known.account() {
            session.set_account(account.clone()).unwrap();
        }
        session
    }
}

fn play<F: Operation>(u: &mut Unstructured<'_>, setting: &Setting, mut client: Client<F>) -> u64 {
    client.is_endless = setting.is_endless;
    if setting.is_endless {
        client.flow = client.flow.endless();
    }
    let mut server = Server::default();
    for _ in 0..MAX_STEPS {
        let Rest::Until(until) = client.poll() else { return client.trace() };
        if u.is_empty() || step(u, setting, &mut client, &mut server, until).is_err() {
            break;
        }
    }
    client.saved();
    client.starve();
    client.trace()
}

/// One input.
fn step<F: Operation>(
    u: &mut Unstructured<'_>,
    setting: &Setting,
    client: &mut Client<F>,
    server: &mut Server,
    until: Timestamp,
) -> Result<()> {
    let order = client.order;
    let choice: u8 = u.arbitrary()?;
    match choice % 32 {
        // What a driver would do next, with an answer that may be spoilt.
        0..=15 => {
            if !client.to_sign.is_empty() {
                client.sign_rightly(0);
            } else if client.flow.awaits_publication() && choice < 128 {
                client.publish_all();
            } else if !client.in_flight.is_empty() {
                let index = u.choose_index(client.in_flight.len())?;
                let sent = &client.in_flight[index];
                let plausible = server.answer(sent.kind, &sent.url, order);
                let answer = spoil(u, plausible, order)?;
                client.answer(index, answer.into_response());
            } else {
                client.now = client.now.max(until);
            }
        }
        16..=17 => client.now = client.now.max(until),
        18 => {
            client.now =
                client.now.saturating_add(Duration::from_millis(u.arbitrary::<u16>()?.into()))
        }
        19 => {
            client.now =
                client.now.saturating_sub(Duration::from_millis(u.arbitrary::<u32>()?.into()))
        }
        // Where waits may not run into the end of time, a jump of decades must do.
        20 if client.is_endless => {
            client.now = Timestamp::from_unix_seconds(u.arbitrary::<i32>()?.into());
        }
        20 => client.now = Timestamp::from_unix_millis(u.arbitrary()?),
        21 if !client.in_flight.is_empty() => {
            let index = u.choose_index(client.in_flight.len())?;
            client.lose(index, failure(u)?);
        }
        22 if !client.ended_ids.is_empty() => {
            let index = u.choose_index(client.ended_ids.len())?;
            let plausible = server.answer(acmekit_core::action::RequestKind::Order, "", order);
            let answer = spoil(u, plausible, order)?;
            client.answer_again(index, answer.into_response());
        }
        23 => client.publish(vec![challenge_id(u, order)?, challenge_id(u, order)?]),
        24 => {
            let offers = client.presented.iter();
            let ids: Vec<ChallengeId> = offers.map(|offer| offer.id.clone()).collect();
            if !ids.is_empty() {
                client.publish(vec![u.choose(&ids)?.clone()]);
            }
        }
        25 if u.ratio(1, 8)? => {
            let ids = client.presented.iter().map(|offer| offer.id.clone()).next();
            let id = ids.map_or_else(|| challenge_id(u, order), Ok)?;
            client.refuse_publication(id, text(u)?);
        }
        26 if u.ratio(1, 8)? => client.cancel(),
        27 => client.resume(None),
        28 => {
            let session = setting.session(&client.session);
            client.resume(Some(session));
        }
        29 if !client.to_sign.is_empty() => {
            let index = u.choose_index(client.to_sign.len())?;
            client.sign(index, bytes(u, 80)?);
        }
        30 if !client.to_sign.is_empty() => {
            let index = u.choose_index(client.to_sign.len())?;
            client.refuse_signature(index, text(u)?);
        }
        31 if !client.ended_sign_ids.is_empty() => {
            let index = u.choose_index(client.ended_sign_ids.len())?;
            client.sign_again(index, bytes(u, 80)?);
        }
        _ if choice >= 192 => drop(client.saved()),
        _ => {}
    }
    Ok(())
}

/// The id of a challenge that may or may not exist.
fn challenge_id(u: &mut Unstructured<'_>, order: &Order) -> Result<ChallengeId> {
    let token: acmekit_core::challenge::Token = TOKEN.parse().unwrap();
    let proof = KeyAuthorization::new(&token, "thumbprint");
    Ok(Offer::new(text(u)?, &order.names[0], ChallengeType::Http01, token, proof).id)
}
