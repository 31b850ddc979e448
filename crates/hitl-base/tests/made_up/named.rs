//! Secrets under a name, in the syntaxes in which they occur.

use super::dice::Dice;

/// Returns a secret under its name, in the syntaxes in which secrets occur.
pub(crate) fn named(dice: &mut Dice) -> (String, String, String) {
    const NAMES: &[&str] = &[
        "password",
        "DB_PASSWORD",
        "passwd",
        "api_key",
        "apiKey",
        "API_SECRET",
        "client_secret",
        "access_token",
        "authToken",
        "secret_key",
        "SECRET",
        "private_key",
        "aws_secret_access_key",
        "DD_API_KEY",
        "HEROKU_API_KEY",
        "twilio_auth_token",
        "datadog.app.key",
        "encryption-key",
        "refreshToken",
        "JWT_SECRET",
        "smtp_pass",
        "spring.datasource.password",
        "MAPBOX_ACCESS_TOKEN",
        "consumer_key",
        "credentials",
        "session_token",
        "pwd",
    ];
    let d = dice;
    let name = d.pick(NAMES).to_owned();
    let secret = match d.below(6) {
        0 => d.hex(32),
        1 => d.hex(40),
        2 => d.base64(40),
        3 => d.alnum(32),
        _ if name.contains("consumer") || name.contains("app.key") => d.alnum(32),
        4 => d.uuid(),
        _ => d.password(),
    };
    // A value that needs no quotes.
    let simple = secret.replace(['!', '#', '@', '%', '^', '*', '?', '+', '/'], "x");
    let n = &name;
    let (form, text, secret) = match d.below(45) {
        0 => ("env", format!("PORT=80\n{n}={simple}\nDEBUG=1\n"), simple),
        1 => ("export", format!("export {n}='{secret}'"), secret),
        2 => ("yaml", format!("service:\n  {n}: {simple}\n  port: 80\n"), simple),
        3 => ("yaml quoted", format!("  {n}: \"{secret}\""), secret),
        4 => ("json", format!("{{\"host\": \"x\", \"{n}\": \"{secret}\"}}"), secret),
        5 => ("json in text", format!("sent {{\"{n}\":\"{secret}\",\"a\":1 and more"), secret),
        6 => ("ini", format!("[db]\n{n} = {simple}\n"), simple),
        7 => ("python", format!("{n} = \"{secret}\"  # prod"), secret),
        8 => ("python type", format!("{n}: str = \"{secret}\""), secret),
        9 => ("kwarg", format!("connect(host='x', {n}='{secret}')"), secret),
        10 => ("js", format!("const {n} = `{simple}`;"), simple),
        11 => ("js object", format!("{{ {n}: '{secret}', port: 80 }}"), secret),
        12 => ("go", format!("{n} := \"{secret}\""), secret),
        13 => ("ruby", format!(":{n} => '{secret}',"), secret),
        14 => ("php", format!("define('{n}', '{secret}');"), secret),
        15 => ("java", format!("private static final String {n} = \"{secret}\";"), secret),
        16 => ("index", format!("os.environ[\"{n}\"] = \"{secret}\""), secret),
        17 => ("header", format!("curl -H 'X-{n}: {simple}' https://x.org"), simple),
        18 => ("flag", format!("deploy --{n} {simple} --region eu"), simple),
        19 => ("flag=", format!("deploy --{n}={simple} --region eu"), simple),
        20 => ("query", format!("GET https://x.org/v1?page=2&{n}={simple}&z=1"), simple),
        21 => ("xml", format!("<config><{n}>{simple}</{n}></config>"), simple),
        22 => ("xml add", format!("<add key=\"{n}\" value=\"{simple}\" />"), simple),
        23 => ("escaped", format!("{{\\\"{n}\\\": \\\"{simple}\\\"}}"), simple),
        24 => ("terraform", format!("  {n}    = \"{secret}\"\n"), secret),
        25 => ("go type", format!("var {n} string = \"{secret}\""), secret),
        26 => ("append", format!("${n} .= \"{secret}\";"), secret),
        27 => ("make", format!("{n} ::= \"{secret}\""), secret),
        28 => ("block", format!("{n}: |\n  {simple}\nport: 80"), simple),
        29 => ("xml lines", format!("<{n}>\n    {simple}\n</{n}>"), simple),
        30 => ("object", format!("{{\n \"name\": \"{n}\",\n \"value\": \"{secret}\"\n}}"), secret),
        31 => ("list", format!("[{{\"key\":\"{n}\",\"value\":\"{secret}\"}}]"), secret),
        32 => ("argv", format!("[\"deploy\",\"--{n}\",\"{simple}\",\"-v\"]"), simple),
        33 => ("cut off", format!("{{\"region\": \"eu\", \"{n}\": \"{secret}"), secret),
        34 => ("escaped twice", format!("\\\\\"{n}\\\\\":\\\\\"{simple}\\\\\""), simple),
        35 => ("compared", format!("if ({n} === \"{simple}A1\") {{"), format!("{simple}A1")),
        36 => ("compared with", format!("if (\"{simple}\" == {n}) {{"), simple),
        37 => ("twice", format!("{n}='{simple}'; login | '{simple}'"), simple),
        38 => ("plist", format!("<key>{n}</key>\n  <string>{simple}</string>"), simple),
        39 => ("table", format!("| {n} |{simple}9Zq|"), format!("{simple}9Zq")),
        40 => (
            "property",
            format!("System.setProperty(\"{n}\", \"{simple}7#\")"),
            format!("{simple}7#"),
        ),
        41 => ("in brackets", format!("<{n}>{{{simple}}}</{n}>"), simple),
        42 => ("bytes", format!("{n} = b\"{simple}\""), simple),
        43 => {
            ("suffixed", format!("{n}_prod_1 = '{simple}0aZ9qW3eR7tY1'"), format!("{simple}0aZ9"))
        }
        _ => (
            "connection",
            format!("Server=db;Database=x;User Id=sa;{n}={simple};Encrypt=true"),
            simple,
        ),
    };
    (form.to_owned(), text, secret)
}
