//! What the service asks of its surroundings: a role that owns one schema, and as many threads as it is given.

use crate::postgres_cluster::Cluster;
use crate::run::Place;
use crate::serve::Service;
use postgres::{Client, NoTls};

#[test]
fn a_role_of_postgresql_that_owns_one_schema_is_enough() {
    let Some(cluster) = Cluster::start_or_skip("few rights on PostgreSQL") else { return };
    let url = cluster.database("few");
    let mut owner = Client::connect(&url, NoTls).expect("the cluster runs");
    owner
        .batch_execute(
            "CREATE ROLE tree LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
             REVOKE ALL ON DATABASE few FROM PUBLIC;
             GRANT CONNECT ON DATABASE few TO tree;
             REVOKE ALL ON SCHEMA public FROM PUBLIC;
             CREATE SCHEMA tree AUTHORIZATION tree;",
        )
        .expect("a role");
    let place = Place::new().with("DATABASE_URL", &url.replace("postgres://postgres@", "postgres://tree@"));
    assert_eq!(place.run(&["migrate"]).code, 0);
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(service.get("/health/ready").contains("200 OK"));
    assert_eq!(service.stop(), Some(0));
    let elsewhere = "SELECT count(*) FROM pg_tables WHERE tableowner = 'tree' AND schemaname <> 'tree'";
    let within = "SELECT count(*) FROM pg_tables WHERE tableowner = 'tree' AND schemaname = 'tree'";
    let mut count = |query: &str| owner.query_one(query, &[]).expect("an answer").get::<_, i64>(0);
    assert!(count(elsewhere) == 0 && count(within) > 20);
}

#[test]
fn there_are_as_many_workers_as_the_settings_say() {
    let threads = |workers: &str| {
        let place = Place::new().with("WORKER_THREADS", workers);
        let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
        std::fs::read_dir(format!("/proc/{}/task", service.id())).expect("it runs").count()
    };
    let (one, forty) = (threads("1"), threads("40"));
    assert!(one < 40 && forty >= 40, "{one} and {forty}");
}
