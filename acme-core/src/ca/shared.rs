//! Errors that mean the same at every public CA: checks from several places, and CAA.

use super::explain::{KnownError, RetryHint};
use crate::problem::ProblemType as P;

/// A validation that works from one place and not from others (MPIC, server-quirks and seed facts
/// §5). `During secondary validation` is how Boulder begins such a text.
pub(super) fn multi_perspective() -> KnownError {
    several_places(KnownError::new("mpic-disagreement", RetryHint::NewOrder))
        .text("During secondary validation")
        .text("multi-perspective")
        .text("multiple perspectives")
        .text("MPIC")
        .advice(
            "The CA checks from several places in the world, and too few of them saw what it saw \
             first. Make the web server and all name servers answer foreign networks alike: \
             no country filter, no stale secondary server, no firewall that drops distant clients.",
            "認証局は世界の複数拠点から検証(MPIC)しており、必要な数の拠点で結果が一致しませんでし\
             た。海外からのアクセス制限、更新されていないセカンダリDNS、\
             遠方からの通信を破棄するファイアウォールがないか確認し、どこからも同じ応答が返るよう\
             にしてから再実行してください。",
        )
}

/// The types with which a CA can report what its validation found.
pub(super) fn several_places(known: KnownError) -> KnownError {
    known
        .of(P::Caa)
        .of(P::Dns)
        .of(P::Connection)
        .of(P::Tls)
        .of(P::Unauthorized)
        .of(P::IncorrectResponse)
        .of(P::RejectedIdentifier)
        .of(P::Malformed)
        .of(P::ServerInternal)
}

/// A CAA lookup without an answer (seed facts §5): not a refusal, but it stops the issue.
pub(super) fn caa_lookup_failed() -> KnownError {
    KnownError::new("caa-lookup-failed", RetryHint::NewOrder)
        .of(P::Caa)
        .of(P::Dns)
        .text("SERVFAIL")
        .text("looking up CAA")
        .text("CAA lookup")
        .text("timed out")
        .text("timeout")
        .advice(
            "A DNS query of the CA got no usable answer. The zone must answer public queries for \
             the name, CAA included: NOERROR with an empty answer is enough, SERVFAIL or silence \
             is not. Check the name servers and DNSSEC of the domain and of its parents.",
            "認証局からのDNS問い合わせ(CAAレコードを含む)に有効な応答が返っていません。\
             CAAレコードがなくてもステータスがNOERRORであれば発行されますが、\
             SERVFAILや無応答の場合は発行されません。当該ドメインおよび上位ドメインのネームサー\
             バーとDNSSECの設定を確認してください。",
        )
}

/// A binding that the CA does not accept, by the words that servers use.
pub(super) fn binding_texts(known: KnownError) -> KnownError {
    known
        .text("external account")
        .text("externalAccountBinding")
        .text("EAB")
        .text("Unable to create account")
        .text("HMAC")
}

/// What every public CA's table ends with.
pub(super) fn public_errors() -> Vec<KnownError> {
    vec![multi_perspective(), caa_lookup_failed()]
}
