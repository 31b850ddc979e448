//! Secrets in fixed places.

use super::dice::Dice;

/// Returns a secret in a fixed place.
pub(crate) fn placed(dice: &mut Dice) -> (&'static str, String, String) {
    let d = dice;
    let secret = d.alnum(14);
    match d.below(15) {
        0 => ("curl -u", format!("curl -u admin:{secret} https://x.org/api"), secret),
        1 => ("mysql -p", format!("mysql -u root -p{secret} shop"), secret),
        2 => ("sshpass", format!("sshpass -p {secret} ssh root@10.0.0.1"), secret),
        3 => ("netrc", format!("machine x.org login ann password {secret}"), secret),
        4 => ("bearer", format!("Authorization: Bearer {secret}{secret}"), secret),
        5 => {
            let secret = d.base64(30);
            ("basic", format!("Authorization: Basic {secret}=="), secret)
        }
        6 => ("npmrc", format!("//registry.example.org/:_authToken={secret}"), secret),
        7 => ("cookie", format!("Cookie: theme=dark; session={secret}"), secret),
        8 => ("sql", format!("CREATE USER app IDENTIFIED BY '{secret}';"), secret),
        9 => ("powershell", format!("ConvertTo-SecureString \"{secret}\" -AsPlainText"), secret),
        10 => ("curl key", format!("curl -u {secret}7: https://x.org/v1"), secret),
        11 => ("hook", format!("POST https://ci.x.org/webhook/{secret}{secret}"), secret),
        12 => {
            let secret = d.uuid();
            ("said", format!("rotate vendor-token-{secret} today"), secret)
        }
        13 => ("mongo", format!("mongodb+srv://app:p@{secret}@db.x.org/main"), secret),
        _ => ("prose", format!("Hi, my password is {secret}, please log in."), secret),
    }
}
