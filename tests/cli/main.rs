//! The command line as people and scripts meet it: the real binary, its output and its exit codes.

mod config;
mod help;
mod run;
