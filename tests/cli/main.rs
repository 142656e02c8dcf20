//! The command line as people and scripts meet it: the real binary, its output and its exit codes.

mod admin;
mod alerts;
mod audit;
mod backup;
mod backup_faults;
mod bad_input;
mod catalog;
#[path = "../support/claude.rs"]
mod claude;
mod compare;
mod config;
mod copy;
mod doctor;
mod doctor_checks;
mod features;
mod few_rights;
mod full_disk;
mod help;
mod litestream;
mod load;
mod maintain;
mod migrate;
mod moments;
mod number_fields;
#[path = "../support/old_schema.rs"]
mod old_schema;
mod postgres_backups;
#[path = "../support/postgres.rs"]
mod postgres_cluster;
mod postgres_tls;
mod price;
mod real_files;
mod recommend;
mod run;
mod sealed_archive;
mod serve;
mod smoke;
mod usage;
mod what_if;
