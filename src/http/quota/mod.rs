//! Rate limits: which limits there are, whom each counts, and what a request has used up of them.

mod bucket;
mod fields;

use crate::config;
use crate::config::Network;
use crate::http::problem::Problem;
use arc_swap::ArcSwap;
use bucket::{Buckets, Taken};
use moka::sync::Cache;
use poem::http::{HeaderMap, StatusCode};
use poem::{FromRequest, Request, RequestBody};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Keys held of the limits everybody meets. A key takes about 350 bytes.
const COMMON_KEYS_MAX: u64 = 50_000;
/// Keys held of each of the other limits.
const RARE_KEYS_MAX: u64 = 10_000;
/// How long an address that has signed in to an account keeps its own bucket there.
const FAMILIAR_LIVES: Duration = Duration::from_hours(24 * 30);

/// The limits. The names are those of the `RateLimit` fields, of problem documents and of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Everything from one address.
    Ip,
    /// Everything of one account.
    User,
    /// Recommendations of one account.
    Generate,
    /// Recommendations without an account, from one address.
    AnonymousGenerate,
    /// Feedback without an account, from one address.
    AnonymousFeedback,
    /// Sign-ins from one address.
    LoginIp,
    /// Sign-ins to one account.
    LoginAccount,
    /// New accounts from one address.
    RegisterIp,
    /// New accounts with one e-mail address.
    RegisterAccount,
}

impl Class {
    pub const ALL: [Class; 9] = [
        Class::Ip,
        Class::User,
        Class::Generate,
        Class::AnonymousGenerate,
        Class::AnonymousFeedback,
        Class::LoginIp,
        Class::LoginAccount,
        Class::RegisterIp,
        Class::RegisterAccount,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Class::Ip => "ip",
            Class::User => "user",
            Class::Generate => "generate",
            Class::AnonymousGenerate => "anonymous-generate",
            Class::AnonymousFeedback => "anonymous-feedback",
            Class::LoginIp => "login-ip",
            Class::LoginAccount => "login-account",
            Class::RegisterIp => "register-ip",
            Class::RegisterAccount => "register-account",
        }
    }

    const fn window(self) -> Duration {
        match self {
            Class::User | Class::Generate | Class::LoginIp | Class::LoginAccount => Duration::from_mins(1),
            Class::Ip | Class::AnonymousGenerate | Class::RegisterIp | Class::RegisterAccount => {
                Duration::from_hours(1)
            }
            Class::AnonymousFeedback => Duration::from_hours(24),
        }
    }

    /// Of this node.
    const fn limit(self, limits: &config::Limits) -> u32 {
        let all = match self {
            Class::Ip => limits.per_ip_per_hour,
            Class::User => limits.per_user_per_minute,
            Class::Generate => limits.generate_per_minute,
            Class::AnonymousGenerate => limits.anonymous_generate_per_hour,
            Class::AnonymousFeedback => limits.anonymous_feedback_per_day,
            Class::LoginIp => limits.login_per_ip_per_minute,
            Class::LoginAccount => limits.login_per_account_per_minute,
            Class::RegisterIp => limits.register_per_ip_per_hour,
            Class::RegisterAccount => limits.register_per_account_per_hour,
        };
        limits.share(all)
    }

    /// What was too much, with the limit and its window.
    fn excess(self, limit: u32) -> String {
        let per = match self.window().as_secs() {
            ..=60 => "a minute",
            61..=3_600 => "an hour",
            _ => "a day",
        };
        match self {
            Class::Ip => format!("Your network address may make {limit} requests {per}"),
            Class::User => format!("Your account may make {limit} requests {per}"),
            Class::Generate => format!("Your account may ask for {limit} recommendations {per}"),
            Class::AnonymousGenerate => format!("Without an account, {limit} recommendations {per} are given"),
            Class::AnonymousFeedback => format!("Without an account, feedback is taken {limit} times {per}"),
            Class::LoginIp => format!("Your network address may try to sign in {limit} times {per}"),
            Class::LoginAccount => format!("One may try to sign in to an account {limit} times {per}"),
            Class::RegisterIp => format!("Your network address may open {limit} accounts {per}"),
            Class::RegisterAccount => format!("One may try to register an e-mail address {limit} times {per}"),
        }
    }
}

/// All buckets of the service. One per process.
pub struct Limiter {
    /// In the order of [`Class::ALL`].
    buckets: Vec<Buckets>,
    exceptions: ArcSwap<Exceptions>,
    /// Which address has signed in to which account.
    familiar: Cache<u128, ()>,
    /// Accounts are counted under a hash with a key of this process: the map holds no e-mail address.
    hasher: RandomState,
}

/// Whom the common limits do not fit.
struct Exceptions {
    exempt: Vec<Network>,
    overrides: HashMap<Uuid, u32>,
}

impl Exceptions {
    fn of_settings(limits: &config::Limits) -> Self {
        Exceptions {
            exempt: limits.exempt_networks.clone(),
            overrides: limits.user_overrides.iter().map(|entry| (entry.user, limits.share(entry.per_minute))).collect(),
        }
    }
}

impl Limiter {
    pub fn new(limits: &config::Limits) -> Self {
        let buckets = Class::ALL.iter().map(|class| {
            let keys_max = if matches!(class, Class::Ip | Class::User) { COMMON_KEYS_MAX } else { RARE_KEYS_MAX };
            Buckets::new(class.limit(limits), class.window(), keys_max)
        });
        Limiter {
            buckets: buckets.collect(),
            exceptions: ArcSwap::from_pointee(Exceptions::of_settings(limits)),
            familiar: Cache::builder().max_capacity(RARE_KEYS_MAX).time_to_idle(FAMILIAR_LIVES).build(),
            hasher: RandomState::new(),
        }
    }

    /// Other limits from now on; what has been used up of those that stay the same stays used up.
    pub fn adopt(&self, limits: &config::Limits) {
        for (class, buckets) in Class::ALL.into_iter().zip(&self.buckets) {
            buckets.set_limit(class.limit(limits));
        }
        self.exceptions.store(Arc::new(Exceptions::of_settings(limits)));
    }

    /// Class, refusals since the start, and keys held now.
    pub fn figures(&self) -> impl Iterator<Item = (Class, u64, u64)> {
        Class::ALL.into_iter().zip(&self.buckets).map(|(class, held)| (class, held.refusals(), held.keys()))
    }

    fn of(&self, class: Class) -> &Buckets {
        &self.buckets[class as usize]
    }

    fn user_limit(&self, user: Uuid) -> u32 {
        self.exceptions.load().overrides.get(&user).copied().unwrap_or(self.of(Class::User).limit())
    }

    /// An e-mail address is the same account whatever its case.
    fn account_key(&self, email: &str) -> u128 {
        u128::from(self.hasher.hash_one(email.trim().to_lowercase()))
    }
}

/// What one limit says about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    class: Class,
    taken: Taken,
}

/// One request on its way through the limits.
pub struct Visit {
    limiter: Arc<Limiter>,
    /// The client's network; `None` where there is no address, or one that is exempt.
    network: Option<u128>,
    exempt: bool,
    standings: Mutex<Vec<Standing>>,
}

impl Visit {
    pub fn new(limiter: Arc<Limiter>, address: Option<IpAddr>) -> Self {
        let exceptions = limiter.exceptions.load();
        let exempt = address.is_some_and(|address| exceptions.exempt.iter().any(|network| network.contains(address)));
        drop(exceptions);
        Visit { limiter, network: address.map(network_key), exempt, standings: Mutex::default() }
    }

    /// Counts the request against a limit of its network.
    pub fn of_network(&self, class: Class) -> Result<(), Problem> {
        self.network.map_or(Ok(()), |network| self.take(class, network, self.limiter.of(class).limit()))
    }

    /// Counts the request against a limit of its user.
    pub fn of_user(&self, class: Class, user: Uuid) -> Result<(), Problem> {
        let limit = match class {
            Class::User => self.limiter.user_limit(user),
            _ => self.limiter.of(class).limit(),
        };
        self.take(class, user.as_u128(), limit)
    }

    /// Counts the request against the limits everybody meets, and says whether they admit it. Where they do not, the
    /// same visit asked again says why.
    pub fn is_admitted(&self, user: Option<Uuid>) -> bool {
        let admits = |class, key, limit| self.counted(class, key, limit).is_none_or(|taken| taken.admitted);
        self.network.is_none_or(|network| admits(Class::Ip, network, self.limiter.of(Class::Ip).limit()))
            && user.is_none_or(|user| admits(Class::User, user.as_u128(), self.limiter.user_limit(user)))
    }

    fn take(&self, class: Class, key: u128, limit: u32) -> Result<(), Problem> {
        let Some(taken) = self.counted(class, key, limit).filter(|taken| !taken.admitted) else { return Ok(()) };
        tracing::info!(event = "excess_rate_limit_exceeded", limit = class.name(), "request refused");
        let seconds = fields::seconds(taken.wait);
        let plural = if seconds == 1 { "" } else { "s" };
        let message = format!("{}. Try again in {seconds} second{plural}.", class.excess(limit));
        let retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        Err(Problem {
            retry_after,
            violated: vec![class.name()],
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, message)
        })
    }

    /// What a limit says of the request, which is counted against it once. `None`: it is exempt.
    fn counted(&self, class: Class, key: u128, limit: u32) -> Option<Taken> {
        if self.exempt {
            return None;
        }
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(met) = standings.iter().find(|standing| standing.class == class) {
            return Some(met.taken);
        }
        let taken = self.limiter.of(class).take(key, limit);
        standings.push(Standing { class, taken });
        Some(taken)
    }

    /// Says on the answer what is left; `now` in seconds since 1970.
    pub fn describe(&self, headers: &mut HeaderMap, now: i64) {
        let standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let limit_of = |class| {
            let met = standings.iter().find(|standing| standing.class == class);
            met.map_or(self.limiter.of(class).limit(), |standing| standing.taken.limit)
        };
        fields::write(headers, &standings, limit_of(Class::User), limit_of(Class::Ip), now);
    }
}

/// The limits of sign-in and registration that count one account: known only when the body has been read.
pub struct AccountGuard(Option<Arc<Visit>>);

impl AccountGuard {
    /// Counts a sign-in. An address that has signed in to the account before is counted by itself, so that nobody can
    /// keep the owner out by trying from elsewhere.
    pub fn sign_in(&self, email: &str) -> Result<(), Problem> {
        let Some(visit) = &self.0 else { return Ok(()) };
        let here = visit.account_here(email);
        let familiar = here.filter(|here| visit.limiter.familiar.contains_key(here));
        let key = familiar.unwrap_or_else(|| visit.limiter.account_key(email));
        visit.take(Class::LoginAccount, key, visit.limiter.of(Class::LoginAccount).limit())
    }

    /// Remembers that this address belongs to the account.
    pub fn signed_in(&self, email: &str) {
        if let Some((visit, here)) = self.0.as_ref().and_then(|visit| Some((visit, visit.account_here(email)?))) {
            visit.limiter.familiar.insert(here, ());
        }
    }

    /// Counts a registration.
    pub fn register(&self, email: &str) -> Result<(), Problem> {
        let Some(visit) = &self.0 else { return Ok(()) };
        let (limiter, class) = (&visit.limiter, Class::RegisterAccount);
        visit.take(class, limiter.account_key(email), limiter.of(class).limit())
    }
}

impl Visit {
    /// The account as seen from this network: never a key of the account alone, which has 64 bits.
    fn account_here(&self, email: &str) -> Option<u128> {
        let network = u128::from(self.limiter.hasher.hash_one(self.network?)) << 64;
        Some(network | 1 << 64 | self.limiter.account_key(email))
    }
}

impl<'a> FromRequest<'a> for AccountGuard {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(AccountGuard(request.data::<Arc<Visit>>().cloned()))
    }
}

/// An IPv4 address, or the /64 network an IPv6 client can choose addresses from.
fn network_key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    fn limiter(flags: &[(&str, &str)]) -> Arc<Limiter> {
        let flags = flags.iter().map(|(key, value)| (format!("limits.{key}"), (*value).to_owned())).collect();
        let loaded = Config::load(&Sources { flags, ..Sources::default() }).expect("the settings are valid");
        Arc::new(Limiter::new(&loaded.config.limits))
    }

    fn visit(limiter: &Arc<Limiter>, address: &str) -> Visit {
        Visit::new(limiter.clone(), Some(address.parse().expect("an address")))
    }

    #[test]
    fn an_ipv6_client_is_its_network_and_an_ipv4_client_its_address() {
        let limiter = limiter(&[("per_ip_per_hour", "1")]);
        for (address, admitted) in [
            ("2001:db8:0:1::1", true),
            ("2001:db8:0:1:ffff::2", false),
            ("2001:db8:0:2::1", true),
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", false),
            ("192.0.2.2", true),
        ] {
            assert_eq!(visit(&limiter, address).of_network(Class::Ip).is_ok(), admitted, "{address}");
        }
    }

    #[test]
    fn a_user_may_have_a_limit_of_its_own() {
        let [plain, favoured] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let limiter = limiter(&[("per_user_per_minute", "1"), ("user_overrides", &format!("{favoured}=3"))]);
        let admitted =
            |user| (0..5).filter(|_| visit(&limiter, "192.0.2.1").of_user(Class::User, user).is_ok()).count();
        assert_eq!((admitted(plain), admitted(favoured)), (1, 3));
    }

    #[test]
    fn each_of_several_nodes_gives_its_part_and_never_nothing() {
        let favoured = Uuid::from_u128(2);
        let favours = format!("{favoured}=7");
        let flags = [("nodes", "3"), ("per_user_per_minute", "4"), ("login_per_ip_per_minute", "1")];
        let limiter = limiter(&[&flags[..], &[("user_overrides", &favours)]].concat());
        let limits = [limiter.user_limit(Uuid::from_u128(1)), limiter.user_limit(favoured)];
        assert_eq!((limits, limiter.of(Class::LoginIp).limit()), ([2, 3], 1));
    }

    #[test]
    fn an_exempt_network_is_never_counted() {
        let limiter = limiter(&[("per_ip_per_hour", "1"), ("exempt_networks", "10.0.0.0/8")]);
        for _ in 0..3 {
            let visit = visit(&limiter, "10.1.2.3");
            assert_eq!(visit.of_network(Class::Ip), Ok(()));
            let mut headers = HeaderMap::new();
            visit.describe(&mut headers, 0);
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn strangers_cannot_use_up_the_sign_ins_of_an_address_that_belongs_there() {
        let limiter = limiter(&[("login_per_account_per_minute", "1")]);
        let guard = |address| AccountGuard(Some(Arc::new(visit(&limiter, address))));
        guard("192.0.2.1").signed_in("owner@example.org");
        assert!(guard("198.51.100.1").sign_in("Owner@example.org").is_ok());
        assert!(guard("198.51.100.2").sign_in("owner@EXAMPLE.org").is_err(), "one account, whatever the address");
        assert!(guard("192.0.2.1").sign_in("owner@example.org").is_ok());
        assert!(guard("198.51.100.2").sign_in("other@example.org").is_ok());
    }

    #[test]
    fn the_page_about_limits_has_every_limit_with_its_setting_default_and_window() {
        let page = include_str!("../../../docs/limits.md");
        let defaults = Config::load(&Sources::default()).expect("the defaults are valid").config;
        let (_, table) = page.split_once("| limit | setting | default | counts |").expect("the table of limits");
        let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        // The one that is counted in the store has a row, too.
        assert_eq!(rows.len(), Class::ALL.len() + 1);
        for class in Class::ALL {
            let per = match class.window().as_secs() {
                60 => "minute",
                3_600 => "hour",
                _ => "day",
            };
            let begins = format!("| `{}` | `limits.", class.name());
            let row = rows.iter().find(|row| row.starts_with(&begins)).expect("a row");
            let limit =
                format!("_per_{per}` | {} a {per} |", class.limit(&defaults.limits)).replace("a hour", "an hour");
            assert!(row.contains(&limit), "{row} has no {limit}");
            assert!(crate::config::settings::find(row.split('`').nth(3).unwrap_or_default()).is_some(), "{row}");
        }
    }
}
