//! What real servers do against or beside RFC 8555, case by case: each is lived through, and what
//! breaks a rule is noted. The numbers are those of the list that the cases were collected in.

mod world;

#[path = "quirks/accounts.rs"]
mod accounts;
#[path = "quirks/authorizations.rs"]
mod authorizations;
#[path = "quirks/bugs_elsewhere.rs"]
mod bugs_elsewhere;
#[path = "quirks/certificates_links_limits.rs"]
mod certificates_links_limits;
#[path = "quirks/directory_and_urls.rs"]
mod directory_and_urls;
#[path = "quirks/external_account_binding.rs"]
mod external_account_binding;
#[path = "quirks/finalize.rs"]
mod finalize;
#[path = "quirks/nonces.rs"]
mod nonces;
#[path = "quirks/orders.rs"]
mod orders;

use acmekit_core::action::RequestKind;
use base64ct::{Base64UrlUnpadded, Encoding};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World};

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
    Response::builder().status(status).body(body.into()).unwrap()
}

fn problem(status: u16, kind: &str, detail: &str) -> Response<Vec<u8>> {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    let mut response = answer(status, body.to_string());
    response.headers_mut().insert("content-type", "application/problem+json".parse().unwrap());
    response
}

fn with_header(
    mut response: Response<Vec<u8>>,
    name: &'static str,
    value: &str,
) -> Response<Vec<u8>> {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

/// The refusal in place of the CA's answer, with the nonce of that.
fn in_place_of(original: &Response<Vec<u8>>, mut refusal: Response<Vec<u8>>) -> Response<Vec<u8>> {
    if let Some(nonce) = original.headers().get("replay-nonce") {
        refusal.headers_mut().insert("replay-nonce", nonce.clone());
    }
    refusal
}

/// The body as JSON, edited.
fn edited(mut response: Response<Vec<u8>>, edit: impl FnOnce(&mut Value)) -> Response<Vec<u8>> {
    if let Ok(mut value) = serde_json::from_slice(response.body()) {
        edit(&mut value);
        *response.body_mut() = value.to_string().into_bytes();
    }
    response
}

/// Every answer to this kind of request is changed on its way.
fn change_all(
    world: &mut World,
    kind: RequestKind,
    change: impl Fn(Response<Vec<u8>>) -> Response<Vec<u8>> + Clone + 'static,
) {
    world.script = Some(Box::new(move |got, _, _| match got {
        got if got == kind => Fate::Changed(Box::new(change.clone())),
        _ => Fate::Delivered,
    }));
}

/// Every JSON answer to this kind of request is edited on its way.
fn edit_all(world: &mut World, kind: RequestKind, edit: impl Fn(&mut Value) + Clone + 'static) {
    change_all(world, kind, move |response| edited(response, edit.clone()));
}

/// Changes every order the server shows, so that it says the same each time.
fn edit_orders(world: &mut World, edit: impl Fn(&mut Value) + Clone + 'static) {
    world.script = Some(Box::new(move |got, _, _| match got {
        RequestKind::NewOrder | RequestKind::Order | RequestKind::Finalize => {
            let edit = edit.clone();
            Fate::Changed(Box::new(move |response| edited(response, edit.clone())))
        }
        _ => Fate::Delivered,
    }));
}

/// The first requests of a kind never arrive; these are the answers to them.
fn answer_first(world: &mut World, kind: RequestKind, answers: Vec<Response<Vec<u8>>>) {
    let mut answers = answers.into_iter();
    world.script = Some(Box::new(move |got, _, _| match got {
        got if got == kind => answers.next().map_or(Fate::Delivered, Fate::Answered),
        _ => Fate::Delivered,
    }));
}

fn remove(value: &mut Value, names: &[&str]) {
    for name in names {
        value.as_object_mut().unwrap().remove(*name);
    }
}

fn codes(world: &World) -> Vec<&'static str> {
    world.session.deviations().iter().map(|deviation| deviation.code).collect()
}

/// The deviation was recorded, with these words in its text.
fn assert_noted(world: &World, code: &str, words: &str) {
    let deviations = world.session.deviations();
    let found = deviations.iter().any(|d| d.code == code && d.text.contains(words));
    assert!(found, "no {code} with {words:?} among {deviations:#?}");
}

/// The server is blamed for nothing.
fn assert_nothing_noted(world: &World) {
    assert!(world.session.deviations().is_empty(), "{:#?}", world.session.deviations());
}

/// A part of a flattened JWS.
fn part(body: &[u8], name: &str) -> Value {
    let jws: Value = serde_json::from_slice(body).unwrap();
    let octets = Base64UrlUnpadded::decode_vec(jws[name].as_str().unwrap()).unwrap();
    serde_json::from_slice(&octets).unwrap_or(Value::Null)
}

/// The payloads of the signed requests; `null` for POST-as-GET.
fn payloads(world: &World) -> Vec<Value> {
    signed(world).map(|body| part(body, "payload")).collect()
}

fn nonces(world: &World) -> Vec<String> {
    signed(world)
        .map(|body| part(body, "protected")["nonce"].as_str().unwrap().to_owned())
        .collect()
}

fn signed(world: &World) -> impl Iterator<Item = &[u8]> {
    world.bytes.iter().map(Vec::as_slice).filter(|body| !body.is_empty())
}
