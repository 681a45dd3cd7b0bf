//! Routes: `POST /things/{id}`, `ANY /rest/{proxy+}`, `$default`.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::template::Route;

/// Where requests lead to.
#[derive(Debug)]
pub struct Routes<T> {
    by_method: BTreeMap<String, matchit::Router<(String, T)>>,
}

/// The route that a request took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedRoute {
    /// Such as `POST /things/{id}`, as the template writes it.
    pub key: String,
    /// The parts of the path that stand in braces, percent-decoded.
    pub parameters: BTreeMap<String, String>,
}

/// A route that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the route {route} cannot be: {reason}")]
pub struct RouteError {
    route: String,
    reason: String,
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self {
            by_method: BTreeMap::new(),
        }
    }
}

impl<T> Routes<T> {
    /// Adds a route.
    ///
    /// # Errors
    ///
    /// A path that is malformed, or that another route has.
    pub fn add(&mut self, route: &Route, target: T) -> Result<(), RouteError> {
        let key = format!("{} {}", route.method, route.path);
        // A greedy parameter: `{proxy+}` there, `{*proxy}` here.
        let path = match route
            .path
            .strip_suffix("+}")
            .and_then(|path| path.rsplit_once('{'))
        {
            Some((before, name)) => format!("{before}{{*{name}}}"),
            None => route.path.clone(),
        };
        let router = self.by_method.entry(route.method.clone()).or_default();
        let insert = router.insert(path, (key.clone(), target));
        insert.map_err(|error| RouteError {
            route: key,
            reason: error.to_string(),
        })
    }

    /// The route for a request; one of its own method goes before one of any method.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<(&T, MatchedRoute)> {
        self.find_by(method.as_str(), path)
            .or_else(|| self.find_by("ANY", path))
    }

    fn find_by(&self, method: &str, path: &str) -> Option<(&T, MatchedRoute)> {
        let found = self.by_method.get(method)?.at(path).ok()?;
        let (key, target) = found.value;
        let parameters = found
            .params
            .iter()
            .map(|(name, value)| (name.to_owned(), decoded(value)));
        Some((
            target,
            MatchedRoute {
                key: key.clone(),
                parameters: parameters.collect(),
            },
        ))
    }
}

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes<u8> {
        let mut routes = Routes::default();
        let all = [
            ("POST", "/things/{id}"),
            ("POST", "/things"),
            ("ANY", "/things/{id}"),
            ("GET", "/rest/{proxy+}"),
            ("POST", "/things/special"),
        ];
        for (number, (method, path)) in (1..).zip(all) {
            let route = Route {
                method: method.to_owned(),
                path: path.to_owned(),
            };
            routes.add(&route, number).unwrap();
        }
        routes
    }

    #[test]
    fn a_request_takes_the_most_specific_route() {
        let routes = routes();
        let cases = [
            (
                "POST",
                "/things/7",
                Some((1, "POST /things/{id}", vec![("id", "7")])),
            ),
            (
                "POST",
                "/things/a%20b%2Fc",
                Some((1, "POST /things/{id}", vec![("id", "a b/c")])),
            ),
            ("POST", "/things", Some((2, "POST /things", vec![]))),
            (
                "DELETE",
                "/things/7",
                Some((3, "ANY /things/{id}", vec![("id", "7")])),
            ),
            (
                "GET",
                "/rest/a/b",
                Some((4, "GET /rest/{proxy+}", vec![("proxy", "a/b")])),
            ),
            (
                "POST",
                "/things/special",
                Some((5, "POST /things/special", vec![])),
            ),
            ("GET", "/things", None),
            ("POST", "/things/", None),
            ("POST", "/things/7/more", None),
            ("POST", "/", None),
        ];
        for (method, path, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let found = routes.find(&method, path);
            let found = found.map(|(target, route)| (*target, route.key, route.parameters));
            let expected =
                expected.map(|(target, key, parameters): (u8, &str, Vec<(&str, &str)>)| {
                    let owned = parameters
                        .iter()
                        .map(|(name, value)| ((*name).into(), (*value).into()));
                    (target, key.to_owned(), owned.collect())
                });
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn the_same_route_twice_is_refused() {
        let mut routes = routes();
        let route = Route {
            method: "POST".to_owned(),
            path: "/things/{name}".to_owned(),
        };
        assert!(routes.add(&route, 9).is_err());
    }
}
