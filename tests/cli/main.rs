//! The command line as people and scripts meet it: the real binary, its output and its exit codes.

mod catalog;
mod compare;
mod config;
mod help;
mod price;
mod real_files;
mod recommend;
mod run;
mod serve;
mod usage;
