//! The metrics at an address of their own.

use crate::service::{Service, ask, connect, get};

#[test]
fn metrics_with_an_address_of_their_own_are_there_and_nowhere_else() {
    let service = Service::start(&[("TREEBEARD_METRICS__LISTEN", "127.0.0.1:0")]);
    service.wait_for_times("listening on ", 2);
    let [api, apart] = service.addresses().try_into().expect("two addresses");
    for (path, at_the_api, at_the_metrics) in [
        ("/metrics", 404, 200),
        ("/health", 200, 200),
        ("/health/live", 200, 200),
        ("/health/ready", 200, 200),
        ("/api/v1/suppliers", 200, 404),
        ("/api/v1/suppliers", 200, 404),
        ("/docs", 200, 404),
        ("/version", 200, 404),
        ("/", 200, 404),
        ("/nothing", 404, 404),
    ] {
        for (address, status) in [(&api, at_the_api), (&apart, at_the_metrics)] {
            let reply = ask(connect(address), &get(path));
            assert_eq!(reply.status, status, "{path} at {address}");
            assert!(reply.header("x-request-id").is_some() && reply.header("content-security-policy").is_some());
            if status == 404 {
                reply.problem(404);
            }
        }
    }
    let page = ask(connect(&apart), &get("/metrics")).body;
    assert!(page.contains("treebeard_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"200\"}"), "{page}");
}

#[test]
fn the_token_is_asked_for_there_too() {
    let set = [("TREEBEARD_METRICS__LISTEN", "127.0.0.1:0"), ("TREEBEARD_METRICS__TOKEN", "a-token-for-the-scraper")];
    let service = Service::start(&set);
    service.wait_for_times("listening on ", 2);
    let apart = service.addresses().pop().expect("two addresses");
    ask(connect(&apart), &get("/metrics")).problem(401);
    let signed = get("/metrics").replace("\r\n\r\n", "\r\nauthorization: Bearer a-token-for-the-scraper\r\n\r\n");
    assert_eq!(ask(connect(&apart), &signed).status, 200);
}
