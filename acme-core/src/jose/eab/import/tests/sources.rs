//! Where a credential may be pasted from.

use super::*;
use crate::jose::Jwk;

/// Like JPRS hands them out: identifier and key of 43 characters each, with `-` and `_` in them.
const JPRS_KID: &str = "mQ7b_Jx0-tRkW3uVYc9ZfLh1aPd5eGs8NoKiXy2B6wE";
const JPRS_KEY: &str = "p-4Hn_2vQzLr8TgYk1WmXc7JbSdE0fUaRo9iNhVxM5I";

#[track_caller]
fn reads(text: &str, key_id: Option<&str>, source: ImportSource) -> ImportedBinding {
    let imported = import(text);
    assert_eq!(imported.key_id.as_deref(), key_id, "{text}");
    assert_eq!(imported.report.source, source, "{text}");
    assert!(is_key(&imported, &Base64UrlUnpadded::decode_vec(JPRS_KEY).unwrap()), "{text}");
    assert_eq!(imported.report.key_bits, 256);
    assert_eq!(imported.report.form, MacKeyForm::Base64Url);
    imported
}

/// Puts the credential in place of `KID` and `KEY`.
fn filled(template: &str) -> String {
    template.replace("KID#", JPRS_KID).replace("KEY#", JPRS_KEY)
}

#[test]
fn the_command_line_of_each_client_is_understood() {
    use ImportTool::*;
    for (template, tool) in [
        (
            "certbot register --server https://acme.example/directory --email a@example.org \
             --agree-tos --eab-kid KID# --eab-hmac-key KEY#",
            Some(Certbot),
        ),
        ("sudo /usr/bin/certbot certonly --eab-kid=KID# --eab-hmac-key=KEY#", Some(Certbot)),
        ("$ certbot register --eab-kid 'KID#' --eab-hmac-key \"KEY#\"", Some(Certbot)),
        ("certbot register \\\n  --eab-kid KID# \\\n  --eab-hmac-key KEY#\n", Some(Certbot)),
        ("certbot register ^\r\n --eab-kid KID# ^\r\n --eab-hmac-key KEY#", Some(Certbot)),
        ("certbot register --eab-hmac-key=“KEY#” --eab-kid=‘KID#’", Some(Certbot)),
        ("certbot register –eab-kid KID# –eab-hmac-key KEY#", Some(Certbot)),
        ("lego --email a@example.org --eab --kid KID# --hmac KEY# -d example.org run", Some(Lego)),
        ("docker run goacme/lego --eab --kid \"KID#\" --hmac \"KEY#\" run", Some(Lego)),
        ("acme.sh --register-account --eab-kid KID# --eab-hmac-key KEY#", Some(AcmeSh)),
        ("~/.acme.sh/acme.sh --register-account --eab-kid KID# --eab-hmac-key KEY#", Some(AcmeSh)),
        (
            "wacs.exe --baseuri https://a.example --eab-key-identifier KID# --eab-key KEY#",
            Some(WinAcme),
        ),
        (r"& 'C:\win acme\wacs.exe' --eab-key-identifier 'KID#' --eab-key 'KEY#'", Some(WinAcme)),
        ("New-PAAccount -ExtAcctKID KID# -ExtAcctHMACKey KEY# -AcceptTOS", Some(PoshAcme)),
        ("uacme -v -e KID#:KEY# new a@example.org", Some(Uacme)),
        ("--eab-kid KID# --eab-hmac-key KEY#", None),
        (
            "traefik --certificatesresolvers.a.acme.eab.kid=KID# \
          --certificatesresolvers.a.acme.eab.hmacencoded=KEY#",
            None,
        ),
    ] {
        reads(&filled(template), Some(JPRS_KID), ImportSource::CommandLine { tool });
    }
}

#[test]
fn a_key_that_begins_with_a_dash_is_the_value_of_its_option() {
    let key = "-G7br10aPrUsiTbGgx7HVYXwp3t4owtQXNd39oUt3bw";
    for text in [
        format!("certbot register --eab-kid kid-1 --eab-hmac-key {key}"),
        format!("certbot register --eab-hmac-key {key} --eab-kid kid-1"),
    ] {
        let imported = import(&text);
        assert_eq!(imported.key_id.as_deref(), Some("kid-1"));
        assert!(is_key(&imported, &Base64UrlUnpadded::decode_vec(key).unwrap()));
    }
    assert!(is_key(&import(key), &Base64UrlUnpadded::decode_vec(key).unwrap()));
}

#[test]
fn an_option_without_value_does_not_take_the_next_option_for_one() {
    assert_eq!(
        fails("certbot register --eab-kid --eab-hmac-key c2VjcmV0"),
        ImportError::NoValue(ImportField::KeyId)
    );
    assert_eq!(
        fails("certbot register --eab-kid kid-1 --eab-hmac-key"),
        ImportError::NoValue(ImportField::MacKey)
    );
}

#[test]
fn the_json_of_each_ca_is_understood() {
    for (template, source) in [
        // ZeroSSL.
        (r#"{"success":true,"eab_kid":"KID#","eab_hmac_key":"KEY#"}"#, ImportSource::Json),
        (r#"{"kid":"KID#","hmac":"KEY#"}"#, ImportSource::Json),
        // Google, with the outer layer off.
        (
            r#"{"name":"projects/p/externalAccountKeys/KID#","keyId":"KID#","b64MacKey":"KEY#"}"#,
            ImportSource::Json,
        ),
        (r#"{"key_id":"KID#","hmac_key":"KEY#"}"#, ImportSource::Json),
        // AWS.
        (r#"{"KeyId":"KID#","MacKey":"KEY#"}"#, ImportSource::Json),
        // step-ca.
        (r#"{"kid":"KID#","key":"KEY#"}"#, ImportSource::Json),
        (
            r#"{"id":"KID#","provisionerID":"p","reference":"r","key":"KEY#","boundAt":null}"#,
            ImportSource::Json,
        ),
        // Vault and OpenBao.
        (
            r#"{"request_id":"0","data":{"id":"KID#","key":"KEY#","key_type":"hs"},"id":"x"}"#,
            ImportSource::Json,
        ),
        // Caddy.
        (r#"{"external_account":{"key_id":"KID#","mac_key":"KEY#"}}"#, ImportSource::Json),
        (r#"{"externalAccountBinding":{"id":"KID#","secret":"KEY#"}}"#, ImportSource::Json),
        (r#"[{"eabKid":"KID#","eabHmacKey":"KEY#"}]"#, ImportSource::Json),
        (r#"{"kty":"oct","kid":"KID#","alg":"HS256","k":"KEY#"}"#, ImportSource::Jwk),
    ] {
        reads(&filled(template), Some(JPRS_KID), source);
    }
    reads(&filled(r#"{"hmac":"KEY#"}"#), None, ImportSource::Json);
    assert_eq!(import(&filled(r#"{"kid":17,"hmac":"KEY#"}"#)).key_id.as_deref(), Some("17"));
}

#[test]
fn damaged_or_foreign_json_is_told_with_the_place() {
    assert_eq!(
        fails("{\"eab_kid\":\"a\",\n\"eab_hmac_key\":\"c2VjcmV0"),
        ImportError::Json { line: 2, column: 24 }
    );
    assert_eq!(fails(r#"{"kid":"a"} trailing"#), ImportError::Json { line: 1, column: 13 });
    assert_eq!(fails(r#"{"kid":"a"}"#), ImportError::NoMacKey);
    assert_eq!(fails(r#"{"a":[true,1.5,null]}"#), ImportError::NoMacKey);
    assert_eq!(fails(r#"{"kid":"a","hmac":""}"#), ImportError::NoValue(ImportField::MacKey));
}

#[test]
fn lines_with_names_are_understood() {
    for template in [
        "EAB_KID=KID#\nEAB_HMAC_KEY=KEY#\n",
        "EAB_KID=KID# EAB_HMAC_KEY=KEY#",
        "EAB_KID=\"KID#\" EAB_HMAC_KEY='KEY#'",
        "export EAB_KID=\"KID#\"; export EAB_HMAC_KEY=\"KEY#\"",
        "set EAB_KID=KID#\r\nset EAB_HMAC_KEY=KEY#\r\n",
        "$env:EAB_KID = \"KID#\"\n$env:EAB_HMAC_KEY = \"KEY#\"",
        "LEGO_EAB_KID=KID#\nLEGO_EAB_HMAC=KEY#",
        "ACME_KID=KID#\nACME_HMAC_SECRET=KEY#",
        "# cli.ini\n[eab]\neab-kid = KID#\neab-hmac-key = KEY#  # until May\n",
        "externalAccountBinding:\n  keyID: KID#\n  hmacKey: KEY#\n",
        "eab:\n  kid: \"KID#\"\n  hmac: >-\n    KEY#\n",
        "acme_eab {\n\tkey_id KID#\n\tmac_key KEY#\n}",
        "eab KID# KEY#",
        "MDExternalAccountBinding KID# KEY#",
        "Acmebot:ExternalAccountBinding:KeyId = KID#\nAcmebot:ExternalAccountBinding:HmacKey = KEY#",
        "Created an external account key\n[b64MacKey: KEY#\nkeyId: KID#]",
        "[b64MacKey: KEY#\nkeyId: KID#]\n",
        "Key             Value\n---             -----\nid              KID#\nkey             KEY#\n\
         key_type        hs",
        "EAB KID\nKID#\n\nEAB HMAC Key\nKEY#\nCopy\n",
        "EAB KID:\nKID#\nEAB HMAC Key:\nKEY#",
        "Key identifier (KID): KID#\nHMAC key: KEY#",
        "鍵識別子（KID）：KID#\nHMAC キー：KEY#",
        "Dear customer,\nyour credential for JPRS is\n  MAC key identifier : KID#\n  MAC key : KEY#\n\
         Regards",
        "kid: KID#, hmac: KEY#",
    ] {
        reads(&filled(template), Some(JPRS_KID), ImportSource::Assignments);
    }
}

#[test]
fn tables_with_a_header_are_understood() {
    for template in [
        "eab_kid,eab_mac\nKID#,KEY#\n",
        "Name\tKey ID\tHMAC Key\nserver\tKID#\tKEY#\n",
        "Key ID           Provisioner        Key (base64, raw url encoded)     Reference\n\
         KID#  my_acme_provisioner  KEY#  none",
        "| Key ID | HMAC key |\n|---|---|\n| KID# | KEY# |",
    ] {
        reads(&filled(template), Some(JPRS_KID), ImportSource::Table);
    }
    let two = filled("eab_kid,eab_mac\nKID#,KEY#\nother,KEY#\n");
    assert_eq!(fails(&two), ImportError::Conflict(ImportField::KeyId));
}

#[test]
fn a_pair_without_names_is_identifier_and_key() {
    for template in [
        "KID# KEY#",
        "KID#:KEY#",
        "KID#,KEY#",
        "KID#;KEY#",
        "KID#|KEY#",
        "KID# : KEY#",
        "KID#: KEY#",
        "KID#\nKEY#\n",
        "KID#\r\n\r\nKEY#",
        "\"KID#\" 'KEY#'",
        "\"KID#:KEY#\"",
        "\u{feff}KID#\tKEY#",
    ] {
        reads(&filled(template), Some(JPRS_KID), ImportSource::Pair);
    }
    let kid = "https://ca.example:8443/eab/7";
    reads(&filled(&format!("{kid}:KEY#")), Some(kid), ImportSource::Pair);
}

#[test]
fn a_key_alone_needs_nothing_around_it() {
    for template in [
        "KEY#",
        " KEY#\r\n",
        "\"KEY#\"",
        "'KEY#',",
        "`KEY#`",
        "\u{200b}KEY#\u{feff}",
        "-----BEGIN EAB HMAC KEY-----\nKEY#\n-----END EAB HMAC KEY-----\n",
    ] {
        reads(&filled(template), None, ImportSource::KeyOnly);
    }
}

#[test]
fn full_width_letters_of_an_input_method_become_plain() {
    let wide: String = filled("KID#:KEY#")
        .chars()
        .map(|c| char::from_u32(u32::from(c) - 0x21 + 0xff01).unwrap())
        .collect();
    let imported = reads(&wide, Some(JPRS_KID), ImportSource::Pair);
    assert_eq!(imported.report.changes, [ImportChange::FullWidthConverted]);
}

#[test]
fn a_wrapped_key_is_joined_and_a_pair_is_not() {
    let key = octets(1, 64);
    let text = base64url(&key);
    for width in [64, 76] {
        let wrapped = format!("{}\n{}", &text[..width], &text[width..]);
        let imported = import(&wrapped);
        assert!(imported.key_id.is_none() && is_key(&imported, &key), "{width}");
        assert_eq!(imported.report.changes, [ImportChange::WhiteSpaceRemoved]);
    }
    let groups: Vec<&str> = text.as_bytes().chunks(8).map(|c| str::from_utf8(c).unwrap()).collect();
    assert!(is_key(&import(&groups.join(" ")), &key));
    // Halves of 43 characters each are what JPRS hands out as identifier and key.
    let halves = format!("{}\n{}", &text[..43], &text[43..]);
    assert_eq!(import(&halves).key_id.as_deref(), Some(&text[..43]));
}

#[test]
fn a_named_key_goes_on_in_indented_lines_only() {
    let key = octets(2, 64);
    let text = base64url(&key);
    let indented = format!("kid: kid-1\nhmac: {}\n  {}\n", &text[..64], &text[64..]);
    let imported = import(&indented);
    assert!(is_key(&imported, &key));
    assert_eq!(imported.report.changes, [ImportChange::LinesJoined]);
    let flush = format!("kid: kid-1\nhmac: {}\n{}\n", &text[..64], &text[64..]);
    let imported = import(&flush);
    assert!(is_key(&imported, &key[..48]));
    assert_eq!(imported.report.warnings, [ImportWarning::PossiblyContinued]);
}

#[test]
fn the_algorithm_is_taken_from_where_it_is_named() {
    let key = base64url(&octets(3, 64));
    for (text, algorithm) in [
        (format!("certbot register --eab-kid k --eab-hmac-key {key} --eab-hmac-alg HS512"), 512),
        (format!("wacs --eab-key-identifier k --eab-key {key} --eab-algorithm hs384"), 384),
        (format!("EAB_KID=k\nEAB_HMAC_KEY={key}\nEAB_HMAC_ALG=sha-256"), 256),
        (format!(r#"{{"kty":"oct","kid":"k","k":"{key}","alg":"HS512"}}"#), 512),
    ] {
        let name = format!("HS{algorithm}");
        assert_eq!(import(&text).algorithm.unwrap().as_str(), name, "{text}");
    }
    assert_eq!(import(&format!("kid: k\nhmac: {key}")).algorithm, None);
    assert_eq!(
        fails(&format!("--eab-kid k --eab-hmac-key {key} --eab-hmac-alg RS256")),
        ImportError::UnknownAlgorithm
    );
    // A member of that name about something else does not matter.
    let other = format!(r#"{{"kid":"k","hmac":"{key}","algorithm":"round-robin"}}"#);
    assert_eq!(import(&other).algorithm, None);
}

#[test]
fn the_same_value_twice_is_fine_and_two_values_are_not() {
    let same = filled("EAB_KID=KID#\nEAB_HMAC_KEY=KEY#\nEAB_KID=KID#\n");
    reads(&same, Some(JPRS_KID), ImportSource::Assignments);
    let kids = filled("EAB_KID=KID#\nEAB_HMAC_KEY=KEY#\nEAB_KID=kid-2\n");
    assert_eq!(fails(&kids), ImportError::Conflict(ImportField::KeyId));
    let keys = filled("EAB_KID=KID#\nEAB_HMAC_KEY=KEY#\nEAB_HMAC_KEY=c2VjcmV0\n");
    assert_eq!(fails(&keys), ImportError::Conflict(ImportField::MacKey));
    let objects = filled(r#"[{"kid":"a","hmac":"KEY#"},{"kid":"b","hmac":"KEY#"}]"#);
    assert_eq!(fails(&objects), ImportError::Conflict(ImportField::KeyId));
}

#[test]
fn an_unclear_name_counts_only_beside_the_key() {
    let text = filled(r#"{"id":"request","data":{"hmac":"KEY#"}}"#);
    assert_eq!(import(&text).key_id, None);
    let text = filled(r#"{"kid":"KID#","hmac":"KEY#","key":"other","id":"other"}"#);
    reads(&text, Some(JPRS_KID), ImportSource::Json);
}

#[test]
fn stand_ins_are_refused() {
    for value in [
        "$EAB_KEY",
        "${EAB_KEY}",
        "<hmac-key>",
        "%KEY%",
        "{{ key }}",
        "********",
        "...",
        "xxxxxxxxxxxxxxxx",
        "••••••••",
    ] {
        assert_eq!(
            fails(&format!("EAB_KID=kid-1\nEAB_HMAC_KEY={value}")),
            ImportError::Placeholder(ImportField::MacKey),
            "{value}"
        );
        assert_eq!(
            fails(&format!("--eab-kid '{value}' --eab-hmac-key c2VjcmV0")),
            ImportError::Placeholder(ImportField::KeyId),
            "{value}"
        );
    }
    assert_eq!(fails("********"), ImportError::Placeholder(ImportField::MacKey));
}

#[test]
fn texts_without_credential_are_told_apart() {
    for (text, error) in [
        ("", ImportError::Empty),
        (" \r\n\u{feff}", ImportError::Empty),
        ("''", ImportError::Empty),
        ("====", ImportError::Empty),
        ("please find the credential attached", ImportError::NotUnderstood),
        ("EAB_KID=kid-1", ImportError::NoMacKey),
        ("EAB_KID=kid-1\nEAB_HMAC_KEY=\n", ImportError::NoValue(ImportField::MacKey)),
        ("EAB HMAC Key\n", ImportError::NoValue(ImportField::MacKey)),
        ("a\0b", ImportError::ControlCharacter { position: 2 }),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", ImportError::OtherPem),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", ImportError::OtherPem),
        (
            r#"{"kid":"a\u0000b","hmac":"c2VjcmV0"}"#,
            ImportError::KeyId(crate::jose::eab::KeyIdError::ControlCharacter),
        ),
    ] {
        assert_eq!(fails(text), error, "{text:?}");
    }
}

#[test]
fn an_import_makes_the_binding_of_the_derived_vector() {
    let jwk: Jwk = serde_json::from_str(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    )
    .unwrap();
    // V-16, with the key in plain Base64.
    let text = "lego --eab --kid kid-1 --hmac AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZ\
                H75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow== run";
    let imported = import(text);
    assert_eq!(imported.report.form, MacKeyForm::Base64);
    let binding = imported.into_binding().unwrap();
    assert_eq!(binding.algorithm(), MacAlgorithm::Hs256);
    let value = binding.sign(&jwk, "https://example.com/acme/new-account").unwrap();
    assert_eq!(value["signature"], "QuZg1lKPrYwiYgptNJaaFxhg9jPemMxfmbk5B7ATSYE");
}

#[test]
fn a_binding_needs_an_identifier() {
    let mut imported = import(JPRS_KEY);
    assert_eq!(imported.clone().into_binding().unwrap_err(), ImportError::NoKeyId);
    imported.key_id = Some("kid-1".to_owned());
    assert_eq!(imported.into_binding().unwrap().key_id(), "kid-1");
}

#[test]
fn identifier_and_key_that_look_like_one_another_are_pointed_out() {
    let uuid = "0d3a2c54-93c1-4a7e-8b1f-6f2d9c5e7a10";
    let warnings = |text: &str| import(text).report.warnings;
    assert!(warnings(uuid).contains(&ImportWarning::LooksLikeKeyId));
    let swapped = format!("--eab-kid {JPRS_KEY} --eab-hmac-key {uuid}");
    assert!(warnings(&swapped).contains(&ImportWarning::PossiblySwapped));
    let same = format!("--eab-kid {JPRS_KEY} --eab-hmac-key {JPRS_KEY}");
    assert_eq!(warnings(&same), [ImportWarning::SameAsKeyId]);
    assert_eq!(warnings(&format!("--eab-kid {uuid} --eab-hmac-key {JPRS_KEY}")), []);
}
