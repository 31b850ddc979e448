//! Which reviewer the claims of a verified ID token name. Pure.

use std::collections::BTreeSet;

use hitl_console::Reviewer;
use hitl_core::{Principal, PrincipalKind};
use serde_json::{Map, Value};

/// Groups of the provider, and what they are here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::serve) struct GroupMap(Vec<(String, String)>);

/// The claims that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct ClaimRules {
    pub(in crate::serve) principal: String,
    pub(in crate::serve) role: String,
    pub(in crate::serve) roles: GroupMap,
    /// `None`: everybody is of the default tenant.
    pub(in crate::serve) tenant: Option<(String, GroupMap)>,
}

/// Why claims name no reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimError {
    /// The claim with the name is missing, is no text, or has control characters.
    NoName,
    /// The address is not verified.
    EmailNotVerified,
    /// The name is that of an agent or a service.
    NotHuman,
    /// No group has a role.
    NoRole,
    /// No group has a tenant.
    NoTenant,
    /// Groups have several tenants.
    SeveralTenants,
}

impl GroupMap {
    /// Parses `GROUP=NAME` of each group. The last `=` counts: groups may have some.
    pub(in crate::serve) fn parse(pairs: &[String]) -> Result<Self, String> {
        let pair = |text: &String| {
            let (group, name) = text.rsplit_once('=').unwrap_or_default();
            let (group, name) = (group.trim(), name.trim());
            if group.is_empty() || name.is_empty() {
                return Err(format!("`{text}` is not GROUP=NAME"));
            }
            Ok((group.to_owned(), name.to_owned()))
        };
        Ok(Self(pairs.iter().map(pair).collect::<Result<_, _>>()?))
    }

    pub(in crate::serve) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what the groups are here. Groups that are not named give nothing.
    fn of<'m>(&'m self, groups: &[&str]) -> BTreeSet<&'m str> {
        let named = self.0.iter().filter(|(group, _)| groups.contains(&group.as_str()));
        named.map(|(_, name)| name.as_str()).collect()
    }
}

impl ClaimRules {
    /// Returns the reviewer.
    pub(super) fn reviewer(&self, claims: &Map<String, Value>) -> Result<Reviewer, ClaimError> {
        let name = claims.get(&self.principal).and_then(Value::as_str);
        let name = name.filter(|name| is_name(name)).ok_or(ClaimError::NoName)?;
        if self.principal == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return Err(ClaimError::EmailNotVerified);
        }
        let principal = Principal::new(name);
        if principal.kind() != PrincipalKind::Human {
            return Err(ClaimError::NotHuman);
        }
        let roles = self.roles.of(&groups(claims, &self.role));
        if roles.is_empty() {
            return Err(ClaimError::NoRole);
        }
        let mut reviewer = Reviewer::new(principal);
        if let Some((claim, map)) = &self.tenant {
            let mut tenants = map.of(&groups(claims, claim)).into_iter();
            let tenant = tenants.next().ok_or(ClaimError::NoTenant)?;
            if tenants.next().is_some() {
                return Err(ClaimError::SeveralTenants);
            }
            reviewer = reviewer.of_tenant(tenant);
        }
        Ok(roles.into_iter().fold(reviewer, Reviewer::role))
    }
}

/// Returns whether a name can be seen, and is as it looks.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 256
        && name == name.trim()
        && !name.chars().any(char::is_control)
        && hitl_base::display::visible(name) == name
}

/// Returns the groups of a claim: a list of texts, or one text. The claim is found by its whole
/// name, or as a path: `realm_access.roles`.
fn groups<'c>(claims: &'c Map<String, Value>, name: &str) -> Vec<&'c str> {
    let claim = claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, part| value.get(part))
    });
    match claim {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(pairs: &[&str]) -> GroupMap {
        let pairs: Vec<_> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        GroupMap::parse(&pairs).unwrap()
    }

    fn rules() -> ClaimRules {
        ClaimRules {
            principal: "sub".to_owned(),
            role: "groups".to_owned(),
            roles: map(&["reviewers=reviewer", "admins=admin", "admins=reviewer"]),
            tenant: None,
        }
    }

    fn read(rules: &ClaimRules, claims: Value) -> Result<Reviewer, ClaimError> {
        rules.reviewer(claims.as_object().unwrap())
    }

    #[test]
    fn groups_become_roles_and_those_that_are_not_named_give_nothing() {
        let claims = json!({"sub": "u-17", "groups": ["admins", "reviewer", "admin", "staff", 7]});
        let reviewer = read(&rules(), claims).unwrap();
        assert_eq!(reviewer.principal.as_str(), "u-17");
        assert_eq!(reviewer.roles, ["admin", "reviewer"]);
        let one = read(&rules(), json!({"sub": "u-17", "groups": "reviewers"})).unwrap();
        assert_eq!(one.roles, ["reviewer"]);
    }

    #[test]
    fn invariant_5_who_is_in_no_named_group_does_not_get_in() {
        for groups in [
            json!(null),
            json!([]),
            json!(["reviewer"]),
            json!(["Reviewers"]),
            json!(["reviewers "]),
            json!([["reviewers"]]),
            json!({"reviewers": true}),
            json!(true),
            json!("reviewers,admins"),
        ] {
            let claims = json!({"sub": "u-17", "groups": groups, "roles": ["reviewers"]});
            assert_eq!(read(&rules(), claims), Err(ClaimError::NoRole));
        }
        assert_eq!(read(&rules(), json!({"sub": "u-17"})), Err(ClaimError::NoRole));
    }

    #[test]
    fn invariant_7_a_name_is_one_that_the_provider_vouches_for() {
        let groups = json!(["reviewers"]);
        for sub in
            ["", " ann", "ann ", "a\nb", "a\u{0}b", "a\u{202e}b", "a\u{200b}b", &"a".repeat(257)]
        {
            let claims = json!({"sub": sub, "groups": groups});
            assert_eq!(read(&rules(), claims), Err(ClaimError::NoName), "{sub:?}");
        }
        for other in [json!(17), json!(null), json!(["ann"])] {
            assert_eq!(
                read(&rules(), json!({"sub": other, "groups": groups})),
                Err(ClaimError::NoName)
            );
        }
        for program in ["agent:bot", "service:nightly"] {
            let claims = json!({"sub": program, "groups": groups});
            assert_eq!(read(&rules(), claims), Err(ClaimError::NotHuman));
        }
        let by_email = ClaimRules { principal: "email".to_owned(), ..rules() };
        for verified in [json!(null), json!(false), json!("true"), json!(1)] {
            let claims = json!({"sub": "u", "email": "ann@example.com", "email_verified": verified, "groups": groups});
            assert_eq!(read(&by_email, claims), Err(ClaimError::EmailNotVerified));
        }
        let claims = json!({"sub": "u", "email": "ann@example.com", "email_verified": true, "groups": groups});
        assert_eq!(read(&by_email, claims).unwrap().principal.as_str(), "ann@example.com");
    }

    #[test]
    fn invariant_5_a_reviewer_has_exactly_one_tenant() {
        let tenants = map(&["acme-staff=acme", "acme-admins=acme", "initech=initech"]);
        let rules = ClaimRules { tenant: Some(("org.units".to_owned(), tenants)), ..rules() };
        let of = |units: Value| {
            let claims = json!({"sub": "u", "groups": "admins", "org": {"units": units}});
            read(&rules, claims).map(|reviewer| reviewer.tenant.to_string())
        };
        assert_eq!(of(json!(["acme-staff", "acme-admins", "x"])).as_deref(), Ok("acme"));
        assert_eq!(of(json!(["initech", "acme-staff"])), Err(ClaimError::SeveralTenants));
        for none in [json!(null), json!([]), json!(["acme"]), json!("x")] {
            assert_eq!(of(none), Err(ClaimError::NoTenant));
        }
    }

    #[test]
    fn a_claim_is_found_by_its_whole_name_first() {
        let claims = json!({"https://x.example/groups": ["a"], "realm_access": {"roles": ["b"]}, "x.y": "c", "x": {"y": "d"}});
        let claims = claims.as_object().unwrap();
        assert_eq!(groups(claims, "https://x.example/groups"), ["a"]);
        assert_eq!(groups(claims, "realm_access.roles"), ["b"]);
        assert_eq!(groups(claims, "x.y"), ["c"]);
        assert!(groups(claims, "realm_access.roles.b").is_empty());
        assert!(groups(claims, "").is_empty());
    }

    #[test]
    fn a_map_is_pairs_of_a_group_and_a_name() {
        assert_eq!(map(&["cn=staff,ou=x=reviewer"]).of(&["cn=staff,ou=x"]).len(), 1);
        for wrong in ["", "a", "=b", "a=", " = "] {
            assert!(GroupMap::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
