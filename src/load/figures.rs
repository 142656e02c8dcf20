//! What the service says of itself at `/metrics`: the memory and the files it holds.

use crate::load::Plan;
use crate::load::client::{Call, Client};

/// One look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub resident_bytes: u64,
    pub open_files: u64,
}

impl Figures {
    /// `None` where the service does not tell.
    pub async fn read(plan: &Plan) -> Option<Figures> {
        let mut call = Call::get("/metrics");
        call.bearer = plan.metrics_token.as_ref().map(|token| format!("Bearer {token}"));
        let answer = Client::new(plan.target.clone()).send(call).await?;
        Figures::of(&String::from_utf8_lossy(&answer.body))
    }

    fn of(page: &str) -> Option<Figures> {
        let sample = |name: &str| {
            let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            value.trim().parse::<f64>().ok().map(|value| value as u64)
        };
        Some(Figures {
            resident_bytes: sample("treebeard_process_resident_memory_bytes")?,
            open_files: sample("treebeard_process_open_fds")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_found_among_the_others() {
        let page = "# TYPE treebeard_process_open_fds gauge\ntreebeard_process_open_fds 21\n\
                    treebeard_process_resident_memory_bytes 5.5e7\n";
        assert_eq!(Figures::of(page), Some(Figures { resident_bytes: 55_000_000, open_files: 21 }));
        assert_eq!(Figures::of("treebeard_process_open_fds 21\n"), None);
    }
}
