//! The Kubernetes manifests: right by the published schemas, by each other, and by the program they run.

use crate::support::Server;
use crate::yaml::{GOOD_KEY, TOP, documents, settings_judged, tool_or_skip};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SHARED: [&str; 5] = ["namespace", "configmap", "secret", "service", "ingress"];
const SQLITE: [&str; 2] = ["pvc", "deployment"];
const POSTGRESQL: [&str; 3] = ["postgresql/deployment", "postgresql/hpa", "postgresql/pdb"];

fn path(name: &str) -> String {
    format!("packaging/kubernetes/{name}.yaml")
}

/// The oldest and the newest version whose schemas are looked at.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];

#[test]
fn every_manifest_is_what_its_schema_says() {
    let Some(validate) = tool_or_skip("the schemas of Kubernetes", "kubernetes-validate") else { return };
    let all = [&SHARED[..], &SQLITE, &POSTGRESQL].concat();
    let mut there = Vec::new();
    for folder in ["", "postgresql/"] {
        let entries = std::fs::read_dir(Path::new(TOP).join("packaging/kubernetes").join(folder)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        there.extend(names.filter_map(|name| Some(format!("{folder}{}", name.strip_suffix(".yaml")?))));
    }
    there.sort();
    let mut known = all.clone();
    known.sort_unstable();
    assert_eq!(there, known, "every file is checked");
    for version in VERSIONS {
        let mut command = Command::new(&validate);
        command.args(["--strict", "--kubernetes-version", version]).args(all.iter().map(|name| path(name)));
        let output = command.current_dir(TOP).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&said));
    }
}

/// The manifests of one way to run it.
struct Cluster {
    objects: Vec<Value>,
}

impl Cluster {
    fn of(python: &Path, more: &[&str]) -> Cluster {
        let names = SHARED.iter().chain(more);
        let objects: Vec<Value> = names.flat_map(|name| documents(python, &path(name))).collect();
        for object in objects.iter().filter(|object| object["kind"] != "Namespace") {
            assert_eq!(object["metadata"]["namespace"], "treebeard", "{object}");
        }
        Cluster { objects }
    }

    #[track_caller]
    fn one(&self, kind: &str, name: &Value) -> &Value {
        let found = self.objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == *name);
        found.unwrap_or_else(|| panic!("no {kind} is called {name}"))
    }

    fn only(&self, kind: &str) -> &Value {
        self.one(kind, &json!("treebeard"))
    }

    fn pod(&self) -> &Value {
        &self.only("Deployment")["spec"]["template"]["spec"]
    }

    /// What every object says of another one is so.
    fn holds_together(&self) {
        let labels = &self.only("Deployment")["spec"]["template"]["metadata"]["labels"];
        assert_eq!(self.only("Deployment")["spec"]["selector"]["matchLabels"], *labels);
        assert_eq!(self.only("Service")["spec"]["selector"], *labels);
        let container = &self.pod()["containers"][0];
        let port = &container["ports"][0];
        assert_eq!(self.only("Service")["spec"]["ports"][0]["targetPort"], port["name"]);
        let backend = &self.only("Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
        assert_eq!(self.one("Service", &backend["name"])["spec"]["ports"][0]["name"], backend["port"]["name"]);
        assert_eq!(container["image"], format!("treebeard:{}", env!("CARGO_PKG_VERSION")));
        for mount in list(&container["volumeMounts"]) {
            let volume = list(&self.pod()["volumes"]).find(|volume| volume["name"] == mount["name"]).expect("a volume");
            if !volume["persistentVolumeClaim"].is_null() {
                self.one("PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"]);
            }
            if !volume["configMap"].is_null() {
                self.one("ConfigMap", &volume["configMap"]["name"]);
            }
            if !volume["secret"].is_null() {
                let secret = &self.one("Secret", &volume["secret"]["secretName"])["stringData"];
                assert!(
                    list(&volume["secret"]["items"]).all(|item| secret[text(&item["key"])].is_string()),
                    "{volume}"
                );
            }
        }
    }

    /// It can do nothing but its work.
    fn is_confined(&self) {
        let pod = self.pod();
        assert_eq!(
            pod["securityContext"],
            json!({"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                   "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}})
        );
        assert_eq!((&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]), (&json!(false), &json!(false)));
        let container = &pod["containers"][0];
        assert_eq!(
            container["securityContext"],
            json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}})
        );
        assert!(
            container["resources"]["limits"]["memory"].is_string()
                && container["resources"]["requests"]["cpu"].is_string()
        );
    }

    /// The program's settings are the ConfigMap's, its secrets those of the Secret: good ones are taken, those that
    /// are shipped are not.
    fn settings_are_taken(&self) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("treebeard.toml");
        std::fs::write(&file, text(&self.only("ConfigMap")["data"]["treebeard.toml"])).expect("written");
        let container = &self.pod()["containers"][0];
        assert_eq!(container["args"], json!(["serve", "--config", "/etc/treebeard/treebeard.toml"]));
        for (secrets_are_ours, taken) in [(true, true), (false, false)] {
            let variables: Vec<_> = list(&container["env"])
                .map(|variable| {
                    let Some(path) = text(&variable["value"]).strip_prefix("/run/secrets/treebeard/") else {
                        return (text(&variable["name"]).to_owned(), text(&variable["value"]).to_owned());
                    };
                    let shipped = text(&self.only("Secret")["stringData"][path]);
                    let ours = if path == "database_url" { shipped } else { GOOD_KEY };
                    let at = folder.path().join(path);
                    std::fs::write(&at, if secrets_are_ours { ours } else { shipped }).expect("written");
                    (text(&variable["name"]).to_owned(), at.display().to_string())
                })
                .collect();
            let (accepted, said) = settings_judged(&variables, Some(&file));
            assert_eq!(accepted, taken, "{said}");
        }
        // Requests under way are finished before the pod is killed, and links are those of the ingress.
        let settings: Value = {
            let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
            command.args(["config", "show", "--json", "--config"]).arg(&file).env_clear().env("SECRET_KEY", GOOD_KEY);
            serde_json::from_slice(&command.current_dir("/").output().expect("the binary starts").stdout).expect("JSON")
        };
        let seconds = |name: &str| settings[name].as_u64().unwrap_or_else(|| panic!("{name} in {settings}"));
        let patience = self.pod()["terminationGracePeriodSeconds"].as_u64().expect("a number");
        assert!(patience > seconds("server.drain_delay_seconds") + seconds("server.drain_seconds"), "{patience}");
        let host = text(&self.only("Ingress")["spec"]["rules"][0]["host"]);
        assert_eq!(settings["server.public_url"], format!("https://{host}"));
        assert_eq!(self.only("Ingress")["spec"]["tls"][0]["hosts"], json!([host]));
        let port = container_port(container);
        assert_eq!(settings["server.listen"], format!("0.0.0.0:{port}"));
        let data = list(&container["volumeMounts"]).find(|mount| mount["name"] == "data").expect("a mount");
        assert_eq!(settings["data_dir"], data["mountPath"]);
    }
}

fn container_port(container: &Value) -> &Value {
    &container["ports"][0]["containerPort"]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}")).iter()
}

#[test]
fn one_instance_on_sqlite_fits_together() {
    let Some(python) = tool_or_skip("the manifests for SQLite", "python") else { return };
    let cluster = Cluster::of(&python, &SQLITE);
    cluster.holds_together();
    cluster.is_confined();
    cluster.settings_are_taken();
    let deployment = &cluster.only("Deployment")["spec"];
    assert_eq!((&deployment["replicas"], &deployment["strategy"]), (&json!(1), &json!({"type": "Recreate"})));
}

#[test]
fn several_instances_on_postgresql_fit_together() {
    let Some(python) = tool_or_skip("the manifests for PostgreSQL", "python") else { return };
    let cluster = Cluster::of(&python, &POSTGRESQL);
    cluster.holds_together();
    cluster.is_confined();
    cluster.settings_are_taken();
    let deployment = &cluster.only("Deployment")["spec"];
    assert!(deployment["replicas"].is_null(), "the autoscaler says how many");
    let autoscaler = &cluster.only("HorizontalPodAutoscaler")["spec"];
    cluster.one(text(&autoscaler["scaleTargetRef"]["kind"]), &autoscaler["scaleTargetRef"]["name"]);
    let mut variables = list(&cluster.pod()["containers"][0]["env"]);
    let nodes = variables.find(|variable| variable["name"] == "TREEBEARD_LIMITS__NODES").expect("a number");
    assert_eq!(text(&nodes["value"]), autoscaler["minReplicas"].to_string(), "what is limited is shared by the least");
    assert_eq!(cluster.only("PodDisruptionBudget")["spec"]["selector"], deployment["selector"]);
}

#[test]
fn every_probe_asks_what_the_service_answers() {
    let Some(python) = tool_or_skip("the probes", "python") else { return };
    let server = Server::start();
    for more in [&SQLITE[..], &POSTGRESQL] {
        let cluster = Cluster::of(&python, more);
        let container = &cluster.pod()["containers"][0];
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let asked = &container[probe]["httpGet"];
            assert_eq!(asked["port"], container["ports"][0]["name"], "{probe}");
            assert_eq!(server.get(text(&asked["path"]), &[]).status, 200, "{probe}");
        }
        assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/health/ready");
    }
}
